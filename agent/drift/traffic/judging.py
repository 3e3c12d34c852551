"""A window of some columns judged: by the evidence, or by an old rule.

Rule: tells what each column has become; what that means for people is the model's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from agent.drift.engine.chart import Chart
from agent.drift.engine.verdict import State, Verdict, classic, level_of, state_of, verdict_of
from agent.drift.reference.profile import SideName
from agent.drift.reference.sketch import Ints
from agent.drift.settings import Settings
from agent.drift.traffic.columns import WatchedColumn


class Times(NamedTuple):
    """Of a window: epoch seconds, and what it is charged for."""

    began: float
    ended: float
    seconds: float
    extra: Mapping[SideName, int]
    """Of each side's batch requests: sum of n (n - 1)."""
    sharing: int = 1
    """Versions of the model that its budget is shared by."""


class Judged(NamedTuple):
    """A column's state, and since when, if it is a new one; seconds since the epoch."""

    column: WatchedColumn
    state: State
    since: float


def judge_window(
    chart: Chart | None,
    columns: Sequence[WatchedColumn],
    windows: Sequence[Ints],
    times: Times,
    settings: Settings,
) -> Iterator[Judged]:
    """Judges the columns by the counts of their windows; without a chart by the old rule."""
    began, now, seconds, extra, sharing = times
    budget = settings.false_alarms * (chart.share if chart is not None else 1.0)
    level = level_of(budget, seconds, len(columns), settings.replicas * sharing)
    if chart is not None:
        chart.sharing = sharing
        chart.push(windows, began, now, seconds, chart.requests.extra(extra))
    for i, (column, counts) in enumerate(zip(columns, windows, strict=True)):
        if chart is None:
            verdict = classic(column.base, counts, settings.rule)
            column.judged(partial(_same, verdict), level, now)
            yield Judged(column, verdict.state, began)
            continue
        column.judged(partial(verdict_of, chart, i, counts), level, now)
        alarm = chart.alarms[i]
        yield Judged(column, state_of(chart, i), alarm.since if alarm else began)


def _same(verdict: Verdict) -> Verdict:
    return verdict
