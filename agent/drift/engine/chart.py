"""The multiscale budget chart: every column's scores over ever longer spans, within one budget.

Rule: integers in, states out; no clock. Vectorised over columns, so the cost is that of a few
dozen array operations a window and linear in columns.

Each test (a score of a column, up or down, over a span) may raise a false alarm with probability
weight of the score x weight of the span x alarms allowed in the seconds since that span was last
looked at / (2 x columns x replicas). The sum over all tests is the budget of that time, so the
expected number of false alarms keeps to it by linearity of expectation, whatever the rate of
windows and whatever the dependence between columns, scores and spans. It needs no more than that
each single test's level is right; see `engine.evidence`.

An alarm is cleared by evidence: windows wholly after it whose effect is shown to be less than
half of what raised it; or four times as many as raised it, which would not raise it again, not
nearly. A shift that lasts doubles its z by then; the error of an unlucky reference, which no
number of windows makes smaller, does not. Its column's past is forgotten when it clears, so no
longer span can raise it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agent.drift.engine import allowance as allowed
from agent.drift.engine.cells import Cells
from agent.drift.engine.questions import MIN_ROWS, Questions, Tests
from agent.drift.engine.scores import Scores
from agent.drift.engine.spans import LEVELS, Span, Spans
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Floats, Ints
from agent.drift.reference.variation import Period

SAFETY = 0.85
"""Of the budget that is spent: tails are approximations, and the promise is `at most`."""
CLEAR_Z = 2.0
CLEAR_SHARE = 0.5
CLEAR_LEVEL = 2
"""An alarm is cleared by at least 2^2 windows."""
FADED = 0.75
"""Of the threshold: what has less would not nearly raise the alarm."""
FADE_LEVELS = 2
"""By how many doublings a span must be longer than that which raised the alarm to show it."""


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


class Judged(NamedTuple):
    """All tests of one span, [column, score]."""

    tests: Tests
    threshold: Floats
    """What z must reach at the test's share of the budget."""
    is_alarm: npt.NDArray[np.bool_]


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
        ask: Callable[..., Questions] = Questions,
    ) -> None:
        """`false_alarms`: a second; `share`: of them, these columns' part.

        `min_effect`: in standard deviations of the reference; `most_rows`: of a window, 0 if it
        is not known; `period`: of the reference, over which the columns' variation is known.
        """
        self.columns = list(columns)
        self.min_effect = min_effect
        self.share = share
        self.sharing = 1
        """Charts of versions of the same model, which share its budget."""
        self._rate = SAFETY * false_alarms * share / (2 * max(1, len(columns)) * replicas)
        self.windows = 0
        self.alarms: list[Alarm | None] = [None] * len(columns)
        self._most_rows = most_rows
        self._new_questions = partial(ask, period=period, natural_variation=natural_variation)
        self.questions = self._new_questions(self.columns)
        self.requests = self.questions.correlations(self.columns)
        self.spans = Spans(self.questions.shape, most_rows)
        self.looks: list[Look | None] = [None] * LEVELS
        self.known = np.zeros(len(columns), dtype=bool)
        """Columns of which a span of MIN_ROWS has been judged."""
        self.fresh_since = [0.0] * len(columns)
        self.ended = 0.0
        """When the last window did."""

    @property
    def rate(self) -> float:
        """False alarms a second that a column may raise each way, by all its scores and spans."""
        return self._rate / self.sharing

    @property
    def cells(self) -> list[Cells]:
        """Those of each column."""
        return self.questions.cells

    @property
    def scores(self) -> list[Scores]:
        """Those of each column."""
        return self.questions.scores

    @property
    def allowance(self) -> allowed.Allowance | None:
        """For natural variation; None: none is known, or none allowed for."""
        return self.questions.allowance

    def renew(self, columns: Mapping[int, ColumnProfile]) -> None:
        """Judges these columns, by their places, by other profiles, afresh; the others go on."""
        for place, column in columns.items():
            self.columns[place] = column
            self.alarms[place] = None
            self.known[place] = False
            self.fresh_since[place] = self.ended
            for look in filter(None, self.looks):
                look.z[place] = look.rows[place] = 0
        before, requests = self.questions, self.requests
        self.questions = self._new_questions(self.columns, width=before.width)
        self.requests = self.questions.correlations(self.columns)
        self.requests.go_on(requests)
        self.spans.forget(sorted(columns))
        if before.kinds or self.questions.kinds:
            # The hours would be out of place.
            self.spans = Spans(self.questions.shape, self._most_rows)
        else:
            self.spans.widen(self.questions.width)

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
        cells = self.questions.of_bins(counts, (began + ended) / 2)
        if any(extra):
            self.requests.update()
            rows = self.questions.rows(cells)
            extra = [n if of else 0 for n, of in zip(extra, rows, strict=True)]
        raised: dict[int, Alarm] = {}
        cleared: dict[int, int] = {}
        for span in self.spans.push(cells, began, seconds, extra or 0):
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
        since = np.maximum(span.began, self.fresh_since)  # what was before is forgotten
        seconds = np.minimum(ended - since, span.covered)
        return self.questions.tests(span, seconds, self.requests.rho)

    def judged(self, span: Span, ended: float) -> Judged:
        """What a span's counts come to; remembers nothing. `ended`: when its last window did."""
        tests = self.tests(span, ended)
        level = SPAN_WEIGHTS[span.level] * self.rate * span.seconds
        threshold = self.questions.thresholds(level, tests.effect > 0)
        is_shown = np.abs(tests.effect) - 2 * tests.spread >= self.min_effect
        return Judged(tests, threshold, (tests.z >= threshold) & is_shown)

    def _look(
        self, span: Span, ended: float, raised: dict[int, Alarm], cleared: dict[int, int]
    ) -> None:
        tests, threshold, is_alarm = self.judged(span, ended)
        beyond = tests.z / threshold
        strongest = (beyond + 1e3 * is_alarm).argmax(1)
        every = np.arange(len(strongest))
        rows = self.questions.rows(span.counts)
        self.known |= self.questions.judged & (rows >= MIN_ROWS)
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
        self._clear(span, tests, beyond, cleared)

    def _margin(self, level: int, column: int) -> float:
        look = self.looks[level]
        return float(look.z[column] / look.threshold[column]) if look is not None else 0.0

    def _clear(self, span: Span, tests: Tests, beyond: Floats, cleared: dict[int, int]) -> None:
        for column, alarm in enumerate(self.alarms):
            if alarm is None or span.level < max(alarm.level, CLEAR_LEVEL):
                continue
            if self.windows - alarm.window < 1 << span.level:
                continue
            at = column, alarm.score
            effect = alarm.sign * float(tests.effect[at])
            spread = float(tests.spread[at])
            limit = max(self.min_effect, CLEAR_SHARE * alarm.effect)
            is_small = effect < CLEAR_Z * spread and effect + 2 * spread < limit
            is_long = span.level >= max(alarm.level, CLEAR_LEVEL) + FADE_LEVELS
            if is_small or (is_long and (effect < 0 or beyond[at] < FADED)):
                cleared[column] = span.level

    def excess(self) -> Floats:
        """How far each column's strongest test is beyond its threshold, as a ratio; 0: nothing."""
        found = np.zeros(len(self.columns))
        for look in filter(None, self.looks):
            found = np.maximum(found, np.where(look.rows >= MIN_ROWS, look.z / look.threshold, 0))
        return found

    def strongest(self, column: int) -> tuple[int, Look] | None:
        """The span whose last look came closest to, or went furthest beyond, its threshold."""
        found = [
            (level, look)
            for level, look in enumerate(self.looks)
            if look is not None and look.rows[column] >= MIN_ROWS
        ]
        if not found or not self.questions.judged[column]:
            return None
        return max(found, key=lambda item: item[1].z[column] / item[1].threshold[column])
