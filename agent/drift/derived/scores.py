"""A row's values as scores: one number a column, mean 0 and variance 1 in the reference.

Rule: pure. A score is the table's entry for the bin that the value is in, so it depends on the
order of values alone and no outlier can move it far. Missing and invalid values are NaN.

A numeric column's scores are van der Waerden's (normal quantiles of the bins' mid-ranks); of
categories the most frequent one is told from the others. Columns of texts and times have none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from agent.drift.reference.distance import normal_scores
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import (
    Bins,
    CategoryBins,
    Ints,
    Numbers,
    NumericBins,
    Values,
)

Scores = npt.NDArray[np.float32]
"""Half the memory and time of float64, and far finer than bins."""
_UNSCORED = ("text", "timestamp", "vector", "view")
NO_SCORES: Scores = np.zeros(0, dtype=np.float32)


def table_of(column: ColumnProfile) -> list[float] | None:
    """A score a bin; None for a column that has no two bins with rows, and for one of texts, times
    or a vector."""
    counts = np.array(column.counts, dtype=np.int64)
    if np.count_nonzero(counts) < 2 or column.kind in _UNSCORED:
        return None
    if column.kind == "numeric":
        return [round(float(score), 6) for score in normal_scores(counts)]
    share = float(counts.max() / counts.sum())
    spread = math.sqrt(share * (1 - share))
    most = int(counts.argmax())
    return [round((float(i == most) - share) / spread, 6) for i in range(len(counts))]


class Scorer:
    """Scores of one column's rows."""

    def __init__(self, bins: Bins, scores: Sequence[float]) -> None:
        self._bins = bins
        self._table: Scores = np.array([*scores, np.nan, np.nan], dtype=np.float32)

    def of(self, values: Values) -> Scores:
        """One a value."""
        if isinstance(self._bins, NumericBins):
            batch = self._bins.numbers(values)
            return self.of_numbers(batch, self._bins.places(batch.finite))
        assert isinstance(self._bins, CategoryBins)
        return self.of_places(self._bins.places(values))

    def of_places(self, places: Ints) -> Scores:
        """The same of values whose bins are known."""
        return self._table[places]

    def of_numbers(self, batch: Numbers, places: Ints) -> Scores:
        """The same of numbers whose bins are known, those of the finite ones."""
        if batch.at is None:
            return self._table[places]
        scores: Scores = np.full(len(batch.at), np.nan, dtype=np.float32)
        scores[batch.at] = self._table[places]
        return scores


def counted(values: Scores, edges: Sequence[float]) -> Ints:
    """Counts of each row of a matrix on the bins between `edges`; NaN is in none of them."""
    above = [_trues(values > edge) for edge in edges]
    rows = values.shape[1] - _trues(np.isnan(values))
    ends = np.stack([rows, *above, np.zeros_like(rows)], axis=1)
    counts: Ints = ends[:, :-1] - ends[:, 1:]
    return counts


def _trues(mask: npt.NDArray[np.bool_]) -> Ints:
    """True ones in each row. Measured: half the time of count_nonzero."""
    trues: Ints = np.bitwise_count(np.packbits(mask, axis=1)).sum(axis=1, dtype=np.int64)
    return trues
