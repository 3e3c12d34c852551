"""Months of windows through the engine, by their counts; nothing here decides anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.drift.chart import Chart
from agent.drift.reference import ColumnProfile
from bench.drift.data import COLUMNS, SHIFTS, Floats, Generator, reference, truth

MONTH = 30 * 86400.0
SECONDS = 300.0
WINDOWS = 8640
"""Of 5 minutes, in 30 days."""
REFERENCE = 20_000


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
    min_effect: float = 0.0
    uneven: float = 0.0
    """Standard deviation of the logarithm of a window's rows: 0.85 is thirtyfold, 5 to 95 %."""
    uneven_seconds: float = 0.0
    """The same of its seconds."""
    copies: int = 1
    """Each of 20 / copies columns is there so many times."""


@dataclass
class Outcome:
    """What one sequence of windows gave."""

    windows: int
    seconds: float
    alarms: int
    """As they are raised: a column that goes from stable to drift."""
    in_alarm: int
    """Windows that end with a column in drift."""
    first: int | None
    """The window of the first alarm, from 1."""
    columns: list[str] = field(default_factory=list)


def draws(rng: Generator, rows: Sequence[int], shares: Sequence[Floats]) -> list[Floats]:
    """Counts [window, bin] of each column."""
    return [rng.multinomial(rows, share) for share in shares]


def quiet(traffic: Traffic, seed: int, windows: int = WINDOWS) -> Outcome:
    """One reference and so many windows of the same distribution."""
    rng = np.random.default_rng([seed, traffic.rows])
    kinds = COLUMNS[:: traffic.copies] if traffic.copies > 1 else COLUMNS
    profiles = reference(rng, traffic.reference, kinds)
    shares = truth(profiles, kinds)
    rows = np.full(windows, traffic.rows)
    if traffic.uneven:
        spread = rng.lognormal(-(traffic.uneven**2) / 2, traffic.uneven, size=windows)
        rows = np.maximum(1, np.round(traffic.rows * spread)).astype(int)
    seconds = np.full(windows, traffic.seconds)
    if traffic.uneven_seconds:
        seconds *= rng.lognormal(
            -(traffic.uneven_seconds**2) / 2, traffic.uneven_seconds, size=windows
        )
    counts = draws(rng, rows.tolist(), shares)
    chart = new_chart(profiles * traffic.copies, traffic)
    return watched(chart, [*counts] * traffic.copies, seconds)


def new_chart(profiles: Sequence[ColumnProfile], traffic: Traffic) -> Chart:
    """The engine with these settings."""
    return Chart(
        profiles,
        false_alarms=traffic.allowed,
        replicas=traffic.replicas,
        min_effect=traffic.min_effect,
        most_rows=0,
    )


def watched(chart: Chart, counts: Sequence[Floats], seconds: Floats, began: float = 0.0) -> Outcome:
    """Pushes windows of these lengths, the first of which began then."""
    found = Outcome(len(seconds), float(seconds.sum()), 0, 0, None)
    at = began
    before = list(chart.alarms)
    for i, covered in enumerate(seconds.tolist()):
        chart.push([each[i] for each in counts], at, at + covered, covered)
        at += covered
        for column, (new, old) in enumerate(zip(chart.alarms, before, strict=True)):
            if new is not None and old is None:
                found.alarms += 1
                found.first = found.first or i + 1
                found.columns.append(
                    f"{chart.columns[column].name}: {chart.scores[column].labels[new.score]}"
                )
        found.in_alarm += any(alarm is not None for alarm in chart.alarms)
        before = list(chart.alarms)
    return found


BEFORE = 128
"""Quiet windows before a change."""


@dataclass(frozen=True)
class Delay:
    """What became of one change."""

    windows: int | None
    """From the change to the alarm; None: not within the cap."""
    named: bool
    """The column that changed is among those that alarmed first."""


def delay(shift: str, traffic: Traffic, seed: int, cap: int) -> Delay | None:
    """The delay of an alarm; None if a false one came before the change."""
    rng = np.random.default_rng([seed, traffic.rows, 7])
    profiles = reference(rng, traffic.reference)
    names = [name for name, _ in COLUMNS]
    shares = truth(profiles)
    chart = new_chart(profiles, traffic)
    _push(chart, draws(rng, [traffic.rows] * BEFORE, shares), 0)
    if any(chart.alarms):
        return None
    changed, source = SHIFTS[shift]
    place = names.index(changed)
    shares[place] = source.cells(profiles[place])
    counts = draws(rng, [traffic.rows] * cap, shares)
    after = _push(chart, counts, BEFORE, stop=lambda: any(chart.alarms))
    if not any(chart.alarms):
        return Delay(None, False)
    return Delay(after, chart.alarms[place] is not None)


def _push(
    chart: Chart, counts: Sequence[Floats], at: int, stop: Callable[[], bool] = lambda: False
) -> int:
    """Pushes windows until `stop`; gives how many."""
    for i in range(len(counts[0])):
        began = (at + i) * SECONDS
        chart.push([each[i] for each in counts], began, began + SECONDS, SECONDS)
        if stop():
            return i + 1
    return len(counts[0])
