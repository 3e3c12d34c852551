"""Two samples of a numeric column whose bins differ.

Rule: pure, and never bolder than the counts allow.

The means are compared by Welch's z (1947). At each edge of either the share of values at or below
it is known of one; of the other it lies between the shares at its own next edges, and is taken as
near to the first one as they allow: what differs then, differs for certain. Both shares are
compared by the likelihood ratio of two samples.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from agent.drift.engine.evidence import p_value, thresholds, two_sample_rate
from agent.drift.engine.questions import MIN_ROWS
from agent.drift.profiles.shared import Shared
from agent.drift.reference.profile import ColumnProfile, Moments
from agent.drift.reference.sketch import Floats

PART = 0.5
"""Of the level of a column of other bins: the mean's and the edges', half each."""
MEAN = "mean"
_MOST = 1e6
"""A z that stands for certainty."""


class Found(Struct, frozen=True):
    """What the question found whose answer differs most, or comes closest to it."""

    test: str
    effect: float
    """Signed, in the reference's standard deviations of what is asked."""
    score: float
    """z."""
    threshold: float
    p_value: float
    differs: bool
    before: float | None = None
    """Of a share, 0 to 1, or a mean: in the reference."""
    after: float | None = None


def is_numeric(pair: Shared) -> bool:
    """Whether both have numbers enough."""
    columns = pair.whole_a, pair.whole_b
    return all(c.edges and sum(c.counts) >= MIN_ROWS for c in columns)


def by_numbers(pair: Shared, chance: float, min_effect: float) -> list[Found]:
    """How means and shares below edges differ, where bins do; wrong by `chance` * PART at most, up
    and down each."""
    if pair.is_whole or not is_numeric(pair):
        return []
    a, b = pair.whole_a.moments, pair.whole_b.moments
    found = [_by_edges(pair, chance * PART / 2, min_effect)]
    if a is not None and b is not None:
        found.append(_by_mean(a, b, chance * PART / 2, min_effect))
    return found


def _by_mean(a: Moments, b: Moments, chance: float, min_effect: float) -> Found:
    unit = a.std or b.std or abs(b.mean - a.mean) or 1.0
    error = math.hypot(a.std / unit / math.sqrt(a.count), b.std / unit / math.sqrt(b.count))
    effect = (b.mean - a.mean) / unit
    z = min(_MOST, abs(effect) / error) if error else _MOST * bool(effect)
    needed = float(thresholds(np.array([chance]))[0])
    differs = z >= needed and abs(effect) - 2 * error >= min_effect
    return Found(MEAN, effect, z, needed, p_value(z), differs, a.mean, b.mean)


def _by_edges(pair: Shared, chance: float, min_effect: float) -> Found:
    edges = np.union1d(pair.whole_a.edges or [], pair.whole_b.edges or [])
    m, n = (float(sum(column.counts)) for column in (pair.whole_a, pair.whole_b))
    low_a, high_a = _below(pair.whole_a, edges)
    low_b, high_b = _below(pair.whole_b, edges)
    # As near to each other as they may be: one of each pair is known, or both are in between.
    before = np.clip(low_b, low_a, high_a)
    after = np.clip(before, low_b, high_b)
    p, q = (before * m + 0.5) / (m + 1), (after * n + 0.5) / (n + 1)
    rows, size = np.full(len(edges), n), np.full(len(edges), m)
    z = np.where(before == after, 0.0, np.sqrt(2 * two_sample_rate(p, q, rows, size)))
    unit = np.sqrt(p * (1 - p))
    effect, spread = (q - p) / unit, math.sqrt(1 / m + 1 / n)
    needed = float(thresholds(np.array([chance / len(edges)]))[0])
    differs = (z >= needed) & (np.abs(effect) - 2 * spread >= min_effect)
    at = int((z + 1e3 * differs).argmax())
    score = float(z[at])
    return Found(
        f"<= {edges[at]:.6g}", float(effect[at]), score, needed, p_value(score), bool(differs[at]),
        float(before[at]), float(after[at]),
    )  # fmt: skip


def _below(column: ColumnProfile, edges: Floats) -> tuple[Floats, Floats]:
    """Least and greatest share of the values that may lie at or below each edge."""
    own = np.array(column.edges or [])
    sums = np.cumsum([0, *column.counts]) / sum(column.counts)
    return sums[np.searchsorted(own, edges, side="right")], sums[
        np.searchsorted(own, edges, side="left") + 1
    ]
