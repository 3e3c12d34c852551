"""What is asked of a chart's columns, as arrays over columns and scores, and what a span answers.

Rule: arrays are made once and hold no evidence, so they are made anew when a column is renewed.
Columns of fewer cells or scores are padded to those that have most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agent.drift.engine import allowance as allowed
from agent.drift.engine.cells import Cells, cells_of
from agent.drift.engine.clusters import Correlations, worth
from agent.drift.engine.evidence import thresholds, tilted_rate, two_sample_rate
from agent.drift.engine.scores import Scores, scores_of
from agent.drift.engine.spans import Span
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Floats, Ints
from agent.drift.reference.variation import Period, hour_at

MIN_ROWS = 50
"""Rows of a span, or of the reference, below which nothing is said."""
WORTH_A_LOOK = 2.0
"""|mean| / sd below which a test is given that as its z: far from any threshold."""


class Tests(NamedTuple):
    """All tests of one span, [column, score]."""

    z: Floats
    effect: Floats
    """Signed mean score, less the continuity correction."""
    spread: Floats
    """Standard deviation of the effect."""


class Some(NamedTuple):
    """What is asked of some of the columns, [column, score]; `values` has [column, score, cell]."""

    values: Floats
    weights: Floats
    """The mean of up and down."""
    is_set: npt.NDArray[np.bool_]
    """Whether it is the indicator of a set of cells."""
    expected: Floats
    """The set's share under the reference."""
    unit: Floats
    """Its standard deviation there."""


