"""How each input goes with the prediction: one number a column, for people to look at.

Rule: pure; sums over rows, no rows kept. Nothing is judged by it (`importance` is).

It is the correlation of normal scores (van der Waerden's, of the columns' bins), so it depends on
the order of values alone: 1 where the prediction grows with the input, -1 where it falls. It is
known of numeric and boolean inputs against the first numeric output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from agent.drift.derived.scores import Scorer, Scores
from agent.drift.reference.derived import CONFIDENCE
from agent.drift.reference.distance import normal_scores
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Values

MIN_ROWS = 50
"""With both values, below which nothing is said."""
_ORDERED = ("numeric", "boolean")


def prediction_of(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The output that inputs are correlated with; None if no output is a number."""
    outputs = (c for c in columns if c.side == "output" and c.name != CONFIDENCE)
    return next((column for column in outputs if column.kind == "numeric"), None)


class Correlating:
    """Adds up the products of the scores of some columns and the prediction's."""

    def __init__(self, columns: Sequence[ColumnProfile]) -> None:
        """`columns`: counted already, as the scores are of their counts."""
        self._columns = list(columns)
        prediction = prediction_of(columns)
        inputs = [c for c in columns if c.side == "input" and c.kind in _ORDERED]
        self._prediction = (prediction.name, _scorer(prediction)) if prediction else None
        self._inputs = {c.name: _scorer(c) for c in inputs} if prediction else {}
        self._sums = np.zeros((6, len(self._inputs)))
        """Of rows with both: their number, x, y, xx, yy, xy."""

    def __bool__(self) -> bool:
        """Whether there is anything to correlate."""
        return bool(self._inputs)

    def add(self, inputs: Mapping[str, Values], outputs: Mapping[str, Values], rows: int) -> None:
        """Adds some aligned rows; a column that has not as many values lacks them all."""
        if self._prediction is None or not self._inputs:
            return
        name, scorer = self._prediction
        x = np.stack([_scores(s, inputs.get(n, ()), rows) for n, s in self._inputs.items()])
        y = _scores(scorer, outputs.get(name, ()), rows)
        both = ~np.isnan(x) & ~np.isnan(y)
        x, y = np.where(both, x, 0.0), np.nan_to_num(y)
        sums = both.sum(1), x.sum(1), both @ y, (x * x).sum(1), both @ (y * y), x @ y
        self._sums += np.array(sums)

    def columns(self) -> list[ColumnProfile]:
        """All columns, each with its correlation where it is known."""
        n, x, y, xx, yy, xy = self._sums
        size = np.maximum(n, 1)
        spread = np.sqrt(np.maximum((xx - x * x / size) * (yy - y * y / size), 0.0))
        known = (n >= MIN_ROWS) & (spread > 1e-9 * size)
        found = np.clip((xy - x * y / size) / np.where(known, spread, 1.0), -1.0, 1.0)
        each = zip(self._inputs, known.tolist(), found.tolist(), strict=True)
        values = {name: round(r, 6) for name, is_known, r in each if is_known}
        return [
            msgspec.structs.replace(
                c, correlation=values.get(c.name) if c.side == "input" else None
            )
            for c in self._columns
        ]


def _scorer(column: ColumnProfile) -> Scorer:
    counts = np.array(column.counts, dtype=np.int64)
    return Scorer(column.bins(), [float(score) for score in normal_scores(counts)])


def _scores(scorer: Scorer, values: Values, rows: int) -> Scores:
    found: Scores = np.full(rows, np.nan, dtype=np.float32)
    return scorer.of(values) if len(values) == rows else found
