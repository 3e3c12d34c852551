"""Which lasting changes the evidence can tell from a reference's own error, and how soon.

Rule: asks the engine that judges traffic (`Chart.judged`) for the counts that a change would
bring on average; there is no second formula. What is told is the change at which these counts just
raise an alarm: as likely as not to be found, and 1.5 times as much almost surely.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from agent.drift.engine.cells import MISSING
from agent.drift.engine.chart import Chart, Judged
from agent.drift.engine.questions import MIN_ROWS
from agent.drift.engine.spans import LEVELS, Span
from agent.drift.profiles import changes
from agent.drift.reference.profile import Profile
from agent.drift.reference.sketch import Floats
from agent.drift.reference.variation import HOURS, ColumnVariation
from agent.drift.settings import Settings
from agent.drift.traffic.model import ModelWatch

DAY = 86400.0
WEEK = 7 * DAY
HORIZONS = {"window": 0.0, "day": DAY, "month": 30 * DAY}
"""Seconds for which a change has lasted; one window at least."""
STEPS = 14
"""Halvings of what is looked for: to 0.006 % of the largest that there may be."""
MOST_TILT = 4.0
"""Nearly all rows are then in a numeric column's end."""
Change = Callable[[Floats, Floats], Floats]
"""Shares [column, cell], and how strong a change is [column]: shares after it."""


class Told(Struct, frozen=True):
    """What is found of one column; None: not even the largest."""

    windows: int
    """Over which it is found."""
    shift_sd: float | None = None
    """Of its location, in standard deviations of the reference's scores, as a verdict's effect."""
    shift: float | None = None
    """What the mean moves by then, in the column's own units."""
    category: str | None = None
    """The most frequent one."""
    points: float | None = None
    """By how much its share moves, in percentage points."""
    missing_points: float | None = None
    """By how much the share of rows without the column grows, in percentage points."""


class Short(NamedTuple):
    """A column of which a change of `min_effect` is not told from the reference's own error."""

    column: str
    least: float
    """Standard deviations: the least that is."""
    rows: float
    """That the reference would need; infinite where its days differ by more than that."""


class Detectable(NamedTuple):
    """Of the columns that are judged."""

    columns: dict[tuple[str, str], dict[str, Told]]
    """By side and name, then by the horizon's name."""
    short: list[Short]


def detectable(profile: Profile, settings: Settings) -> Detectable:
    """What windows of `settings.window_rows` rows in `settings.window_seconds` would show."""
    watch = ModelWatch(profile.model, settings._replace(mode="evidence"), profile, 0.0)
    chart = watch.chart
    assert chart is not None
    if not chart.columns:
        return Detectable({}, [])
    engine = _Engine(chart, settings)
    levels = [engine.level(seconds) for seconds in HORIZONS.values()]
    found: dict[tuple[str, str], dict[str, Told]] = {}
    for name, level in zip(HORIZONS, levels, strict=True):
        for column, told in zip(chart.columns, engine.told(level), strict=True):
            found.setdefault((column.side, column.name), {})[name] = told
    return Detectable(found, engine.short(levels[-1], profile.rows))