class Questions:
    """The scores of some columns, ready to be taken of their counts."""

    def __init__(
        self,
        columns: Sequence[ColumnProfile],
        period: Period | None,
        natural_variation: allowed.Mode,
        width: int = 0,
    ) -> None:
        """`width`: cells to make room for, if no column has more."""
        self.cells: list[Cells] = [cells_of(column) for column in columns]
        self.scores: list[Scores] = [
            scores_of(cells, column.edges)
            for cells, column in zip(self.cells, columns, strict=True)
        ]
        self.allowance = allowed.allowance(
            [column.variation for column in columns],
            self.cells,
            self.scores,
            period,
            natural_variation,
        )
        self.width = max((cells.size for cells in self.cells), default=0)
        self.width = max(self.width, width)
        """Cells of the widest column."""
        count = len(columns)
        most = max((len(scores.labels) for scores in self.scores), default=0)
        self._values = np.zeros((count, most, self.width + self.kinds))
        self._shares = np.zeros((count, self.width))
        portions = portions_of(columns)
        weights = np.zeros((2, count, most))
        expected = np.full((count, most), np.nan)
        for i, (cells, scores) in enumerate(zip(self.cells, self.scores, strict=True)):
            tests = len(scores.labels)
            self._values[i, :tests, : cells.size] = scores.values
            self._shares[i, : cells.size] = cells.shares
            weights[:, i, :tests] = scores.weights * portions[i]
            expected[i, :tests] = scores.shares
        self._rows = np.array([max(1.0, cells.rows) for cells in self.cells])
        self._own = 1.0 / self._rows
        self.judged = np.array([cells.rows >= MIN_ROWS for cells in self.cells], dtype=bool)
        """Columns whose reference has rows enough."""
        self._is_set = ~np.isnan(expected)
        self._expected = np.where(self._is_set, expected, 0.5)
        self._unit = np.sqrt(self._expected * (1 - self._expected))
        self._continuity = np.where(self._is_set, 0.5 / self._unit, 0.0)
        self._weights, self._weight_of = np.unique(weights, return_inverse=True)
        self._weight_of = self._weight_of.reshape(weights.shape)
        offsets = np.arange(count) * self.width
        parts = [cells.places + at for cells, at in zip(self.cells, offsets, strict=True)]
        self._places = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    @property
    def kinds(self) -> int:
        """Of hours, by which a column's rows are kept behind its cells.

        They are pooled, kept and forgotten as its cells are, and no score counts them.
        """
        return self.allowance.kinds if self.allowance is not None else 0

    @property
    def shape(self) -> tuple[int, int]:
        """Of a window's counts as `of_bins` gives them."""
        return len(self.cells), self._values.shape[2]

    @property
    def bytes(self) -> int:
        """What the arrays take, but for a few of one number a column."""
        arrays = (self._values, self._shares, self._expected, self._unit, self._continuity)
        return sum(array.nbytes for array in arrays) + self._weight_of.nbytes

    def correlations(self, columns: Sequence[ColumnProfile]) -> Correlations:
        """Of these columns' scores, between rows of one request; nothing is known yet."""
        each = zip(self.scores, self.cells, strict=True)
        matrices = [scores.values[:, cells.places] for scores, cells in each]
        return Correlations([column.side for column in columns], matrices)

    def of_bins(self, counts: Sequence[Ints], middle: float) -> Ints:
        """A window's counts of bins as counts [column, cell]; `middle`: of it, epoch seconds."""
        shape = self._shares.shape
        flat = np.concatenate(counts) if len(counts) else self._places
        cells = np.bincount(self._places, flat, shape[0] * shape[1]).reshape(shape)
        if self.kinds:
            cells = np.pad(cells, ((0, 0), (0, self.kinds)))
            cells[:, self.width + hour_at(middle, self.kinds)] = cells.sum(1)
        return cells.astype(np.int64)

    def rows(self, counts: Ints) -> Ints:
        """Rows of each column in a span's counts."""
        total: Ints = counts[:, : self.width].sum(1)
        return total

    def some(self, columns: Sequence[int]) -> Some:
        """What is asked of the columns at these places."""
        return Some(
            self._values[columns][:, :, : self.width],
            self._weights[self._weight_of[:, columns]].mean(0),
            self._is_set[columns],
            self._expected[columns],
            self._unit[columns],
        )

    def thresholds(self, level: float, up: npt.NDArray[np.bool_]) -> Floats:
        """The z of each test, up or down, of which all have `level` for the mean column."""
        of_up, of_down = thresholds(self._weights * level)[self._weight_of]
        found: Floats = np.where(up, of_up, of_down)
        return found

    def tests(self, span: Span, seconds: Floats, rho: Floats) -> Tests:
        """All tests of a span's counts.

        `seconds`: how long a time each column's rows are of; `rho`: as `Correlations` has it.
        """
        rows = self.rows(span.counts)
        size = np.maximum(rows, 1)[:, None].astype(np.float64)
        mean = np.matmul(self._values, span.counts[:, :, None])[:, :, 0] / size
        if span.extra.any():
            size = worth(size, span.extra[:, None], rho)
        variance = 1.0 / size + self._own[:, None]
        if self.allowance is not None:
            variance = variance + self.allowance.variance(seconds)
            if self.allowance.kinds:
                hours = span.counts[:, self.width :] / np.maximum(rows, 1)[:, None]
                mean = mean - self.allowance.expected(hours)
                variance = variance + self.allowance.uncertainty(hours)
        effect = np.sign(mean) * np.maximum(np.abs(mean) - self._continuity / size, 0.0)
        spread = np.sqrt(np.broadcast_to(variance, mean.shape))
        z = np.abs(effect) / spread
        look = z > WORTH_A_LOOK
        sets = look & self._is_set
        z[sets] = self._of_sets(np.nonzero(sets), effect[sets], size) / spread[sets]
        others = look & ~self._is_set
        column, score = np.nonzero(others)
        if len(column):
            cells = self._shares[column]
            values = self._values[column, score, : cells.shape[1]]
            z[others] = np.sqrt(2 * tilted_rate(cells, values, effect[others])) / spread[others]
        z[~(self.judged & (rows >= MIN_ROWS))] = 0.0
        return Tests(z, effect, spread)

    def _of_sets(
        self, at: tuple[npt.NDArray[np.intp], ...], effect: Floats, size: Floats
    ) -> Floats:
        """z of indicators, [test], times the root of the variance that their rows explain."""
        expected = self._expected[at]
        found = expected + effect * self._unit[at]
        rows, reference = np.broadcast_to(size, self._unit.shape)[at], self._rows[at[0]]
        rate = two_sample_rate(expected, found, rows, reference)
        z: Floats = np.sqrt(2 * rate * (1 / rows + 1 / reference))
        return z


def portions_of(columns: Sequence[ColumnProfile]) -> Floats:
    """Each column's part of the budget in that of a mean one: a vector's views have one column's
    all together, beside that of its norm, and its mean has a view's."""
    kinds = [column.kind for column in columns]
    vectors = kinds.count("vector")
    view = vectors / max(1, kinds.count("view") + vectors)
    portions = np.array([view if kind == "view" else 1.0 for kind in kinds])
    portions *= len(kinds) / max(1.0, portions.sum() + view * vectors)
    return portions


def mean_portion(columns: Sequence[ColumnProfile]) -> float:
    """What is left for the mean of each vector among these columns, of all their budget."""
    vectors = sum(column.kind == "vector" for column in columns)
    return (1 - float(portions_of(columns).mean())) / vectors if vectors else 0.0
