"""Natural variation, from a reference period known slot by slot.

Rule: pure; counts in, variances out. A score is standardised under the reference: without natural
variation the mean score of n rows has variance 1/n. What is more is natural variation, tau2.

For each score and each span of 1, 2, 4, … slots, up to a sixteenth of the period: tau2 is an upper
bound (99 %) of the variance of the spans' means, less what their rows explain. It is kept where
any span shows over-dispersion at 1 % (shared over the spans), else it is 0; and for all scores of a
column where any shows it for sure (shared over the scores too), as what moves a column moves all
its scores, those too that show it too little to be told from chance. The bound counts as
many independent spans as there are: fewer where neighbours go together (autocorrelation) and where
the score is of a rare bin (kurtosis).

A score follows the hour of day where taking its hourly means out lowers what is left, the error
of these means included, by at least `WORTH`. Of `MIN_WEEKS` weeks or more the same is asked of
weekends: whether hours of Saturday and Sunday apart from those of weekdays lower it as much again.
Of fewer a weekend is one or two observations, and part of tau2.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from agent.drift.engine.history import Slots
from agent.drift.engine.scores import SCALES
from agent.drift.reference.sketch import Floats, Ints
from agent.drift.reference.variation import HOURS, WEEK_HOURS, ColumnVariation, hour_at, times_of

HOUR, DAY = 3600.0, 86400.0
MIN_PERIOD = 7 * DAY
"""Seconds of reference period from which natural variation can be known."""
MIN_WEEKS = 3
"""From which weekends can be told from chance."""
SLACK = 0.98
"""Of it that may lie before the first and after the last row."""
LONGEST = 16
"""A span is known from so many of its kind at least; longer ones are taken to vary as much."""
_Z99 = 2.326
_LEVEL = 0.01
WORTH = 0.7
SQUARED = 2.5
"""Of the scale score's standard deviation: it goes with the square of what moves its column, so
mostly by nothing and seldom far. Where a normal has 5 standard deviations chi-squared of one
degree of freedom has 17, of two 13. With 1, traffic whose windows wander by 0.1 sd raised 1.6
alarms a month (bench.drift.wandering)."""


def digest(labels: Sequence[str]) -> str:
    """Names a set of scores: 8 hex digits."""
    return hashlib.sha256("\n".join(labels).encode()).hexdigest()[:8]


def is_long_enough(slots: Slots) -> bool:
    """Whether a week is known."""
    if len(slots.places) < 2 * LONGEST:
        return False
    return float(slots.places[-1] + 1 - slots.places[0]) * slots.seconds >= SLACK * MIN_PERIOD


def variation_of(
    slots: Slots,
    counts: Ints,
    scores: Floats,
    labels: Sequence[str],
    *,
    least: Sequence[float] = (),
) -> ColumnVariation:
    """Of one column: its `counts` a slot (bins, missing, invalid), its scores on these places.

    `least`: by span, which any score varies by, whatever is seen.
    """
    rows = counts.sum(axis=1)
    used = rows > 0
    places, counts, rows = slots.places[used], counts[used], rows[used]
    spans = span_count(slots)
    sums = counts @ scores.T
    sums -= rows[:, None] * (sums.sum(axis=0) / rows.sum())
    share = counts.sum(axis=0) / rows.sum()
    kurtosis = np.maximum(share @ scores.T**4 - 3, 0)
    is_square = [label in SCALES for label in labels]
    wider = np.where(is_square, SQUARED, 1.0)[:, None] ** 2
    floor = np.array(least or [0.0])
    plain = np.maximum(spread(places, rows, sums, kurtosis, spans) * wider, floor)
    if slots.seconds > HOUR or not plain.any():
        return ColumnVariation(digest(labels), _rounded(plain))
    days = (float(places[-1] + 1 - places[0]) * slots.seconds) / DAY
    best = strictest(plain, slots.seconds) / HOUR
    follows = np.zeros(len(labels), dtype=bool)
    tau2, found = plain, None
    for kinds in (HOURS, WEEK_HOURS) if days >= SLACK * MIN_WEEKS * 7 else (HOURS,):
        by_hour, left = by_kind(places, slots.seconds, counts, rows, sums, scores, kinds)
        times = times_of(kinds, days)
        rest = spread(places, rows, left, kurtosis, spans) * wider * (times / (times - 1))
        rest = np.maximum(rest, floor)
        error = hour_error(rest, int(rows.sum()), slots.seconds, times, kinds)
        after = strictest(rest, slots.seconds) / HOUR + error
        is_worth = after < WORTH * best
        if is_worth.any():
            follows |= is_worth
            tau2, found = np.where(follows[:, None], rest, plain), by_hour
            best = np.where(is_worth, after, best)
    if found is None:
        return ColumnVariation(digest(labels), _rounded(plain))
    daily = np.flatnonzero(follows).tolist()
    return ColumnVariation(digest(labels), _rounded(tau2), daily, found.tolist())


def by_kind(
    places: Ints,
    seconds: float,
    counts: Ints,
    rows: Ints,
    sums: Floats,
    scores: Floats,
    kinds: int,
) -> tuple[Ints, Floats]:
    """The counts by kind of hour, and the slots' sums of scores without their hours' means."""
    hour = hour_of(places, seconds, kinds)
    by_hour = np.zeros((kinds, counts.shape[1]), dtype=np.int64)
    np.add.at(by_hour, hour, counts)
    means = hour_means(by_hour, scores)
    means -= (by_hour.sum(axis=1) @ means) / rows.sum()
    left: Floats = sums - rows[:, None] * means[hour]
    return by_hour, left


def span_count(slots: Slots) -> int:
    """How many spans of 1, 2, 4, … slots there are enough of."""
    length = int(slots.places[-1] + 1 - slots.places[0])
    return max(1, int(math.log2(max(1, length / LONGEST))) + 1)


def spread(places: Ints, rows: Ints, sums: Floats, kurtosis: Floats, spans: int) -> Floats:
    """tau2 by score and span, of score sums a slot that are 0 on average."""
    found = np.zeros((sums.shape[1], spans))
    most = sums.shape[1]
    shown = np.zeros(most, dtype=bool)
    surely = shown.copy()
    for j in range(spans):
        starts = np.flatnonzero(np.diff(places >> j, prepend=-1))
        n = np.add.reduceat(rows, starts).astype(np.float64)
        x = np.add.reduceat(sums, starts, axis=0) / n[:, None]
        weight = np.minimum(n, np.median(n))
        weight /= weight.sum()
        x -= weight @ x
        total = (weight @ x**2) * (len(n) / max(1, len(n) - 1))
        by_chance = float(weight @ (1 / n))
        degrees = (len(n) - 1) / (1 + kurtosis * float(weight @ (1 / n)) / 2)
        shown |= total > by_chance * _chi2_ratio(degrees, _normal_upper(_LEVEL / spans))
        surely |= total > by_chance * _chi2_ratio(degrees, _normal_upper(_LEVEL / spans / most))
        independent = np.maximum(degrees / _clustering(x), 4.0)
        found[:, j] = np.maximum(total / _chi2_ratio(independent, -_Z99) - by_chance, 0)
    if not surely.any():
        found[~shown] = 0
    return found


def strictest(tau2: Floats, seconds: float) -> Floats:
    """A score's greatest span times tau2, in seconds: the strict bound on any span, times it."""
    product: Floats = (tau2 * (seconds * 2.0 ** np.arange(tau2.shape[1]))).max(axis=1)
    return product


