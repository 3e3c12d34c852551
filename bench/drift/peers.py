"""The rules of other tools, re-implemented; `checked.py` holds them against the packages.

Rule: a statistic of one window of one column against the reference's rows; greater is stranger.

PSI: ten bins by the reference's deciles, or the categories; 0.1, 0.2 or 0.25 (Siddiqi 2006).
Evidently (0.7, its presets): up to 1,000 reference rows Kolmogorov-Smirnov for numbers and
chi-squared for categories at p < 0.05; beyond, Wasserstein over the reference's standard deviation
and Jensen-Shannon of natural logarithms, both at 0.1. whylogs (1.6): Kolmogorov-Smirnov and its
own chi-squared at p < 0.05. NannyML (0.13): Jensen-Shannon over bins, further than three standard
deviations of the reference's chunks from their mean. TrustyAI (0.6): its t-test of the means of
numbers at p < 0.05. Missing values are dropped by all.
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
DECILES, DOANE = 10, 0
"""Bins of numbers."""


@dataclass(frozen=True)
class Rows:
    """A column's present values, as numbers, or as names' codes."""

    values: Array
    numeric: bool
    places: Array
    """Which row each value is of, missing ones counted."""
    rows: int

    @classmethod
    def of(cls, values: Sequence[Any], codes: dict[str, int] | None) -> Rows:
        places = np.array([i for i, v in enumerate(values) if v is not None], dtype=np.int64)
        present = [v for v in values if v is not None]
        if codes is None:
            return cls(np.array(present, dtype=float), True, places, len(values))
        coded = np.array([codes.setdefault(v, len(codes)) for v in present], dtype=np.int64)
        return cls(coded, False, places, len(values))

    def chunks(self, rows: int) -> list[Rows]:
        """Consecutive ones of so many rows, the last may be smaller."""
        cuts = np.arange(rows, self.rows, rows)
        ends = [0, *np.searchsorted(self.places, cuts).tolist(), len(self.values)]
        return [
            Rows(self.values[a:b], self.numeric, self.places[a:b], min(rows, self.rows - at))
            for at, a, b in zip(range(0, self.rows, rows), ends, ends[1:], strict=False)
        ]


Statistic = Callable[[Rows, Rows], float]
"""Of the reference and a window."""


def psi(reference: Rows, window: Rows) -> float:
    """Population stability index."""
    return float(psi_of(*_shares(reference, window, DECILES)))


def psi_of(p: Array, q: Array) -> Array:
    """The same of shares, [..., bin]."""
    p, q = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
    found: Array = ((q - p) * np.log(q / p)).sum(-1)
    return found


def jensen_shannon(reference: Rows, window: Rows) -> float:
    """Distance, the root of the divergence, to base 2."""
    return float(jensen_shannon_of(*_shares(reference, window, DOANE)))


def jensen_shannon_of(p: Array, q: Array) -> Array:
    """The same of shares, [..., bin]."""
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(r > 0, r * np.log2(r / middle), 0).sum(-1) for r in (p, q)]
    found: Array = np.sqrt(np.maximum(sum(parts) / 2, 0.0))
    return found


def jensen_shannon_of_nats(reference: Rows, window: Rows) -> float:
    """The same distance to base e, which is smaller by the root of ln 2."""
    return jensen_shannon(reference, window) * float(np.sqrt(np.log(2)))


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


def chi_squared_of_whole_counts(reference: Rows, window: Rows) -> float:
    """1 - p as whylogs has it: expected counts cut to whole ones, 0 of which is drift at once."""
    size = int(max(reference.values.max(), window.values.max())) + 1
    counts = [np.bincount(rows.values, minlength=size) for rows in (reference, window)]
    either = (counts[0] > 0) | (counts[1] > 0)
    expected = (counts[0][either] / reference.rows * window.rows).astype(np.int64)
    if (expected == 0).any():
        return 1.0
    statistic = (np.square(counts[1][either] - expected) / expected).sum()
    freedom = max(1, np.count_nonzero(counts[1]) - 1)
    return 1 - float(stats.chi2.sf(statistic, freedom))


def mean_shift(reference: Rows, window: Rows) -> float:
    """1 - p as TrustyAI has it: Welch's statistic of population variances, with the degrees of
    freedom of equal ones."""
    pair = (reference.values, window.values)
    error = sum(values.var() / len(values) for values in pair)
    t = abs(float(pair[0].mean() - pair[1].mean())) / max(float(np.sqrt(error)), 1e-300)
    return 1 - float(2 * stats.t.sf(t, len(pair[0]) + len(pair[1]) - 2))


def _shares(reference: Rows, window: Rows, bins: int) -> tuple[Array, Array]:
    """Of both, in the same bins: deciles, Doane's and what is outside, or the categories."""
    if not reference.numeric:
        size = int(max(reference.values.max(), window.values.max(initial=0))) + 1
        counts = [np.bincount(rows.values, minlength=size) for rows in (reference, window)]
    else:
        edges = edges_of(reference.values, bins)
        counts = [_counted(rows.values, edges) for rows in (reference, window)]
    first, second = (each / max(1, each.sum()) for each in counts)
    return first, second


def edges_of(values: Array, bins: int) -> Array:
    """Of the bins that PSI (deciles) and Jensen-Shannon (Doane's) are taken over."""
    if bins == DOANE:
        return np.histogram_bin_edges(values, bins="doane")
    inner = np.unique(np.quantile(values, np.arange(1, bins) / bins))
    return np.concatenate([[-np.inf], inner, [np.inf]])


def _counted(values: Array, edges: Array) -> Array:
    inside = np.histogram(values, edges)[0]
    return np.append(inside, len(values) - inside.sum())


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
    RuleOf("Evidently", (wasserstein, 0.1), (jensen_shannon_of_nats, 0.1)),
    RuleOf("whylogs (KS)", (kolmogorov_smirnov, 0.95), (chi_squared_of_whole_counts, 0.95)),
    RuleOf("TrustyAI (mean shift)", (mean_shift, 0.95), None),
)
SMALL = RuleOf("Evidently, 1,000 rows", (kolmogorov_smirnov, 0.95), (chi_squared, 0.95))
"""Against a reference of at most 1,000 rows."""


@dataclass(frozen=True)
class NannyML:
    """Its limits of a column, and with them its rule."""

    reference: Rows
    lower: float
    upper: float

    @classmethod
    def of(cls, reference: Rows, rows: int) -> NannyML:
        """The mean of the reference's own chunks of `rows`, and three of their standard
        deviations to both sides; no distance is below 0."""
        chunks = reference.chunks(rows)
        found = np.array([jensen_shannon(reference, chunk) for chunk in chunks])
        middle, width = float(found.mean()), 3 * float(found.std())
        return cls(reference, middle - width, middle + width)

    def alarms(self, window: Rows) -> bool:
        return not self.lower <= jensen_shannon(self.reference, window) <= self.upper
