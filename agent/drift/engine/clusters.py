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

from collections.abc import Mapping, Sequence

import numpy as np

from agent.drift.reference.profile import SideName
from agent.drift.reference.sketch import Floats, Ints

SAMPLE_ROWS = 127
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
        self.last = np.zeros((_CLASSES, width))
        self.last_rows = np.zeros(_CLASSES)
        self.squares = np.zeros(width)
        self.fourths = np.zeros(width)
        self.weight = self.weight2 = self.expected = 0.0

    def add(self, counts: Sequence[Ints], rows: Ints) -> None:
        """Requests in the order they came: per column the counts [request, bin]; rows of each."""
        sums = [c @ f for c, f in zip(counts, self._scores, strict=True)]
        means = np.concatenate(sums, axis=1) / rows[:, None]
        sizes = np.minimum((np.log2(rows) / 3).astype(np.int64), _CLASSES - 1)
        for size in np.unique(sizes):
            of_size = sizes == size
            self._add_class(int(size), means[of_size], rows[of_size].astype(np.float64))

    def _add_class(self, size: int, means: Floats, rows: Floats) -> None:
        if self.last_rows[size]:
            means = np.concatenate([self.last[size : size + 1], means])
            rows = np.concatenate([self.last_rows[size : size + 1], rows])
        self.last[size], self.last_rows[size] = means[-1], rows[-1]
        if len(rows) < 2:
            return
        squares = np.square(np.diff(means, axis=0))
        alone = 1 / rows[:-1] + 1 / rows[1:]
        # n^2 over the chance to be sampled, of both:
        weights = rows * np.maximum(rows, SAMPLE_ROWS)
        weights = np.sqrt(weights[:-1] * weights[1:])
        keep = (1 - 1 / MEMORY) ** len(weights)
        self.weight = keep * self.weight + float(weights.sum())
        self.weight2 = keep**2 * self.weight2 + float(weights @ weights)
        self.expected = keep * self.expected + float(weights @ alone)
        self.squares = keep * self.squares + weights @ squares
        self.fourths = keep**2 * self.fourths + np.square(weights) @ np.square(squares)

    def rho(self) -> Floats:
        """The correlation to reckon with, 0 to 1, of each score, column after column."""
        if not self.weight:
            return np.ones_like(self.squares)
        raised = self.squares * _raise(self._degrees())
        rho = (raised - self.expected) / (2 * self.weight - self.expected)
        return np.clip(np.where(self.squares > 0, rho, 1.0), 0.0, 1.0)

    def _degrees(self) -> Floats:
        """Degrees of freedom of each score's sum of squares: 2 mean^2 / variance."""
        pairs = self.weight**2 / self.weight2
        square = np.square(self.squares)
        spread = self.fourths - square / pairs
        found = 2 * square / np.maximum(spread, 2 * square / pairs + 1e-300)
        return np.maximum(found, 1e-2) / OVERLAP


class Correlations:
    """rho of all scores of a model's columns, by side, as each side has requests of its own."""

    def __init__(self, sides: Sequence[SideName], scores: Sequence[Floats]) -> None:
        """Of each column its side, and its matrix [score, bin]."""
        self._sides = np.array(sides)
        self._scores = list(scores)
        self._tests = np.array([len(f) for f in scores], dtype=np.int64)
        self.rho = np.ones((len(scores), int(self._tests.max(initial=0))))
        """[column, score], as of the last `update`."""
        self.clusters: dict[SideName, Clusters] = {}
        """Of the sides that had batch requests."""

    def of(self, side: SideName) -> Clusters:
        """What is known of that side's batch requests; nothing at first."""
        if side not in self.clusters:
            pairs = zip(self._sides.tolist(), self._scores, strict=True)
            self.clusters[side] = Clusters([f for of, f in pairs if of == side])
        return self.clusters[side]

    def extra(self, by_side: Mapping[SideName, int]) -> list[int]:
        """Of each column what its side's batch requests add; nothing if there were none."""
        return [by_side[side] for side in self._sides.tolist()] if any(by_side.values()) else []

    def go_on(self, before: Correlations) -> None:
        """Takes over what is known of sides whose scores are all as they were."""
        pairs = zip(self._scores, before._scores, strict=True)
        same = np.array([np.array_equal(now, then) for now, then in pairs])
        for side, clusters in before.clusters.items():
            if same[self._sides == side].all():
                self.clusters[side] = clusters
        self.update()

    def update(self) -> None:
        """Takes what is known by now."""
        for side, clusters in self.clusters.items():
            tests = self._tests * (self._sides == side)
            self.rho[np.arange(self.rho.shape[1]) < tests[:, None]] = clusters.rho()


def _raise(degrees: Floats) -> Floats:
    """(Student's quantile / normal quantile)^2 at QUANTILE, by Wallace's approximation (1959)."""
    z2 = QUANTILE**2 * np.square((8 * degrees + 3) / (8 * degrees + 1))
    raised: Floats = degrees / QUANTILE**2 * np.expm1(np.minimum(z2 / degrees, 500.0))
    return raised


def worth(rows: Floats, extra: Ints, rho: Floats) -> Floats:
    """How many independent rows `rows` are worth, which are more than 0.

    `extra` is the sum of n (n - 1) over requests of n rows.
    """
    found: Floats = rows / (1 + rho * (extra / rows))
    return found
