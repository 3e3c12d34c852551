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

from agent.drift.cells import Cells
from agent.drift.sketch import Floats

MAX_EDGES = 9
"""Cumulative shares asked for: about the deciles."""
MOSTLY_UP = 0.85
"""Of the weight of what should not be there: less of it is no fault, but a change."""
LOCATION, SCALE = "location", "scale"
LENGTH, LENGTH_SCALE = "length", "length scale"
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


class _Sets:
    """Collects indicators with their weights."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self.values: list[Floats] = []
        self.weights: list[tuple[float, float]] = []
        self.shares: list[float] = []
        self.labels: list[str] = []

    def add(self, members: Sequence[int], weight: float, label: str, up: float = 0.5) -> None:
        inside = np.zeros(self._cells.size)
        inside[list(members)] = 1.0
        share = float(inside @ self._cells.shares)
        self.append((inside - share) / math.sqrt(share * (1 - share)), weight, share, label, up)

    def append(
        self, values: Floats, weight: float, share: float, label: str, up: float = 0.5
    ) -> None:
        self.values.append(values)
        self.weights.append((weight * up, weight * (1 - up)))
        self.shares.append(share)
        self.labels.append(label)

    def done(self) -> Scores:
        weights = np.array(self.weights).T
        return Scores(
            np.array(self.values),
            weights * (2 / weights.sum()),
            np.array(self.shares),
            tuple(self.labels),
        )


def scores_of(cells: Cells, edges: Sequence[float] | None) -> Scores:
    """The scores of a column; `edges`: of its bins, if they are intervals of a number line."""
    found = _Sets(cells)
    size = cells.size
    unseen, missing, invalid = size - 3, size - 2, size - 1
    if edges is not None and unseen > 1:
        location = _location(cells.shares[:unseen], cells.shares)
        names = (LENGTH, LENGTH_SCALE) if cells.measure else (LOCATION, SCALE)
        found.append(location, 0.25, math.nan, names[0])
        found.append(_scale(location, cells.shares, unseen), 0.15, math.nan, names[1])
        for last in _deciles(cells.shares[:unseen]):
            label = f"{cells.measure} <= {edges[cells.bins[last]]:.6g}".lstrip()
            found.add(range(last + 1), 0.25 / MAX_EDGES, label)
        each, absent = 0.23 / (unseen + 1), 0.10
    else:
        each, absent = 0.80 / (unseen + 1), 0.17
    for cell in range(unseen):
        found.add((cell,), each, cells.labels[cell])
    found.add((unseen,), each, "unseen", 1.0)  # what was never there cannot become less
    found.add((missing,), absent, "missing", MOSTLY_UP)
    found.add((invalid,), 0.03, "invalid", MOSTLY_UP)
    return found.done()


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
