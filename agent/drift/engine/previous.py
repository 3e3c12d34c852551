"""The newest windows against those before them: a sudden change in a column already in drift.

Rule: looks only, at what the chart keeps; its own part of the budget, so the chart's stands.

A stream that left its reference long ago says nothing by still being away. Of each block size
2^j the chart keeps four blocks; the newest is compared with the three before it whenever it ends,
if all four lie after the alarm and after the last change found. Of sets of cells by the G-test of
two samples, whose signed root is near standard normal (Wilks 1938); of location and scale by the
difference of means over the spread that these windows have, as the reference's is no longer true.
What blocks may differ by themselves is allowed for, once for each: as much as the reference's
column does, in the spread of these windows. Bins and hours are not told apart in that, as a column
that moved has other bins where its variation shows.
The level of a test is as in `engine.chart`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from agent.drift.engine.chart import SPAN_WEIGHTS, Chart
from agent.drift.engine.clusters import worth
from agent.drift.engine.evidence import bernoulli_rate, thresholds
from agent.drift.engine.questions import MIN_ROWS, Some
from agent.drift.engine.spans import KEPT, Blocks
from agent.drift.reference.sketch import Floats, Ints

SHARE = 0.05
"""Of the budget."""


class ChangedAgain(Struct, frozen=True):
    """A change found. Effects are in standard deviations of the reference."""

    at: float
    """When the newest windows began, seconds since the epoch."""
    test: str
    direction: str
    effect: float
    score: float
    threshold: float
    windows: int
    """In the newest block."""


class Looked(Struct):
    """What a Previous remembers, a column."""

    found: list[ChangedAgain | None]
    quiet_since: list[float]
    """Windows before it are of another change."""


class Sample(NamedTuple):
    """Some columns' cells in one or more blocks: [column, cell]."""

    counts: Ints
    extra: Ints
    """[column]: see `spans.Span`."""
    natural: Floats
    """Variance of its mean by itself, [column], in squares of its standard deviation."""


class Previous:
    """Compares the blocks of a chart."""

    def __init__(self, chart: Chart, share: float = SHARE) -> None:
        """`share`: of the budget of which the chart has `chart.share`."""
        self.chart = chart
        self._share = share / chart.share
        count = len(chart.columns)
        self.looked = Looked([None] * count, [-math.inf] * count)

    @property
    def found(self) -> list[ChangedAgain | None]:
        """The last change of each column in drift."""
        return self.looked.found

    def go_on(self, looked: Looked) -> None:
        """Where another one ended. Raises ValueError if that was of other columns."""
        count = len(self.chart.columns)
        if not len(looked.found) == len(looked.quiet_since) == count:
            raise ValueError("changes found of other columns than there are")
        self.looked = looked

    def look(self, ended: float) -> list[int]:
        """After each push of the chart; the columns that changed in the block that ended now."""
        chart = self.chart
        drifting = [i for i, alarm in enumerate(chart.alarms) if alarm is not None]
        for column in {i for i, found in enumerate(self.found) if found}.difference(drifting):
            self.found[column] = None
        changed: dict[int, ChangedAgain] = {}
        for size in range(len(chart.spans.blocks)):
            if not drifting or chart.windows % (1 << size):
                break
            self._compare(size, drifting, changed)
        for column, found in changed.items():
            self.found[column] = found
            self.looked.quiet_since[column] = ended
        return sorted(changed)

    def _compare(self, size: int, drifting: list[int], changed: dict[int, ChangedAgain]) -> None:
        chart = self.chart
        blocks = chart.spans.blocks[size]
        if blocks.seen < KEPT:
            return
        *before, now = blocks.last(KEPT)
        began = blocks.began[before[0]]
        columns = [i for i in drifting if began >= self._known_since(i)]
        if not columns:
            return
        asked = chart.questions.some(columns)
        rho = chart.requests.rho[columns]
        samples = self._sample(blocks, [now], columns), self._sample(blocks, before, columns)
        z, effect, spread = compared(asked, *samples, rho)
        level = SPAN_WEIGHTS[size] * self._share * chart.rate * blocks.seconds[now]
        threshold = thresholds((asked.weights * level).ravel()).reshape(z.shape)
        is_change = (z >= threshold) & (np.abs(effect) - 2 * spread >= chart.min_effect)
        best = np.where(is_change, z / threshold, 0.0).argmax(1)
        for i, column in enumerate(columns):
            score = int(best[i])
            if not is_change[i, score] or column in changed:
                continue
            found = float(effect[i, score])
            changed[column] = ChangedAgain(
                blocks.began[now],
                chart.scores[column].labels[score],
                "up" if found > 0 else "down",
                abs(found),
                float(z[i, score]),
                float(threshold[i, score]),
                1 << size,
            )

    def _sample(self, blocks: Blocks, places: list[int], columns: list[int]) -> Sample:
        """Of the columns in the blocks at these places."""
        questions = self.chart.questions
        natural = np.zeros(len(columns))
        if questions.allowance is not None:
            covered = sum(blocks.seconds[place] for place in places)
            natural = questions.allowance.greatest(covered)[columns]
        return Sample(
            blocks.counts[places].sum(0, dtype=np.int64)[columns, : questions.width],
            blocks.extra[places].sum(0)[columns],
            natural,
        )

    def _known_since(self, column: int) -> float:
        alarm = self.chart.alarms[column]
        raised = alarm.raised if alarm is not None else math.inf
        return max(raised, self.looked.quiet_since[column])


