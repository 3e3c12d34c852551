"""The multiscale budget chart: every column's scores over ever longer spans, within one budget.

Rule: integers in, states out; no clock. Vectorised over columns, so the cost is that of a few
dozen array operations a window and linear in columns.

Each test (a score of a column, up or down, over a span) may raise a false alarm with probability
weight of the score x weight of the span x alarms allowed in the seconds since that span was last
looked at / (2 x columns x replicas). The sum over all tests is the budget of that time, so the
expected number of false alarms keeps to it by linearity of expectation, whatever the rate of
windows and whatever the dependence between columns, scores and spans. It needs no more than that
each single test's level is right; see `agent.drift.evidence`.

An alarm is cleared by evidence: windows wholly after it whose effect is shown to be less than
half of what raised it. Its column's past is forgotten then, so no longer span can raise it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agent.drift import allowance as allowed
from agent.drift.cells import Cells, cells_of
from agent.drift.clusters import Correlations, worth
from agent.drift.evidence import thresholds, tilted_rate, two_sample_rate
from agent.drift.reference import ColumnProfile
from agent.drift.scores import Scores, scores_of
from agent.drift.sketch import Floats, Ints
from agent.drift.spans import LEVELS, Span, Spans
from agent.drift.variation import HOURS, Period, hour_at

MIN_ROWS = 50
"""Rows of a span, or of the reference, below which nothing is said."""
WORTH_A_LOOK = 2.0
"""|mean| / sd below which a test is given that as its z: far from any threshold."""
SAFETY = 0.85
"""Of the budget that is spent: tails are approximations, and the promise is `at most`."""
CLEAR_Z = 2.0
CLEAR_SHARE = 0.5
CLEAR_LEVEL = 2
"""An alarm is cleared by at least 2^2 windows."""


def span_weights() -> Floats:
    """Of the budget: much for the newest window, then less and less the longer the span."""
    rest = 1.0 / np.arange(4.0, LEVELS + 3)
    weights: Floats = np.array([0.3, *(0.7 * rest / rest.sum())])
    return weights


SPAN_WEIGHTS = span_weights()


class Alarm(NamedTuple):
    """What raised an alarm and when; times are seconds since the epoch."""

    score: int
    sign: int
    level: int
    effect: float
    since: float
    raised: float
    window: int
    """Its number, counted from 1."""


class Look(NamedTuple):
    """What a look at one span found, for each column its strongest test."""

    score: Ints
    z: Floats
    threshold: Floats
    effect: Floats
    """Signed mean score, less the continuity correction."""
    rows: Ints
    began: float


class Tests(NamedTuple):
    """All tests of one span, [column, score]."""

    z: Floats
    effect: Floats
    spread: Floats
    """Standard deviation of the effect."""


class Questions(NamedTuple):
    """All scores of some columns, [column, score]; `values` has [column, score, cell]."""

    values: Floats
    weights: Floats
    """The mean of up and down."""
    is_set: npt.NDArray[np.bool_]
    """Whether it is the indicator of a set of cells."""
    expected: Floats
    """The set's share under the reference."""
    unit: Floats
    """Its standard deviation there."""
    rho: Floats
    """Of two rows of one request."""


