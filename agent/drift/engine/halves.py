"""Whether a reference's period changed within itself: its older half against its newer one.

Rule: pure. Each score's mean is taken of blocks of six hours. Of two weeks or more, blocks of the
older half are compared each with that of the same time of the week in the newer half. Of less,
hours of day are taken out, and the means of both halves' blocks compared; the halves have other
days of the week then, and a change may be no more than that. Either way by Student's t with the
variance of the blocks themselves, neighbours' likeness included: what wanders is no change.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from agent.drift.engine.history import Slots
from agent.drift.engine.natural import DAY, HOUR, SLACK, hour_means, hour_of
from agent.drift.reference.sketch import Floats, Ints
from agent.drift.reference.variation import HOURS

BLOCK = 6 * HOUR
LEVEL = 1e-3
"""Probability that a period without a change is taken to have one, over all columns."""
MATTERS = 0.05
"""In the reference's standard deviations: a lesser change is none."""
FEWEST = 4
"""Blocks of a half, or pairs of them."""
WEEK = 28
"""Blocks of it."""


def change_within(slots: Slots, counts: Ints, scores: Floats, columns: int = 1) -> float:
    """The greatest change of a score of one column's `counts`, in standard deviations; 0: none.

    `scores` are of the places of the counts; `columns`: of the period, which share the level.
    """
    rows = counts.sum(axis=1)
    used = rows > 0
    places, counts, rows = slots.places[used], counts[used], rows[used]
    if not len(rows):
        return 0.0
    sums = counts @ scores.T
    times = (places - places[0]) * slots.seconds
    length = float(times[-1] + slots.seconds)
    weeks = math.floor(length / (7 * DAY) + (1 - SLACK))
    if weeks >= 2:
        difference = _by_week(_Blocks(times, rows, sums), weeks)
    else:
        if slots.seconds <= HOUR:
            hour = hour_of(places, slots.seconds)
            by_hour = np.zeros((HOURS, counts.shape[1]), dtype=np.int64)
            np.add.at(by_hour, hour, counts)
            sums = sums - rows[:, None] * hour_means(by_hour, scores)[hour]
        difference = _by_half(_Blocks(times, rows, sums), length)
    if difference is None:
        return 0.0
    found, error = np.abs(difference.mean), np.sqrt(difference.variance)
    level = LEVEL / (2 * columns * len(scores))
    is_change = found > error * t_upper(level, difference.degrees)
    return float(np.where(is_change & (found - 2 * error > MATTERS), found, 0.0).max(initial=0.0))


class _Blocks:
    """Blocks with rows: their places from the beginning, rows, and mean scores [block, score]."""

    def __init__(self, times: Floats, rows: Ints, sums: Floats) -> None:
        block = (times // BLOCK).astype(np.int64)
        starts = np.flatnonzero(np.diff(block, prepend=-1))
        self.places: Ints = block[starts]
        self.rows: Floats = np.add.reduceat(rows, starts).astype(np.float64)
        self.means: Floats = np.add.reduceat(sums, starts, axis=0) / self.rows[:, None]


class _Estimate(NamedTuple):
    """Of each score; its variance has so many degrees of freedom."""

    mean: Floats
    variance: Floats
    degrees: Floats


def _by_week(blocks: _Blocks, weeks: int) -> _Estimate | None:
    """The mean difference of blocks of the same time of the week."""
    part = (weeks // 2) * WEEK
    older = np.flatnonzero(blocks.places < part)
    _, a, b = np.intersect1d(
        blocks.places[older] + (weeks - weeks // 2) * WEEK, blocks.places, return_indices=True
    )
    a = older[a]
    rows = 1 / (1 / blocks.rows[a] + 1 / blocks.rows[b])
    return _estimate(blocks.means[b] - blocks.means[a], rows)


def _by_half(blocks: _Blocks, length: float) -> _Estimate | None:
    """The difference of both halves' means (Welch)."""
    newer = (blocks.places + 0.5) * BLOCK > length / 2
    b, a = (_estimate(blocks.means[part], blocks.rows[part]) for part in (newer, ~newer))
    if a is None or b is None:
        return None
    variance = a.variance + b.variance
    parts = a.variance**2 / a.degrees + b.variance**2 / b.degrees
    return _Estimate(b.mean - a.mean, variance, variance**2 / parts)


def _estimate(means: Floats, rows: Floats) -> _Estimate | None:
    """The mean of blocks that follow each other; None if they are too few."""
    if len(rows) < FEWEST:
        return None
    weight = np.minimum(rows, np.median(rows))
    weight /= weight.sum()
    mean = weight @ means
    x = means - mean
    power = np.maximum((x * x).sum(axis=0), 1e-300)
    r = np.clip((x[1:] * x[:-1]).sum(axis=0) / power + 1 / len(x), 0.0, 0.8)
    alike = (1 + r) / (1 - r)
    count = 1 / float(weight @ weight)
    variance = np.maximum((weight @ x**2) / (count - 1) * alike, 1e-30)
    return _Estimate(mean, variance, np.maximum((count - 1) / alike, 1.0))


def t_upper(level: float, degrees: Floats) -> Floats:
    """The upper quantile of Student's t, to a percent or two from 4 degrees on (Wallace 1959)."""
    z = NormalDist().inv_cdf(1 - level) * (8 * degrees + 3) / (8 * degrees + 1)
    quantile: Floats = np.sqrt(degrees * np.expm1(np.minimum(z * z / degrees, 500.0)))
    return quantile
