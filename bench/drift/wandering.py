"""Traffic that varies by itself: windows that wander, hours of day that differ, and no drift.

A week of it makes the reference, the month after it is judged. Normal and heavy-tailed columns
move, lognormal and zero-inflated ones are scaled, by an AR(1) effect of their own (0.9 from one
window of 5 minutes to the next) and by a daily cycle; counts and categories stay.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial

import msgspec
import numpy as np

from agent.drift.allowance import Mode
from agent.drift.chart import Chart
from agent.drift.history import History
from agent.drift.period import varied
from agent.drift.reference import ColumnProfile, Profile, make
from bench.drift.data import (
    COLUMNS,
    COUNTS,
    HEAVY,
    NORMAL,
    Floats,
    Generator,
    Numbers,
    Source,
    reference,
)
from bench.drift.ours import MONTH, REFERENCE, SECONDS, WINDOWS, Outcome, watched
from bench.drift.settings import Settings, upper
from bench.report import Table

WEEK = 2016
DAY = 288
KEPT = 0.9
ROWS = 1000


@dataclass(frozen=True)
class Wandering:
    """Standard deviations and amplitudes in those of the column."""

    name: str
    ar: float
    cycle: float
    mode: Mode


TRAFFIC = (
    Wandering("AR 0.05 sd, strict", 0.05, 0.0, "strict"),
    Wandering("cycle 0.1 sd, strict", 0.0, 0.1, "strict"),
    Wandering("AR 0.05 and cycle 0.1 sd, strict", 0.05, 0.1, "strict"),
    Wandering("AR 0.1 sd, strict", 0.1, 0.0, "strict"),
    Wandering("AR 0.05 sd, normal", 0.05, 0.0, "normal"),
    Wandering("AR 0.05 sd, not allowed for", 0.05, 0.0, "off"),
)


def run(settings: Settings) -> None:
    """Alarms in a month after a week."""
    rows, kept = [], {}
    for traffic in TRAFFIC:
        if not settings.wanted(traffic.name):
            continue
        count = max(1, settings.sequences // 10)
        outcomes = list(settings.each(partial(month, traffic), range(count)))
        alarms = sum(one.alarms for one in outcomes)
        months = sum(one.seconds for one in outcomes) / MONTH
        kept[traffic.name] = [asdict(one) for one in outcomes]
        rows.append(
            [traffic.name, f"{months:.0f}", str(alarms), f"{alarms / months:.2f}",
             f"{upper(alarms) / months:.2f}"]
        )  # fmt: skip
        print(rows[-1], flush=True)
    table = Table(
        "Alarms in traffic that varies by itself, after a week's reference",
        ["20 columns of which 13 vary", "months", "alarms", "a month", "95 % upper bound"],
        rows,
        [f"Windows of {ROWS:,} rows and 5 minutes; min_effect 0; one alarm in 30 days allowed. "
         "Each column has an effect of its own."],
    )  # fmt: skip
    settings.write("wandering", "Alarms where traffic varies by itself", [table], kept, [])


def month(traffic: Wandering, seed: int, windows: int = WINDOWS) -> Outcome:
    """A week that makes the reference, then a month, or so many windows, that is judged."""
    rng = np.random.default_rng([seed, 11])
    shapes = reference(rng, REFERENCE)
    counts = [
        _counts(rng, source, column, traffic, WEEK + windows)
        for column, (_, source) in zip(shapes, COLUMNS, strict=True)
    ]
    profile = _known(shapes, [each[:WEEK] for each in counts])
    chart = Chart(
        profile.columns,
        false_alarms=1 / MONTH,
        min_effect=0.0,
        period=profile.period,
        natural_variation=traffic.mode,
    )
    later = [each[WEEK:] for each in counts]
    return watched(chart, later, np.full(windows, SECONDS), WEEK * SECONDS)


def _counts(
    rng: Generator, source: Source, column: ColumnProfile, traffic: Wandering, windows: int
) -> Floats:
    """[window, bin] of the week and what follows."""
    if not isinstance(source, Numbers) or source is COUNTS:
        return rng.multinomial([ROWS] * windows, source.cells(column))
    steps = rng.normal(scale=traffic.ar * np.sqrt(1 - KEPT**2), size=windows)
    effect = np.zeros(windows)
    effect[0] = rng.normal(scale=traffic.ar)
    for i in range(1, windows):
        effect[i] = KEPT * effect[i - 1] + steps[i]
    effect += traffic.cycle * np.sin(2 * np.pi * np.arange(windows) / DAY)
    vary = source.moved if source in (NORMAL, HEAVY) else lambda e: source.scaled(1 + e)
    return np.array([rng.multinomial(ROWS, vary(e).cells(column)) for e in effect])


def _known(shapes: list[ColumnProfile], counts: list[Floats]) -> Profile:
    """The reference of these windows."""
    columns = []
    for shape, each in zip(shapes, counts, strict=True):
        total = each.sum(0).astype(int).tolist()
        columns.append(
            msgspec.structs.replace(shape, counts=total[:-2], missing=total[-2], invalid=total[-1])
        )
    profile = make("", columns[0].rows, columns)
    of = {column.name: each for column, each in zip(columns, counts, strict=True)}
    history = History(sum(each.shape[1] for each in counts), SECONDS)
    for i in range(WEEK):
        parts = [of[column.name][i] for column in profile.columns]
        history.add(i * SECONDS, np.concatenate(parts).astype(np.int64))
    whole = varied(profile, history)
    known = {column.name: column for column in whole.columns}
    return msgspec.structs.replace(whole, columns=[known[column.name] for column in shapes])
