"""The classic distances between a reference and a window, over the same bins.

Rule: pure. p is the reference, q the window: ratios that sum to 1, zero where a bin is empty
(KL, like PSI in `reference.distance`, needs positive ones: `smoothed` makes them).
"""

from __future__ import annotations

import math
import sys
from typing import NamedTuple

import numpy as np

from agent.drift.reference.distance import log_gamma_upper
from agent.drift.reference.sketch import Floats, Ints

LEAST_SD = 0.001
"""What a reference's standard deviation is at least taken for: Evidently's floor."""


class Tested(NamedTuple):
    """A test's statistic, and how likely one so large is without drift."""

    statistic: float
    p_value: float


def kl(p: Floats, q: Floats) -> float:
    """Kullback-Leibler divergence of the window from the reference, in nats: sum q ln(q / p).

    Kullback and Leibler 1951; `scipy.stats.entropy(q, p)`. Not symmetric: infinite if the window
    has rows where the reference has none.
    """
    return float(q @ np.log(q / p))


def jensen_shannon(p: Floats, q: Floats) -> float:
    """Jensen-Shannon distance: the square root of the divergence to base 2, so 0 to 1.

    Lin 1991; a metric by Endres and Schindelin 2003; `scipy.spatial.distance.jensenshannon` with
    base 2. Evidently and NannyML take the root too, Evidently to base e.
    """
    middle = (p + q) / 2
    divergence = (_entropy_term(p, middle) + _entropy_term(q, middle)) / 2
    return math.sqrt(min(1.0, max(0.0, divergence)))


def _entropy_term(p: Floats, middle: Floats) -> float:
    filled = p > 0
    return float(p[filled] @ np.log2(p[filled] / middle[filled]))


def hellinger(p: Floats, q: Floats) -> float:
    """Hellinger distance, 0 to 1: the Euclidean distance of the roots, over the root of 2.

    Hellinger 1909, normalised as in Evidently and NannyML.
    """
    apart = float(np.square(np.sqrt(p) - np.sqrt(q)).sum())
    return math.sqrt(min(1.0, apart / 2))


def total_variation(p: Floats, q: Floats) -> float:
    """Total variation distance, 0 to 1: half the sum of absolute differences (Levin and Peres)."""
    return min(1.0, float(np.abs(p - q).sum()) / 2)


def kolmogorov_smirnov(reference: Ints, window: Ints) -> Tested:
    """The greatest difference of the cumulative shares at the edges of bins, and its p-value.

    Smirnov 1948's limit, with sqrt(m n / (m + n)) for the sizes, as `ks_2samp` has it where it
    does not count exactly. Within bins nothing is seen, so the p-value is never too small.
    """
    m, n = float(reference.sum()), float(window.sum())
    apart = np.abs(np.cumsum(reference) / m - np.cumsum(window) / n)
    statistic = float(apart.max())
    return Tested(statistic, kolmogorov_tail(statistic * math.sqrt(m * n / (m + n))))


def kolmogorov_tail(x: float) -> float:
    """Probability that Kolmogorov's limit exceeds x, as `scipy.special.kolmogorov`.

    The alternating series, or for small x its dual by Jacobi's theta function.
    """
    if x <= 0.05:
        return 1.0
    if x < 1:
        a = math.pi**2 / (8 * x * x)
        below = sum(math.exp(-a * k * k) for k in range(1, 10, 2))
        return min(1.0, max(0.0, 1 - math.sqrt(2 * math.pi) / x * below))
    signed = (math.exp(-2 * k * k * x * x) * (1 if k % 2 else -1) for k in range(1, 8))
    return 2 * sum(signed)


def wasserstein(p: Floats, q: Floats, positions: Floats, sd: float) -> float:
    """First Wasserstein (earth mover's) distance over the reference's standard deviation.

    Kantorovich 1942; the area between the cumulative shares, each bin's rows standing at its
    position, which must increase: `scipy.stats.wasserstein_distance` of positions with weights.
    Evidently norms it so, and takes a standard deviation for `LEAST_SD` at least.
    """
    between = np.abs(np.cumsum(p - q))[:-1]
    quarter = float(between @ np.diff(positions / 4))  # of the whole, which may exceed any float
    return min(quarter / (max(sd, LEAST_SD) / 4), sys.float_info.max)


def chi_squared(reference: Ints, window: Ints) -> Tested:
    """Pearson's test that both are samples of one distribution, without Yates's correction.

    Pearson 1900, 1911; `scipy.stats.chi2_contingency(correction=False)` of both rows. Bins that
    are empty in both do not count. Needs rows in both.
    """
    table = np.array([reference, window], dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    rows = table.sum(axis=1, keepdims=True)
    expected = rows * table.sum(axis=0) / rows.sum()
    statistic = float((np.square(table - expected) / expected).sum())
    degrees = table.shape[1] - 1
    if degrees < 1 or statistic <= 0:
        return Tested(0.0, 1.0)
    return Tested(statistic, math.exp(log_gamma_upper(degrees / 2, statistic / 2)))
