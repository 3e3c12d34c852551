"""The classic rules, for those who must match an older practice: a distance and a fixed threshold.

Rule: pure; one window against its reference. None of them knows a false-alarm budget: they ignore
how many columns and windows are judged, most of them how many rows too.

Distances are taken over all bins, missing and invalid among them, so that a change of the missing
rate is seen; those that need an order (Kolmogorov-Smirnov, Wasserstein) over a numeric column's
bins alone. A column without an order is judged by what the same tool uses there: chi-squared in
the place of Kolmogorov-Smirnov, Jensen-Shannon in that of Wasserstein.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from agent.drift.engine.distances import (
    chi_squared,
    hellinger,
    jensen_shannon,
    kl,
    kolmogorov_smirnov,
    total_variation,
    wasserstein,
)
from agent.drift.reference.distance import chi2_upper, psi, smoothed
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import MISSING, Floats, Ints

Rule = Literal["psi", "kl", "js", "ks", "wasserstein", "hellinger", "chi2", "tv"]

PSEUDO = 0.5
"""Rows added to each bin for the distances that cannot take an empty one."""
PSI_MODERATE, PSI_DRIFT = 0.1, 0.25
"""Little below, moderate between, drift from the second on (credited to Lewis 1994; Siddiqi)."""
DISTANCE = 0.1
"""Evidently's for KL, normed Wasserstein and Hellinger. For total variation no tool has a fixed
one: it is SageMaker Model Monitor's for categories (LInfinity, which is never more than that)."""
JS_DRIFT = DISTANCE / math.sqrt(math.log(2))
"""0.12: Evidently's 0.1 is of natural logarithms, ours are to base 2. NannyML has no fixed one:
it takes three standard deviations of the reference's chunks."""
LEVEL = 0.05
"""Of a test's p-value: Evidently's and NannyML's for both, whylogs' for Kolmogorov-Smirnov."""
KOLMOGOROV_POINT = 1.3580986393225507
"""Kolmogorov's limit exceeds it with probability LEVEL."""


class Judged(NamedTuple):
    """By one rule. It is drift if the score reaches the threshold."""

    rule: Rule
    """The one that was used, of columns without an order perhaps another than was asked for."""
    score: float
    threshold: float
    p_value: float | None = None
    note: str = ""

    @property
    def drift(self) -> bool:
        return self.score >= self.threshold


def judge(rule: Rule, column: ColumnProfile, counts: Ints) -> Judged:
    """A window's counts, over the bins of `column` and then missing and invalid.

    Both need rows; where neither has a value, Kolmogorov-Smirnov and Wasserstein say 0.
    """
    reference = np.array([*column.counts, column.missing, column.invalid], dtype=np.int64)
    if column.edges is None:
        rule = _UNORDERED.get(rule, rule)
    if rule in ("ks", "wasserstein"):
        reference, counts = reference[:MISSING], counts[:MISSING]
        if not reference.sum() or not counts.sum():
            return Judged(rule, 0.0, DISTANCE, note="no values to compare")
    return _RULES[rule](column, reference, counts)


def distances(column: ColumnProfile, counts: Ints) -> dict[Rule, float]:
    """Every rule's score that a column of its kind has. Both need rows."""
    found = (judge(rule, column, counts) for rule in _RULES)
    return {judged.rule: judged.score for judged in found}


_UNORDERED: dict[Rule, Rule] = {"ks": "chi2", "wasserstein": "js"}


def _psi(column: ColumnProfile, reference: Ints, window: Ints) -> Judged:
    score = psi(*_positive(reference, window))
    moderate = PSI_MODERATE <= score < PSI_DRIFT
    return Judged("psi", score, PSI_DRIFT, note="moderate by the 0.1 rule" if moderate else "")


def _kl(column: ColumnProfile, reference: Ints, window: Ints) -> Judged:
    return Judged("kl", kl(*_positive(reference, window)), DISTANCE)


def _simple(
    rule: Rule,
    distance: Callable[[Floats, Floats], float],
    threshold: float,
    column: ColumnProfile,
    reference: Ints,
    window: Ints,
) -> Judged:
    return Judged(rule, distance(_ratios(reference), _ratios(window)), threshold)


def _ks(column: ColumnProfile, reference: Ints, window: Ints) -> Judged:
    found = kolmogorov_smirnov(reference, window)
    m, n = float(reference.sum()), float(window.sum())
    return Judged("ks", found.statistic, KOLMOGOROV_POINT * math.sqrt(1 / m + 1 / n), found.p_value)


def _wasserstein(column: ColumnProfile, reference: Ints, window: Ints) -> Judged:
    p, q, places = _ratios(reference), _ratios(window), positions(column)
    sd = column.moments.std if column.moments is not None else spread(p, places)
    return Judged("wasserstein", wasserstein(p, q, places, sd), DISTANCE)


def _chi2(column: ColumnProfile, reference: Ints, window: Ints) -> Judged:
    found = chi_squared(reference, window)
    degrees = int(((reference + window) > 0).sum()) - 1
    return Judged("chi2", found.statistic, chi2_upper(max(degrees, 1), LEVEL), found.p_value)


_RULES: dict[Rule, Callable[[ColumnProfile, Ints, Ints], Judged]] = {
    "psi": _psi,
    "kl": _kl,
    "js": partial(_simple, "js", jensen_shannon, JS_DRIFT),
    "ks": _ks,
    "wasserstein": _wasserstein,
    "hellinger": partial(_simple, "hellinger", hellinger, DISTANCE),
    "chi2": _chi2,
    "tv": partial(_simple, "tv", total_variation, DISTANCE),
}


def positions(column: ColumnProfile) -> Floats:
    """Where the rows of each bin of a numeric column are taken to stand: in its middle.

    An open end reaches to the reference's least or greatest value if that lies beyond the edge;
    what is out of range stands at the edge, so that no single value can move the distance far.
    The last bins of a long tail are wide: for a shifted normal the distance is a tenth too large.
    """
    if not column.edges:
        return np.zeros(1)
    first, last = column.edges[0], column.edges[-1]
    if column.moments is not None:
        first, last = min(first, column.moments.min), max(last, column.moments.max)
    ends = np.array([first, *column.edges, last], dtype=np.float64)
    return np.asarray(ends[:-1] / 2 + ends[1:] / 2, dtype=np.float64)


def spread(p: Floats, places: Floats) -> float:
    """Standard deviation of rows that stand at these places."""
    scale = float(np.abs(places).max()) or 1.0  # the square of 1e200 is no number
    apart = places / scale - float(p @ (places / scale))
    return math.sqrt(float(p @ np.square(apart))) * scale


def _ratios(counts: Ints) -> Floats:
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def _positive(reference: Ints, window: Ints) -> tuple[Floats, Floats]:
    """Smoothed ratios of both, over the bins that either filled."""
    used = (reference + window) > 0
    return (
        smoothed(reference[used], PSEUDO, float(reference.sum())),
        smoothed(window[used], PSEUDO, float(window.sum())),
    )