class Chart:
    """Judges the windows of some columns against their reference."""

    def __init__(
        self,
        columns: Sequence[ColumnProfile],
        *,
        false_alarms: float,
        share: float = 1.0,
        replicas: int = 1,
        min_effect: float = 0.05,
        most_rows: int = 0,
        period: Period | None = None,
        natural_variation: allowed.Mode = "off",
    ) -> None:
        """`false_alarms`: a second; `share`: of them, these columns' part.

        `min_effect`: in standard deviations of the reference; `most_rows`: of a window, 0 if it
        is not known; `period`: of the reference, over which the columns' variation is known.
        """
        self.cells: list[Cells] = [cells_of(column) for column in columns]
        self.scores: list[Scores] = [
            scores_of(cells, column.edges)
            for cells, column in zip(self.cells, columns, strict=True)
        ]
        self.columns = list(columns)
        self.min_effect = min_effect
        self.share = share
        self.rate = SAFETY * false_alarms * share / (2 * max(1, len(columns)) * replicas)
        self.windows = 0
        self.alarms: list[Alarm | None] = [None] * len(columns)
        self._period, self._natural = period, natural_variation
        self._most_rows = most_rows
        self._lay_out(max((cells.size for cells in self.cells), default=0))
        self.spans = self._new_spans()
        self.looks: list[Look | None] = [None] * LEVELS
        self.known = np.zeros(len(columns), dtype=bool)
        """Columns of which a span of MIN_ROWS has been judged."""
        self.fresh_since = [0.0] * len(columns)
        self.ended = 0.0
        """When the last window did."""

    @property
    def _hourly(self) -> bool:
        return self.allowance is not None and self.allowance.hourly

    @property
    def width(self) -> int:
        """Cells of the widest column."""
        return self._shares.shape[1]

    def rows(self, counts: Ints) -> Ints:
        """Rows of each column in a span's counts, [column, cell and hour]."""
        total: Ints = counts[:, : self._shares.shape[1]].sum(1)
        return total

    def _new_spans(self) -> Spans:
        return Spans((len(self.columns), self._values.shape[2]), self._most_rows)

    def _lay_out(self, width: int) -> None:
        """Pads all columns to so many cells, so that arrays hold them."""
        count = len(self.columns)
        most = max((len(scores.labels) for scores in self.scores), default=0)
        self.allowance = allowed.allowance(
            [column.variation for column in self.columns],
            self.cells,
            self.scores,
            self._period,
            self._natural,
        )
        # Behind a column's cells are its rows by hour of day: they are pooled, kept and forgotten
        # as its cells are, and no score counts them.
        self._values = np.zeros((count, most, width + self._hourly * HOURS))
        self._shares = np.zeros((count, width))
        weights = np.zeros((2, count, most))
        expected = np.full((count, most), np.nan)
        for i, (cells, scores) in enumerate(zip(self.cells, self.scores, strict=True)):
            tests = len(scores.labels)
            self._values[i, :tests, : cells.size] = scores.values
            self._shares[i, : cells.size] = cells.shares
            weights[:, i, :tests] = scores.weights
            expected[i, :tests] = scores.shares
        self._rows = np.array([max(1.0, cells.rows) for cells in self.cells])
        self._own = 1.0 / self._rows
        self._judged = np.array([cells.rows >= MIN_ROWS for cells in self.cells], dtype=bool)
        self._is_set = ~np.isnan(expected)
        self._expected = np.where(self._is_set, expected, 0.5)
        self._unit = np.sqrt(self._expected * (1 - self._expected))
        self._continuity = np.where(self._is_set, 0.5 / self._unit, 0.0)
        each = zip(self.scores, self.cells, strict=True)
        matrices = [scores.values[:, cells.places] for scores, cells in each]
        self.requests = Correlations([column.side for column in self.columns], matrices)
        self._weights, self._weight_of = np.unique(weights, return_inverse=True)
        self._weight_of = self._weight_of.reshape(weights.shape)
        offsets = np.arange(count) * width
        parts = [cells.places + at for cells, at in zip(self.cells, offsets, strict=True)]
        self._places = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def questions(self, columns: Sequence[int]) -> Questions:
        """What is asked of these columns."""
        return Questions(
            self._values[columns][:, :, : self._shares.shape[1]],
            self._weights[self._weight_of[:, columns]].mean(0),
            self._is_set[columns],
            self._expected[columns],
            self._unit[columns],
            self.requests.rho[columns],
        )

    def renew(self, columns: Mapping[int, ColumnProfile]) -> None:
        """Judges these columns, by their places, by other profiles, afresh; the others go on."""
        for place, column in columns.items():
            self.columns[place] = column
            self.cells[place] = cells_of(column)
            self.scores[place] = scores_of(self.cells[place], column.edges)
            self.alarms[place] = None
            self.known[place] = False
            self.fresh_since[place] = self.ended
            for look in filter(None, self.looks):
                look.z[place] = look.rows[place] = 0
        width = max(self._shares.shape[1], *(self.cells[place].size for place in columns))
        before, hourly = self.requests, self._hourly
        self._lay_out(width)
        self.requests.go_on(before)
        self.spans.forget(sorted(columns))
        if hourly or self._hourly:
            self.spans = self._new_spans()  # the hours would be out of place
        else:
            self.spans.widen(width)

    def push(
        self,
        counts: Sequence[Ints],
        began: float,
        ended: float,
        seconds: float,
        extra: Sequence[int] = (),
    ) -> None:
        """Judges one more window.

        `counts`: for each column those of its bins, of missing and of invalid; `seconds`: what
        the window is charged for; `extra`: for each column the sum of n (n - 1) over the
        requests of n rows, none if all had one.
        """
        self.windows += 1
        self.ended = ended
        shape = self._shares.shape
        flat = np.concatenate(counts) if len(counts) else self._places
        cells = np.bincount(self._places, flat, shape[0] * shape[1]).reshape(shape)
        raised: dict[int, Alarm] = {}
        cleared: dict[int, int] = {}
        if any(extra):
            self.requests.update()
            extra = [n if rows else 0 for n, rows in zip(extra, cells.sum(1), strict=True)]
        if self._hourly:
            cells = np.pad(cells, ((0, 0), (0, HOURS)))
            cells[:, shape[1] + hour_at((began + ended) / 2)] = cells.sum(1)
        for span in self.spans.push(cells.astype(np.int64), began, seconds, extra or 0):
            self._look(span, ended, raised, cleared)
        self._turn(raised, cleared, ended)

    def _turn(self, raised: dict[int, Alarm], cleared: dict[int, int], ended: float) -> None:
        """Raises and clears; `cleared` are columns with the span that speaks for them.

        An alarm over no longer a span than that holds against it; over a longer one it is of
        what was.
        """
        for column, level in list(cleared.items()):
            alarm = raised.get(column)
            if alarm is not None and alarm.level <= level:
                self.alarms[column] = alarm
                del cleared[column]
            else:
                self.alarms[column] = None
                self.fresh_since[column] = ended
                for look in filter(None, self.looks[level + 1 :]):
                    look.z[column] = look.rows[column] = 0
        for column, alarm in raised.items():
            if self.alarms[column] is None and column not in cleared:
                self.alarms[column] = alarm
        if cleared:
            self.spans.forget(sorted(cleared))

    def tests(self, span: Span, ended: float) -> Tests:
        """All tests of a span's counts; `ended`: when its last window did."""
        rows = self.rows(span.counts)
        size = np.maximum(rows, 1)[:, None].astype(np.float64)
        mean = np.matmul(self._values, span.counts[:, :, None])[:, :, 0] / size
        if span.extra.any():
            size = worth(size, span.extra[:, None], self.requests.rho)
        variance = 1.0 / size + self._own[:, None]
        if self.allowance is not None:
            since = np.maximum(span.began, self.fresh_since)  # what was before is forgotten
            variance = variance + self.allowance.variance(np.minimum(ended - since, span.covered))
            if self.allowance.hourly:
                hours = span.counts[:, self._shares.shape[1] :] / np.maximum(rows, 1)[:, None]
                mean = mean - self.allowance.expected(hours)
                variance = variance + self.allowance.uncertainty(hours)
        effect = np.sign(mean) * np.maximum(np.abs(mean) - self._continuity / size, 0.0)
        spread = np.sqrt(np.broadcast_to(variance, mean.shape))
        z = np.abs(effect) / spread
        look = z > WORTH_A_LOOK
        sets = look & self._is_set
        z[sets] = self._of_sets(np.nonzero(sets), effect[sets], size) / spread[sets]
        others = look & ~self._is_set
        column, score = np.nonzero(others)
        if len(column):
            cells = self._shares[column]
            values = self._values[column, score, : cells.shape[1]]
            z[others] = np.sqrt(2 * tilted_rate(cells, values, effect[others])) / spread[others]
        enough = self._judged & (rows >= MIN_ROWS)
        z[~enough] = 0.0
        return Tests(z, effect, spread)

    def _of_sets(
        self, at: tuple[npt.NDArray[np.intp], ...], effect: Floats, size: Floats
    ) -> Floats:
        """z of indicators, [test], times the root of the variance that their rows explain."""
        expected = self._expected[at]
        found = expected + effect * self._unit[at]
        rows, reference = np.broadcast_to(size, self._unit.shape)[at], self._rows[at[0]]
        rate = two_sample_rate(expected, found, rows, reference)
        z: Floats = np.sqrt(2 * rate * (1 / rows + 1 / reference))
        return z

    def _look(
        self, span: Span, ended: float, raised: dict[int, Alarm], cleared: dict[int, int]
    ) -> None:
        tests = self.tests(span, ended)
        levels = self._weights * (SPAN_WEIGHTS[span.level] * self.rate * span.seconds)
        up, down = thresholds(levels)[self._weight_of]
        threshold = np.where(tests.effect > 0, up, down)
        beyond = tests.z / threshold
        is_alarm = (beyond >= 1) & (np.abs(tests.effect) - 2 * tests.spread >= self.min_effect)
        strongest = (beyond + 1e3 * is_alarm).argmax(1)
        every = np.arange(len(strongest))
        rows = self.rows(span.counts)
        self.known |= self._judged & (rows >= MIN_ROWS)
        self.looks[span.level] = Look(
            strongest,
            tests.z[every, strongest],
            threshold[every, strongest],
            tests.effect[every, strongest],
            rows,
            span.began,
        )
        for column in np.nonzero(is_alarm.any(1))[0].tolist():
            score = int(strongest[column])
            effect = float(tests.effect[column, score])
            since = max(span.began, self.fresh_since[column])
            before = raised.get(column)
            if before is not None and self._margin(before.level, column) >= self._margin(
                span.level, column
            ):
                continue
            sign = 1 if effect > 0 else -1
            raised[column] = Alarm(score, sign, span.level, abs(effect), since, ended, self.windows)
        self._clear(span, tests, cleared)

    def _margin(self, level: int, column: int) -> float:
        look = self.looks[level]
        return float(look.z[column] / look.threshold[column]) if look is not None else 0.0

    def _clear(self, span: Span, tests: Tests, cleared: dict[int, int]) -> None:
        for column, alarm in enumerate(self.alarms):
            if alarm is None or span.level < max(alarm.level, CLEAR_LEVEL):
                continue
            if self.windows - alarm.window < 1 << span.level:
                continue
            at = column, alarm.score
            effect = alarm.sign * float(tests.effect[at])
            spread = float(tests.spread[at])
            limit = max(self.min_effect, CLEAR_SHARE * alarm.effect)
            if effect < CLEAR_Z * spread and effect + 2 * spread < limit:
                cleared[column] = span.level

    def excess(self) -> Floats:
        """How far each column's strongest test is beyond its threshold, as a ratio; 0: nothing."""
        found = np.zeros(len(self.columns))
        for look in filter(None, self.looks):
            found = np.maximum(found, np.where(look.rows >= MIN_ROWS, look.z / look.threshold, 0))
        return found

    @property
    def fixed_bytes(self) -> int:
        """What the scores take, besides `spans.bytes`."""
        arrays = (self._values, self._shares, self._expected, self._unit, self._continuity)
        return sum(array.nbytes for array in arrays) + self._weight_of.nbytes

    def strongest(self, column: int) -> tuple[int, Look] | None:
        """The span whose last look came closest to, or went furthest beyond, its threshold."""
        found = [
            (level, look)
            for level, look in enumerate(self.looks)
            if look is not None and look.rows[column] >= MIN_ROWS
        ]
        if not found or not self._judged[column]:
            return None
        return max(found, key=lambda item: item[1].z[column] / item[1].threshold[column])
