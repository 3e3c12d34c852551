"""The questions asked of a column: scores of its cells, each with its weight.

Rule: a score has mean 0 and variance 1 under the reference, so that its mean over some rows is
a shift in the reference's standard deviations.

Numeric columns are asked for location (normal quantile of the mid-rank: van der Waerden),
scale (its square), the share at or below each decile, each single cell, and the share that is
missing, invalid or unseen; columns of texts the same of their lengths. Others are asked for each
cell. A row that has no number is neutral in location and scale. But for those two a score is the
indicator of a set of cells, standardised.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from agent.drift.engine.cells import Cells
from agent.drift.reference.sketch import Floats

MAX_EDGES = 9
"""Cumulative shares asked for: about the deciles."""
MOSTLY_UP = 0.85
"""Of the weight of what should not be there: less of it is no fault, but a change."""
LOCATION, SCALE = "location", "scale"
LENGTH, LENGTH_SCALE = "length", "length scale"
SCALES = (SCALE, LENGTH_SCALE)
"""The same of texts."""
_INV = NormalDist().inv_cdf


class Scores(NamedTuple):
    """The scores of one column."""

    values: Floats
    """[score, cell]."""
    weights: Floats
    """Of the column's part of the budget, [up or down, score]; they sum to 2."""
    shares: Floats
    """The reference's share of an indicator's set of cells; NaN for location and scale."""
    labels: tuple[str, ...]

    @property
    def has_location(self) -> bool:
        """Whether the first score is: a category may be named so too."""
        return math.isnan(self.shares[0])


class _Sets:
    """Collects scores with their weights; those that are indicators are made all at once."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._inside: list[tuple[int, range]] = []
        """Of each indicator its place among the scores, and its cells."""
        self._others: list[tuple[int, Floats]] = []
        self.weights: list[tuple[float, float]] = []
        self.labels: list[str] = []

    def add(self, members: range, weight: float, label: str, up: float = 0.5) -> None:
        self._inside.append((len(self.labels), members))
        self._append(weight, label, up)

    def append(self, values: Floats, weight: float, label: str) -> None:
        self._others.append((len(self.labels), values))
        self._append(weight, label, 0.5)

    def _append(self, weight: float, label: str, up: float) -> None:
        self.weights.append((weight * up, weight * (1 - up)))
        self.labels.append(label)

    def done(self) -> Scores:
        values = np.zeros((len(self.labels), self._cells.size))
        for score, members in self._inside:
            values[score, members.start : members.stop] = 1.0
        expected: Floats = values @ self._cells.shares
        unit = np.sqrt(expected * (1 - expected))
        values = (values - expected[:, None]) / np.where(unit > 0, unit, 1.0)[:, None]
        for score, found in self._others:
            values[score], expected[score] = found, math.nan
        weights = np.array(self.weights).T
        return Scores(values, weights * (2 / weights.sum()), expected, tuple(self.labels))


def scores_of(cells: Cells, edges: Sequence[float] | None) -> Scores:
    """The scores of a column; `edges`: of its bins, if they are intervals of a number line."""
    found = _Sets(cells)
    size = cells.size
    unseen, missing, invalid = size - 3, size - 2, size - 1
    if edges is not None and unseen > 1:
        location = _location(cells.shares[:unseen], cells.shares)
        names = (LENGTH, LENGTH_SCALE) if cells.measure else (LOCATION, SCALE)
        found.append(location, 0.25, names[0])
        found.append(_scale(location, cells.shares, unseen), 0.15, names[1])
        for last in _deciles(cells.shares[:unseen]):
            label = f"{cells.measure} <= {edges[cells.bins[last]]:.6g}".lstrip()
            found.add(range(last + 1), 0.25 / MAX_EDGES, label)
        each, absent = 0.23 / (unseen + 1), 0.10
    else:
        each, absent = 0.80 / (unseen + 1), 0.17
    for cell in range(unseen):
        found.add(_one(cell), each, cells.labels[cell])
    found.add(_one(unseen), each, "unseen", 1.0)  # what was never there cannot become less
    found.add(_one(missing), absent, "missing", MOSTLY_UP)
    found.add(_one(invalid), 0.03, "invalid", MOSTLY_UP)
    return found.done()


def _one(cell: int) -> range:
    return range(cell, cell + 1)


def _location(bins: Floats, shares: Floats) -> Floats:
    ratios = bins / bins.sum()
    middle = np.cumsum(ratios) - ratios / 2
    raw = np.array([_INV(float(rank)) for rank in middle])
    raw -= raw @ ratios
    return _standardised(raw, bins, len(shares))


def _scale(location: Floats, shares: Floats, count: int) -> Floats:
    """The square of the location score."""
    bins = shares[:count]
    ratios = bins / bins.sum()
    raw = location[:count] ** 2
    raw = raw - raw @ ratios
    return _standardised(raw, bins, len(shares))


def _standardised(raw: Floats, bins: Floats, size: int) -> Floats:
    """Variance 1 over all rows, the neutral ones too."""
    spread = math.sqrt(float(bins @ raw**2))
    values = np.zeros(size)
    if spread > 1e-9:
        values[: len(raw)] = raw / spread
    return values


def _deciles(bins: Floats) -> list[int]:
    """The last cells of cumulative shares, about a tenth apart; none holds a single end cell."""
    below = np.cumsum(bins / bins.sum())[:-1]
    wanted = np.arange(1, MAX_EDGES + 1) / (MAX_EDGES + 1)
    nearest = {int(np.abs(below - share).argmin()) for share in wanted} if len(below) else set()
    return sorted(nearest - {0, len(bins) - 2})
