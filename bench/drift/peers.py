"""The rules of other tools, re-implemented from what they publish, and not run by them.

Rule: a statistic of one window of one column against the reference's rows; greater is stranger.

PSI: ten bins by the reference's deciles, or the categories; 0.1, 0.2 or 0.25 (Siddiqi 2006).
Evidently (0.7, its presets): up to 1,000 reference rows Kolmogorov-Smirnov for numbers and
chi-squared for categories at p < 0.05; beyond, Wasserstein over the reference's standard deviation
and Jensen-Shannon, both at 0.1. whylogs: Kolmogorov-Smirnov at p < 0.05. NannyML (0.13):
Jensen-Shannon over bins, beyond the mean of the reference's chunks by three of their standard
deviations. TrustyAI: Welch's t-test of the means at p < 0.05. Missing values are dropped by all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[Any]
FLOOR = 1e-4
"""Share that an empty bin is given, as Evidently does."""


@dataclass(frozen=True)
class Rows:
    """A column's present values, as numbers, or as names' codes."""

    values: Array
    numeric: bool

    @classmethod
    def of(cls, values: Sequence[Any], codes: dict[str, int] | None) -> Rows:
        present = [v for v in values if v is not None]
        if codes is None:
            return cls(np.array(present, dtype=float), True)
        return cls(np.array([codes.setdefault(v, len(codes)) for v in present]), False)


Statistic = Callable[[Rows, Rows], float]
"""Of the reference and a window."""


def psi(reference: Rows, window: Rows) -> float:
    """Population stability index."""
    p, q = _shares(reference, window, 10)
    p, q = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(reference: Rows, window: Rows) -> float:
    """Distance, the root of the divergence, to base 2."""
    p, q = _shares(reference, window, 0)
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        divergence = sum(np.where(r > 0, r * np.log2(r / middle), 0).sum() for r in (p, q)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def wasserstein(reference: Rows, window: Rows) -> float:
    """Of the reference's standard deviations."""
    distance = stats.wasserstein_distance(reference.values, window.values)
    return float(distance / max(reference.values.std(), 1e-3))


def kolmogorov_smirnov(reference: Rows, window: Rows) -> float:
    """1 - p."""
    return 1 - float(stats.ks_2samp(reference.values, window.values).pvalue)


def chi_squared(reference: Rows, window: Rows) -> float:
    """1 - p, the reference's shares taken as known."""
    p, q = _shares(reference, window, 0)
    seen = p > 0
    if q[~seen].any():
        return 1.0
    observed = q[seen] * len(window.values)
    return 1 - float(stats.chisquare(observed, p[seen] * len(window.values)).pvalue)


def mean_shift(reference: Rows, window: Rows) -> float:
    """1 - p of Welch's t-test."""
    return 1 - float(stats.ttest_ind(reference.values, window.values, equal_var=False).pvalue)


def _shares(reference: Rows, window: Rows, bins: int) -> tuple[Array, Array]:
    """Of both, in the same bins: deciles, Doane's, or the categories."""
    if not reference.numeric:
        size = int(max(reference.values.max(), window.values.max(initial=0))) + 1
        counts = [np.bincount(rows.values, minlength=size) for rows in (reference, window)]
    else:
        if bins:
            inner = np.unique(np.quantile(reference.values, np.arange(1, bins) / bins))
            edges = np.concatenate([[-np.inf], inner, [np.inf]])
        else:
            edges = np.histogram_bin_edges(reference.values, bins="doane")
            edges[0], edges[-1] = -np.inf, np.inf
        counts = [np.histogram(rows.values, edges)[0] for rows in (reference, window)]
    first, second = (each / max(1, each.sum()) for each in counts)
    return first, second


@dataclass(frozen=True)
class RuleOf:
    """One tool's rule: for numbers and for categories, each with its limit."""

    name: str
    numbers: tuple[Statistic, float]
    names: tuple[Statistic, float] | None

    def alarms(self, reference: Rows, window: Rows) -> bool:
        rule = self.numbers if reference.numeric else self.names
        return rule is not None and rule[0](reference, window) >= rule[1]


RULES = (
    RuleOf("PSI 0.1", (psi, 0.1), (psi, 0.1)),
    RuleOf("PSI 0.2", (psi, 0.2), (psi, 0.2)),
    RuleOf("PSI 0.25", (psi, 0.25), (psi, 0.25)),
    RuleOf("Evidently", (wasserstein, 0.1), (jensen_shannon, 0.1)),
    RuleOf("whylogs (KS)", (kolmogorov_smirnov, 0.95), (chi_squared, 0.95)),
    RuleOf("TrustyAI (mean shift)", (mean_shift, 0.95), None),
)
SMALL = RuleOf("Evidently, 1,000 rows", (kolmogorov_smirnov, 0.95), (chi_squared, 0.95))
"""Against a reference of at most 1,000 rows."""


def nannyml_limit(reference: Rows, rows: int) -> float:
    """NannyML's upper limit: the mean of the reference's own chunks of `rows` and three of their
    standard deviations."""
    values = reference.values
    chunks = [
        Rows(values[at : at + rows], reference.numeric)
        for at in range(0, len(values) - rows + 1, rows)
    ]
    found = np.array([jensen_shannon(reference, chunk) for chunk in chunks])
    return float(found.mean() + 3 * found.std())
