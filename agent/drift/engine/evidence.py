"""How strong the evidence of a mean score is, and how strong it must be.

Rule: pure and vectorised over tests; no state.

For scores f with mean 0 and variance 1 under p, the mean x of N rows has the rate function
I(x) = sup_t (t x - ln sum_b p_b exp(t f_b)) (Cramér; Chernoff 1952): P(mean >= x) <= exp(-N I).
With the variance v of x, of which 1/N is the window's own, z = sqrt(2 I(x) / v) is the signed
root of a likelihood ratio: near standard normal, and with the tails that rare cells really have
(Barndorff-Nielsen 1986). For the indicator of a set of cells, where the share that is expected
may rest on few rows of the reference, z is that of both samples' likelihood ratio.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from agent.drift.reference.sketch import Floats

MAX_LEVEL = 0.05
MIN_LEVEL = 1e-300
STEPS_AN_OCTAVE = 16
TILT = 60.0
"""Bound of the tilting parameter: a lower bound of the rate beyond it."""
NEWTON = 40
_NORMAL = NormalDist()


def bernoulli_rate(share: Floats, found: Floats) -> Floats:
    """I of the share `found` where `share`, strictly between 0 and 1, is expected; in nats."""
    q = np.clip(found, 0.0, 1.0)
    rest = 1.0 - q
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(q > 0, q * np.log(q / share), 0.0)
        outside = np.where(rest > 0, rest * np.log(rest / (1.0 - share)), 0.0)
    rate: Floats = np.maximum(inside + outside, 0.0)
    return rate


def two_sample_rate(share: Floats, found: Floats, rows: Floats, size: Floats) -> Floats:
    """Half of the likelihood ratio statistic G of two samples of one share; in nats.

    `found` in `rows` rows, `share` in the `size` rows of the reference, which knows it no better
    than that: a share that rests on two rows may well be ten times as large.
    """
    pooled = (rows * found + size * share) / (rows + size)
    both: Floats = rows * bernoulli_rate(pooled, found) + size * bernoulli_rate(pooled, share)
    return both


def tilted_rate(shares: Floats, values: Floats, means: Floats) -> Floats:
    """I of mean scores; `shares` and `values` are [test, cell], `means` [test]; in nats.

    Newton's steps on the concave dual, or halves where they lead astray; what lies beyond TILT is
    given a lower bound.
    """
    low, high = np.full(len(means), -TILT), np.full(len(means), TILT)
    t = np.clip(means, -1.0, 1.0)
    for _ in range(NEWTON):
        weights, _ = _tilt(shares, values, t)
        mean = (weights * values).sum(1)
        variance = (weights * values**2).sum(1) - mean**2
        low, high = np.where(mean < means, t, low), np.where(mean < means, high, t)
        before, t = t, t + (means - mean) / np.maximum(variance, 1e-12)
        t = np.where((t > low) & (t < high), t, (low + high) / 2)
        if np.abs(t - before).max(initial=0.0) < 1e-6:
            break
    _, log_total = _tilt(shares, values, t)
    rate: Floats = np.maximum(t * means - log_total, 0.0)
    return rate


def _tilt(shares: Floats, values: Floats, t: Floats) -> tuple[Floats, Floats]:
    exponents = t[:, None] * values
    peak = exponents.max(1, initial=0.0)
    raw = shares * np.exp(exponents - peak[:, None])
    total = raw.sum(1)
    return raw / total[:, None], np.log(total) + peak


@lru_cache(maxsize=1 << 14)
def _threshold(step: int) -> float:
    return -_NORMAL.inv_cdf(max(MIN_LEVEL, min(MAX_LEVEL, 2.0 ** (step / STEPS_AN_OCTAVE))))


def thresholds(levels: Floats) -> Floats:
    """The z that a standard normal exceeds with at most this probability, one a level.

    Levels are taken down to a step of 1/16 octave, at most 4.3 % lower: so few are computed.
    """
    steps = np.floor(np.log2(np.maximum(levels, MIN_LEVEL)) * STEPS_AN_OCTAVE)
    return np.array([_threshold(int(step)) for step in steps.tolist()])


def p_value(z: float) -> float:
    """P(Z >= z) of a standard normal."""
    return 0.5 * math.erfc(z / math.sqrt(2))
