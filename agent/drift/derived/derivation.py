"""All derived columns of a model, ready to compute and count.

Rule: a row counts once in each; what a reference says of its columns is in `stored`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.drift.derived import importance
from agent.drift.derived.joint import Relations
from agent.drift.derived.scores import Scores, counted
from agent.drift.derived.stored import Derived
from agent.drift.reference import ColumnProfile
from agent.drift.sketch import Ints

CELLS = 1 << 16
"""Scores that are used of one batch, at most: rows times inputs."""


class Derivation:
    """Computes what `derived` describes."""

    def __init__(self, derived: Derived) -> None:
        self.derived = derived
        self.inputs = [column.name for column in derived.inputs]
        self.prediction = derived.prediction.name if derived.prediction else ""
        self.relations = Relations(derived.correlation) if len(self.inputs) > 1 else None
        self.rows_at_once = CELLS // max(1, len(self.inputs))

    def profiles(self) -> list[ColumnProfile]:
        """The derived columns as columns of a profile, in the order of `counts`."""
        derived = self.derived
        named = [(f"(relations) {name}", counts) for name, counts in self._of(derived.relations)]
        named += [(f"(importance) {name}", counts) for name, counts in self._of(derived.importance)]
        edges = derived.edges
        return [
            ColumnProfile(name, "input", "numeric", counts, 0, 0, edges) for name, counts in named
        ]

    def counts(self, inputs: Scores, prediction: Scores | None) -> Ints:
        """Counts [columns, bins] of scores [inputs, rows]; no importance without a prediction."""
        parts: list[Scores] = []
        inputs = inputs[:, : self.rows_at_once]
        if self.relations is not None:
            parts.append(self.relations.values(inputs))
        else:
            parts.append(np.full_like(inputs, np.nan))
        if self.prediction:
            if prediction is None:
                parts.append(np.full_like(inputs, np.nan))
            else:
                parts.append(importance.values(inputs, prediction[: self.rows_at_once]))
        return counted(np.concatenate(parts), self.derived.edges)

    def _of(self, lists: Sequence[list[int]]) -> Sequence[tuple[str, list[int]]]:
        return list(zip(self.inputs, lists, strict=False))