def compared(
    asked: Some, now: Sample, before: Sample, rho: Floats
) -> tuple[Floats, Floats, Floats]:
    """z, effect and its standard deviation of each test, [column, score]."""
    both = now, before
    rows = [sample.counts.sum(1) for sample in both]
    sizes = [np.maximum(r, 1).astype(np.float64)[:, None] for r in rows]
    values, sets = asked.values, asked.is_set
    means = [
        np.matmul(values, sample.counts[:, :, None])[:, :, 0] / size
        for sample, size in zip(both, sizes, strict=True)
    ]
    effect = means[0] - means[1]
    pooled = (now.counts + before.counts)[:, :, None]
    total = sizes[0] + sizes[1]
    sizes = [
        worth(size, sample.extra[:, None], rho) for size, sample in zip(sizes, both, strict=True)
    ]
    mean = np.matmul(values, pooled)[:, :, 0] / total
    spread2 = np.maximum(np.matmul(values**2, pooled)[:, :, 0] / total - mean**2, 1e-12)
    of_rows = 1 / sizes[0] + 1 / sizes[1]
    variance = of_rows + (now.natural + before.natural)[:, None]
    spread = np.sqrt(spread2 * variance)
    z = np.abs(effect) / spread
    z[sets] = _g_root(asked, means, sizes) * np.sqrt(of_rows / variance)[sets]
    z[(rows[0] < MIN_ROWS) | (rows[1] < MIN_ROWS)] = 0.0
    return z, effect, spread


def _g_root(asked: Some, means: list[Floats], sizes: list[Floats]) -> Floats:
    """Root of the G of two shares, less half a row each way (Yates)."""
    sets = asked.is_set
    expected, unit = asked.expected[sets], asked.unit[sets]
    n, m = (np.broadcast_to(size, sets.shape)[sets] for size in sizes)
    p, q = (np.clip(expected + mean[sets] * unit, 0.0, 1.0) for mean in means)
    pooled = np.clip((n * p + m * q) / (n + m), 1e-12, 1 - 1e-12)
    step = np.minimum(0.5, np.abs(p - q) * n * m / (n + m)) * np.sign(p - q)
    p, q = p - step / n, q + step / m
    root: Floats = np.sqrt(2 * (n * bernoulli_rate(pooled, p) + m * bernoulli_rate(pooled, q)))
    return root
