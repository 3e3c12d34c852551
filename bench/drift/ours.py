"""Months of windows through the engine, by their counts; nothing here decides anything.

Rule: several sequences, each with a reference of its own, are the columns of one chart, whose
budget is as many times as large. Each test then has the level that it has in a chart of its own,
and nothing of one column enters another's, so it is the same at a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from agent.drift.engine.chart import Chart
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Ints
from bench.drift.data import COLUMNS, NORMAL, Floats, Generator, Source, reference, truth

MONTH = 30 * 86400.0
SECONDS = 300.0
WINDOWS = 8640
"""Of 5 minutes, in 30 days."""
REFERENCE = 20_000
BLOCK = 256
"""Windows that are drawn at once."""


@dataclass(frozen=True)
class Traffic:
    """Windows without drift."""

    name: str
    rows: int
    reference: int = REFERENCE
    seconds: float = SECONDS
    """Of a window."""
    allowed: float = 1 / MONTH
    """False alarms a second."""
    replicas: int = 1
    """Sidecars that judge windows of their own against one reference."""
    min_effect: float = 0.0
    uneven: float = 0.0
    """Standard deviation of the logarithm of a window's rows: 0.85 is thirtyfold, 5 to 95 %."""
    uneven_seconds: float = 0.0
    """The same of its seconds."""
    copies: int = 1
    """Each of 20 / copies columns is there so many times."""
    moved: float = 0.0
    """The normal columns' mean, in standard deviations."""


@dataclass
class Outcome:
    """What one sequence of windows gave."""

    windows: int
    seconds: float
    alarms: int = 0
    """As they are raised: a column that goes from stable to drift."""
    in_alarm: int = 0
    """Windows that end with a column in drift."""
    first: int | None = None
    """The window of the first alarm, from 1."""
    columns: list[str] = field(default_factory=list)
    """Of the alarms: the column and what was asked of it."""


class Window(NamedTuple):
    """One window of all columns of a chart."""

    counts: Ints
    """Of all columns, one behind the other."""
    seconds: float
    extra: int = 0
    """The sum of n (n - 1) over its requests of n rows."""


def draws(rng: Generator, rows: Sequence[int], shares: Sequence[Floats]) -> list[Floats]:
    """Counts [window, bin] of each column."""
    return [rng.multinomial(rows, share) for share in shares]


def quiet(traffic: Traffic, seeds: Sequence[int], windows: int = WINDOWS) -> list[Outcome]:
    """For each seed one reference and so many windows of the same distribution."""
    rng = np.random.default_rng([*seeds, traffic.rows])
    profiles, shares = references(rng, traffic, len(seeds))
    chart = new_chart(profiles, traffic, len(seeds))
    return watched(chart, _windows(rng, traffic, shares, windows, len(seeds)), len(seeds))


def references(
    rng: Generator, traffic: Traffic, sequences: int
) -> tuple[list[ColumnProfile], list[Floats]]:
    """Of all columns of all sequences: a sequence, its sidecars, their columns."""
    profiles: list[ColumnProfile] = []
    shares: list[Floats] = []
    kinds = COLUMNS[:: traffic.copies]
    later = [(name, _moved(source, traffic.moved)) for name, source in kinds]
    for _ in range(sequences):
        one = reference(rng, traffic.reference, kinds)
        profiles += one * traffic.copies * traffic.replicas
        shares += truth(one, later) * traffic.replicas
    return profiles, shares


def _moved(source: Source, sds: float) -> Source:
    return source.moved(sds) if sds and source is NORMAL else source


def _windows(
    rng: Generator, traffic: Traffic, shares: Sequence[Floats], windows: int, sequences: int
) -> Iterator[Window]:
    per = len(shares) // (sequences * traffic.replicas)
    for begin in range(0, windows, BLOCK):
        count = min(BLOCK, windows - begin)
        rows = [_rows(rng, traffic, count) for _ in range(sequences * traffic.replicas)]
        counts = [rng.multinomial(rows[i // per], share) for i, share in enumerate(shares)]
        if traffic.copies > 1:
            counts = [
                each for i in range(0, len(counts), per)
                for each in counts[i : i + per] * traffic.copies
            ]  # fmt: skip
        flat = np.concatenate(counts, axis=1)
        seconds = np.full(count, traffic.seconds)
        if traffic.uneven_seconds:
            seconds *= _spread(rng, traffic.uneven_seconds, count)
        yield from map(Window, flat, seconds.tolist())


def _rows(rng: Generator, traffic: Traffic, count: int) -> Ints:
    rows = np.full(count, traffic.rows)
    if traffic.uneven:
        rows = np.maximum(1, np.round(rows * _spread(rng, traffic.uneven, count))).astype(int)
    return rows


def _spread(rng: Generator, by: float, count: int) -> Floats:
    """Lognormal, with a mean of 1."""
    return rng.lognormal(-(by**2) / 2, by, size=count)


def new_chart(profiles: Sequence[ColumnProfile], traffic: Traffic, sequences: int = 1) -> Chart:
    """The engine with these settings, for so many sequences, with all sidecars of each."""
    return Chart(
        profiles,
        false_alarms=traffic.allowed * sequences * traffic.replicas,
        replicas=traffic.replicas,
        min_effect=traffic.min_effect,
        most_rows=0,
    )


def watched(
    chart: Chart, windows: Iterable[Window], sequences: int, began: float = 0.0
) -> list[Outcome]:
    """Pushes windows, the first of which began then; what each sequence of columns gave."""
    per = len(chart.columns) // sequences
    found = [Outcome(0, 0.0) for _ in range(sequences)]
    before: set[int] = set()
    at = began
    for number, window in enumerate(windows, 1):
        push(chart, window, at)
        at += window.seconds
        for one in found:
            one.windows, one.seconds = number, at - began
        now = {column for column, alarm in enumerate(chart.alarms) if alarm is not None}
        for column in sorted(now - before):
            alarm = chart.alarms[column]
            assert alarm is not None
            one = found[column // per]
            one.alarms += 1
            one.first = one.first or number
            label = chart.scores[column].labels[alarm.score]
            one.columns.append(f"{chart.columns[column].name}: {label}")
        for place in {column // per for column in now}:
            found[place].in_alarm += 1
        before = now
    return found


def push(chart: Chart, window: Window, at: float) -> None:
    """One more window, which began then."""
    extra = [window.extra] * len(chart.columns) if window.extra else ()
    chart.push([window.counts], at, at + window.seconds, window.seconds, extra)