class _Engine:
    """A chart that has seen nothing, and changes for it to find. Arrays are [column, cell]."""

    def __init__(self, chart: Chart, settings: Settings) -> None:
        self._chart = chart
        self._rows, self._seconds = settings.window_rows, settings.window_seconds
        count, width = len(chart.columns), chart.questions.width
        self._every = np.arange(count)
        self._shares, self._location = np.zeros((count, width)), np.zeros((count, width))
        self._is_value = np.zeros((count, width), dtype=bool)
        self._missing = np.array([cells.size + MISSING for cells in chart.cells])
        self._top = np.zeros(count, dtype=np.int64)
        self._is_numeric = np.zeros(count, dtype=bool)
        for i, (cells, scores) in enumerate(zip(chart.cells, chart.scores, strict=True)):
            self._shares[i, : cells.size] = cells.shares
            self._is_value[i, : len(cells.bins)] = True
            self._top[i] = cells.shares[: max(1, len(cells.bins))].argmax()
            self._is_numeric[i] = scores.has_location and bool(scores.values[0].any())
            if self._is_numeric[i]:
                self._location[i, : cells.size] = scores.values[0]

    def level(self, seconds: float) -> int:
        """The span of at most so many seconds in which least is needed for an alarm."""
        most = min(int(math.log2(max(1.0, seconds / self._seconds))), LEVELS - 1)
        needed: list[float] = []
        for level in range(most + 1):
            judged = self._judge(level, self._usual(level))
            least = float((judged.threshold * judged.tests.spread).min(1).sum())
            needed.append(least if self._rows << level >= MIN_ROWS else math.inf)
        return int(np.argmin(needed))

    def told(self, level: int) -> list[Told]:
        """What is found over 2^level windows, of each column."""
        usual = self._usual(level)
        top = usual[self._every, self._top]
        tilt = self._least(level, self._tilted, np.full(len(top), MOST_TILT))
        points = 100 * self._least(level, self._mixed, np.maximum(top, 1 - top))
        missing = 100 * self._least(level, self._lacking, 1 - usual[self._every, self._missing])
        changed = self._tilted(usual, np.nan_to_num(tilt))
        shift = ((changed - usual) * self._location).sum(1)
        told: list[Told] = []
        for i, column in enumerate(self._chart.columns):
            cells = self._chart.cells[i]
            one = Told(1 << level, missing_points=_known(missing[i]))
            if self._is_numeric[i] and not math.isnan(tilt[i]):
                mean = changes.mean_move(column, cells.bins, usual[i], changed[i])
                one = msgspec.structs.replace(one, shift_sd=float(shift[i]), shift=mean)
            elif not self._is_numeric[i] and cells.bins:
                name = cells.labels[self._top[i]]
                one = msgspec.structs.replace(one, category=name, points=_known(points[i]))
            told.append(one)
        return told

    def short(self, level: int, rows: int) -> list[Short]:
        """Columns of which a change of `min_effect` cannot be told, the worst first.

        `rows`: of the reference; a column may be of a part of them.
        """
        least = self._chart.min_effect
        tests, threshold, _ = self._judge(level, self._usual(level))
        main = self._every, np.where(self._is_numeric, 0, self._top)
        spread, threshold = tests.spread[main], threshold[main]
        found: list[Short] = []
        for i in np.flatnonzero(self._judged & (threshold * spread > least)).tolist():
            own = 1 / self._chart.cells[i].rows
            left = (least / float(threshold[i])) ** 2 - (float(spread[i]) ** 2 - own)
            wanted = own * rows / left if left > 0 else math.inf
            name = self._chart.columns[i].name
            found.append(Short(name, float(threshold[i] * spread[i]), wanted))
        return sorted(found, key=lambda short: (-short.rows, -short.least))

    @property
    def _judged(self) -> npt.NDArray[np.bool_]:
        """Columns with rows enough, and values that are told apart."""
        found: npt.NDArray[np.bool_] = self._chart.questions.judged & (self._is_value.sum(1) > 0)
        return found

    def _least(self, level: int, change: Change, most: Floats) -> Floats:
        """The least strength of a change that raises an alarm; NaN where `most` does not."""
        usual = self._usual(level)
        low, high = np.zeros(len(most)), most.copy()
        found = self._raises(level, change(usual, high))
        for _ in range(STEPS):
            middle = (low + high) / 2
            is_alarm = self._raises(level, change(usual, middle))
            low, high = np.where(is_alarm, low, middle), np.where(is_alarm, middle, high)
        return np.where(found, high, np.nan)

    def _raises(self, level: int, shares: Floats) -> npt.NDArray[np.bool_]:
        is_alarm = self._judge(level, shares).is_alarm
        found: npt.NDArray[np.bool_] = np.logical_or.reduce(is_alarm, axis=1)
        return found

    def _judge(self, level: int, shares: Floats) -> Judged:
        """The engine's word on 2^level windows with rows in these shares."""
        windows = 1 << level
        covered = windows * self._seconds
        counts = changes.whole(shares, self._rows * windows)
        if self._chart.questions.kinds:
            by_hour = changes.whole(self._hours(covered), self._rows * windows)
            counts = np.concatenate([counts, by_hour], axis=1)
        charged = max(1, windows >> 2) * self._seconds
        extra = np.zeros(len(counts), dtype=np.int64)
        return self._chart.judged(Span(level, counts, extra, 0.0, charged, covered), covered)

    def _usual(self, level: int) -> Floats:
        """Shares without a change, those of the hours where a column is known by hour of day."""
        shares = self._shares
        if not self._chart.questions.kinds:
            return shares
        shares = shares.copy()
        hours = self._hours((1 << level) * self._seconds) > 0
        for i, (column, cells) in enumerate(
            zip(self._chart.columns, self._chart.cells, strict=True)
        ):
            if column.variation is not None and column.variation.hours:
                by_hour = np.array(column.variation.hours)
                counts = by_hour[hours[i].reshape(-1, len(by_hour)).any(0)].sum(0)
                found = np.bincount(cells.places, counts, cells.size)
                shares[i, : cells.size] = found / found.sum()
        return shares

    def _hours(self, seconds: float) -> Floats:
        """Shares of rows by kind of hour, of a time that begins with the busiest: [column, kind].

        Of weekdays, where weekends are known apart, but for a week and more.
        """
        kinds = self._chart.questions.kinds
        by_hour = np.array([_rows_of(each.variation, kinds) for each in self._chart.columns])
        first = int(by_hour[:, :HOURS].sum(0).argmax())
        wanted = (np.arange(math.ceil(min(seconds / 3600, HOURS))) + first) % HOURS
        if seconds >= WEEK:
            wanted = np.arange(kinds)
        chosen = np.zeros_like(by_hour)
        chosen[:, wanted] = by_hour[:, wanted]
        shares: Floats = chosen / chosen.sum(1, keepdims=True)
        return shares

    def _tilted(self, usual: Floats, strength: Floats) -> Floats:
        return changes.tilted(usual, self._location, self._is_value, strength)

    def _mixed(self, usual: Floats, strength: Floats) -> Floats:
        top = usual[self._every, self._top]
        return changes.moved(usual, self._top, np.where(top <= 0.5, strength, -strength))

    def _lacking(self, usual: Floats, strength: Floats) -> Floats:
        return changes.moved(usual, self._missing, strength)


def _rows_of(variation: ColumnVariation | None, kinds: int) -> Floats:
    """Rows of a column by kind of hour; as if all hours were alike where it is not known."""
    if variation is None or not variation.hours:
        return np.ones(kinds)
    rows = np.array(variation.hours, dtype=np.float64).sum(1)
    return rows if len(rows) == kinds else np.concatenate([rows * 5 / 7, rows * 2 / 7])


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
