"""Distances between two distributions over the same bins, and their size under no drift.

Rule: pure; numbers in, numbers out.

PSI, the population stability index, is `sum((q - p) * ln(q / p))`, Jeffreys' symmetrised
Kullback-Leibler divergence (credited to Lewis 1994 and Siddiqi; Yurdakul 2018). Where p and q are
both samples, of m and n rows, of one distribution over B bins, N * PSI with 1/N = 1/n + 1/m is
near chi-squared with B - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from agent.drift.reference.sketch import Floats, Ints

_NORMAL = NormalDist()


def psi(p: Floats, q: Floats) -> float:
    """PSI of two vectors of positive ratios that each sum to 1."""
    return float((q - p) @ np.log(q / p))


def smoothed(counts: Ints | Floats, pseudo: float, rows: float) -> Floats:
    """Ratios of counts scaled to `rows`, with `pseudo` rows more in each bin: never zero."""
    total = float(counts.sum())
    scale = np.float64(rows / total if total else 0.0)
    ratios: Floats = (counts * scale + pseudo) / (total * scale + pseudo * len(counts))
    return ratios


def normal_scores(counts: Ints) -> Floats:
    """A score a bin, in standard deviations of the reference: mean 0, variance 1 under `counts`.

    The normal quantile of the bin's mid-rank (van der Waerden), so that the mean score of other
    counts is a shift in the reference's standard deviations that no outlier can move far.
    """
    p = smoothed(counts, 0.5, float(counts.sum()))
    middle = np.cumsum(p) - p / 2
    raw = np.array([_NORMAL.inv_cdf(float(rank)) for rank in middle])
    raw -= (p * raw).sum()
    spread = math.sqrt(float((p * raw * raw).sum()))
    scores: Floats = raw / spread if spread > 0 else raw
    return scores


@lru_cache(maxsize=4096)
def chi2_upper(degrees: int, level: float) -> float:
    """The value that chi-squared exceeds with probability `level`, in (0, 1).

    Wilson and Hilferty's cube first, then Newton's steps on the exact tail.
    """
    shape = degrees / 2
    spread = 2 / (9 * degrees)
    guess = 1 - spread - _NORMAL.inv_cdf(level) * math.sqrt(spread)
    x = max(degrees * guess**3, 1e-8) / 2 if guess > 0 else shape * 1e-3
    target = math.log(level)
    for _ in range(50):
        log_tail = log_gamma_upper(shape, x)
        log_density = (shape - 1) * math.log(x) - x - math.lgamma(shape)
        step = (log_tail - target) * math.exp(log_tail - log_density)
        x = max(x + step, x / 2)
        if abs(step) <= 1e-13 * x:
            break
    return 2 * x


def log_gamma_upper(shape: float, x: float) -> float:
    """ln Q(shape, x), the regularised upper incomplete gamma function, for x > 0.

    Series for the lower part where that is the greater, else Lentz's continued fraction
    (Abramowitz and Stegun 6.5.29 and 6.5.31).
    """
    front = shape * math.log(x) - x - math.lgamma(shape)
    if x < shape + 1:
        term = total = 1 / shape
        k = shape
        while term > total * 1e-17:
            k += 1
            term *= x / k
            total += term
        return math.log1p(-min(math.exp(front) * total, 1 - 1e-16))
    tiny = 1e-300
    b = x + 1 - shape
    c = 1 / tiny
    d = 1 / b
    fraction = d
    for i in range(1, 10_000):
        a = -i * (i - shape)
        b += 2
        d = 1 / (a * d + b or tiny)
        c = b + a / c or tiny
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return front + math.log(fraction)
