"""All derived columns of a model, ready to compute and count.

Rule: a row counts once in each; what a reference says of its columns is in `stored`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from agent.drift.derived import importance
from agent.drift.derived.joint import Relations
from agent.drift.derived.scores import Scores, counted
from agent.drift.reference.derived import Derived
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Ints

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
        kinds = ["relations"] * (self.relations is not None) + ["importance"] * bool(
            self.prediction
        )
        self.places = [(kind, i) for kind in kinds for i in range(len(self.inputs))]
        """Of each derived column its kind and its input."""

    def profiles(self) -> list[ColumnProfile]:
        """The derived columns as columns of a profile, in the order of `counts`."""
        lists = {"relations": self.derived.relations, "importance": self.derived.importance}
        known = iter(self.derived.variation)
        return [
            ColumnProfile(
                f"({kind}) {self.inputs[i]}",
                "input",
                "numeric",
                lists[kind][i],
                0,
                0,
                self.derived.edges,
                variation=next(known, None),
            )
            for kind, i in self.places
        ]

    def counts(self, inputs: Scores, prediction: Scores | None) -> Ints:
        """Counts [columns, bins] of scores [inputs, rows]; no importance without a prediction."""
        parts: list[Scores] = []
        inputs = inputs[:, : self.rows_at_once]
        if self.relations is not None:
            parts.append(self.relations.values(inputs))
        if self.prediction and prediction is not None:
            parts.append(importance.values(inputs, prediction[: self.rows_at_once]))
        elif self.prediction:
            parts.append(np.full_like(inputs, np.nan))
        return counted(np.concatenate(parts), self.derived.edges)


def columns_of(derived: Derived | None) -> list[ColumnProfile]:
    """The derived columns, if there are any."""
    return Derivation(derived).profiles() if derived is not None and derived.inputs else []


def put_back(derived: Derived, columns: Sequence[ColumnProfile]) -> Derived:
    """With the counts and the variation of these, which are as `columns_of` gives them."""
    counts: dict[str, list[list[int]]] = {"relations": [], "importance": []}
    for (kind, _), column in zip(Derivation(derived).places, columns, strict=True):
        counts[kind].append(column.counts)
    if not counts["relations"]:
        counts["relations"] = derived.relations  # of a single input, which nothing goes with
    variation = [column.variation for column in columns if column.variation is not None]
    return msgspec.structs.replace(derived, **counts, variation=variation)