def hour_of(places: Ints, seconds: float, kinds: int = HOURS) -> Ints:
    """The kind of hour of the middle of each slot, as `hour_at` has it."""
    middles = (places + 0.5) * seconds
    return np.array([hour_at(at, kinds) for at in middles.tolist()], dtype=np.int64)


def hour_means(by_hour: Ints, scores: Floats) -> Floats:
    """Mean score an hour of day; 0, the mean of all, where an hour has no rows."""
    rows = by_hour.sum(axis=1, keepdims=True)
    means: Floats = (by_hour @ scores.T) / np.maximum(rows, 1)
    return means


def hour_error(tau2: Floats, rows: int, seconds: float, times: float, kinds: int) -> Floats:
    """Variance of an hour's mean score: each of these kinds came so many times at least."""
    span = min(round(math.log2(max(1.0, HOUR / seconds))), tau2.shape[1] - 1)
    error: Floats = tau2[:, span] / times + kinds / rows
    return error


def _clustering(x: Floats) -> Floats:
    """How many neighbours are worth one in an estimate of variance: 1 + 2 * sum r^2."""
    lags = max(1, math.isqrt(len(x)))
    power = np.maximum((x * x).sum(axis=0), 1e-300)
    total = np.ones(x.shape[1])
    for lag in range(1, min(lags, len(x) - 1) + 1):
        r = (x[lag:] * x[:-lag]).sum(axis=0) / power
        total += 2 * np.maximum(r * r - 1 / len(x), 0)
    return total


def _chi2_ratio(degrees: Floats, z: float) -> Floats:
    """A quantile of chi-squared over its degrees, at the normal quantile z (Wilson, Hilferty)."""
    spread = 2 / (9 * degrees)
    ratio: Floats = np.maximum(1 - spread + z * np.sqrt(spread), 0.05) ** 3
    return ratio


def _normal_upper(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(1 - level)


def _rounded(tau2: Floats) -> list[list[float]]:
    """Two digits, upwards."""
    return [[_up(value) for value in row] if any(row) else [0.0] for row in tau2.tolist()]


def _up(value: float) -> float:
    if value <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit) * unit:.1e}")
