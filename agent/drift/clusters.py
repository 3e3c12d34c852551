"""Rows of one batch request as one cluster: how much less they tell than as many single rows.

Rule: pure. The mean score of N rows, of which request i brought n_i, has the variance of
N / deff independent ones, where deff = 1 + rho (sum n_i^2 / N - 1) and rho is the correlation of
two rows of one request (Kish 1965, the design effect).

rho is found for each score from pairs of successive requests. The mean scores of two of them
differ, squared and on average, by `a + rho (2 - a)` with a = 1/n + 1/n'. Differences of neighbours
rather than from a long mean (von Neumann's mean square successive difference), so that a slow
change of all traffic is not taken for a property of requests. Like is compared with like: pairs are
of one class of size, and weigh what they add to sum n_i^2.

An estimate from few pairs is itself uncertain. The variance is raised by the square of the ratio of
Student's to the normal quantile at the degrees of freedom that the differences show
(Satterthwaite), which keeps the level of a test on average. So scores of which nothing is known,
and those that a few rare requests rule, have rho near 1: each request counts as one row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.drift.sketch import Floats, Ints

SAMPLE_ROWS = 61
"""One request is looked at for so many rows of batch requests: at least each that has as many. A
prime, so that no usual pattern of sizes hides some requests always."""
MEMORY = 1000
"""Pairs after which an old one weighs 1/e."""
QUANTILE = 6.0
"""Standard normal deviations at which Student's and the normal quantile are compared: beyond most
tests' thresholds, which errs towards fewer alarms."""
OVERLAP = 1.5
"""Successive differences share a request: so many tell what one that shares none would."""
_CLASSES = 4
"""Of request sizes, each eightfold the last: 2, 8, 64, 512 rows and more."""


class Sampler:
    """Chooses requests with a chance that grows with their rows, up to certainty."""

    __slots__ = ("_due",)

    def __init__(self) -> None:
        self._due = SAMPLE_ROWS

    def takes(self, rows: int) -> bool:
        """Whether to look at this request of so many rows."""
        self._due -= rows
        if self._due > 0:
            return False
        self._due = SAMPLE_ROWS - -self._due % SAMPLE_ROWS
        return True


class Clusters:
    """What is known of rho, for all scores of the columns of one side.

    State: 48 bytes a score.
    """

    def __init__(self, scores: Sequence[Floats]) -> None:
        """`scores`: a matrix [score, bin] for each column, of variance 1 under its reference."""
        self._scores = [f.T for f in scores]
        width = sum(len(f) for f in scores)
        self._last = np.zeros((_CLASSES, width))
        self._last_rows = np.zeros(_CLASSES)
        self._squares = np.zeros(width)
        self._fourths = np.zeros(width)
        self._weight = self._weight2 = self._expected = 0.0

    def add(self, counts: Sequence[Ints], rows: Ints) -> None:
        """Requests in the order they came: per column the counts [request, bin]; rows of each."""
        sums = [c @ f for c, f in zip(counts, self._scores, strict=True)]
        means = np.concatenate(sums, axis=1) / rows[:, None]
        sizes = np.minimum((np.log2(rows) / 3).astype(np.int64), _CLASSES - 1)
        for size in np.unique(sizes):
            of_size = sizes == size
            self._add_class(int(size), means[of_size], rows[of_size].astype(np.float64))

    def _add_class(self, size: int, means: Floats, rows: Floats) -> None:
        if self._last_rows[size]:
            means = np.concatenate([self._last[size : size + 1], means])
            rows = np.concatenate([self._last_rows[size : size + 1], rows])
        self._last[size], self._last_rows[size] = means[-1], rows[-1]
        if len(rows) < 2:
            return
        squares = np.square(np.diff(means, axis=0))
        alone = 1 / rows[:-1] + 1 / rows[1:]
        # n^2 over the chance to be sampled, of both:
        weights = rows * np.maximum(rows, SAMPLE_ROWS)
        weights = np.sqrt(weights[:-1] * weights[1:])
        keep = (1 - 1 / MEMORY) ** len(weights)
        self._weight = keep * self._weight + float(weights.sum())
        self._weight2 = keep**2 * self._weight2 + float(weights @ weights)
        self._expected = keep * self._expected + float(weights @ alone)
        self._squares = keep * self._squares + weights @ squares
        self._fourths = keep**2 * self._fourths + np.square(weights) @ np.square(squares)

    def rho(self) -> Floats:
        """The correlation to reckon with, 0 to 1, of each score, column after column."""
        if not self._weight:
            return np.ones_like(self._squares)
        raised = self._squares * _raise(self._degrees())
        rho = (raised - self._expected) / (2 * self._weight - self._expected)
        return np.clip(np.where(self._squares > 0, rho, 1.0), 0.0, 1.0)

    def _degrees(self) -> Floats:
        """Degrees of freedom of each score's sum of squares: 2 mean^2 / variance."""
        pairs = self._weight**2 / self._weight2
        square = np.square(self._squares)
        spread = self._fourths - square / pairs
        found = 2 * square / np.maximum(spread, 2 * square / pairs + 1e-300)
        return np.maximum(found, 1e-2) / OVERLAP


def _raise(degrees: Floats) -> Floats:
    """(Student's quantile / normal quantile)^2 at QUANTILE, by Wallace's approximation (1959)."""
    z2 = QUANTILE**2 * np.square((8 * degrees + 3) / (8 * degrees + 1))
    raised: Floats = degrees / QUANTILE**2 * np.expm1(np.minimum(z2 / degrees, 500.0))
    return raised


def effective(rows: float, extra: float, rho: Floats) -> Floats:
    """Independent rows that `rows` are worth; `extra` is the sum of n (n - 1) over requests."""
    worth: Floats = rows / (1 + rho * (extra / rows)) if rows else np.zeros_like(rho)
    return worth
