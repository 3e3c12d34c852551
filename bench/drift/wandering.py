"""Traffic that varies by itself: windows that wander, hours of day that differ, and no drift.

A week of it makes the reference, the month after it is judged. Normal and heavy-tailed columns
move, lognormal and zero-inflated ones are scaled, by an AR(1) effect of their own (0.9 from one
window of 5 minutes to the next) and by a daily cycle; counts and categories stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import numpy as np
from scipy import signal

from agent.drift.engine.allowance import Mode
from agent.drift.engine.chart import Chart
from agent.drift.engine.history import History
from agent.drift.learning.period import varied
from agent.drift.reference.profile import ColumnProfile, Profile, make
from bench.chart import Bars
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
from bench.drift.ours import BLOCK, MONTH, REFERENCE, SECONDS, WINDOWS, Outcome, Window, watched
from bench.drift.settings import Settings, clustered_upper
from bench.report import Table

PART = "wandering"
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
    Wandering("cycle 0.1 sd, normal", 0.0, 0.1, "normal"),
    Wandering("AR 0.05 and cycle 0.1 sd, normal", 0.05, 0.1, "normal"),
    Wandering("AR 0.05 sd, not allowed for", 0.05, 0.0, "off"),
)


def run(settings: Settings) -> None:
    """Alarms in a month after a week."""
    rows, kept = [], {}
    for traffic in TRAFFIC:
        if not settings.wanted(traffic.name):
            continue
        found = settings.sequences_of(
            PART, traffic.name, max(1, settings.sequences // 2), partial(months, traffic)
        )
        if not found:
            continue
        alarms = sum(one["alarms"] for one in found)
        length = sum(one["seconds"] for one in found) / MONTH
        in_alarm = sum(one["in_alarm"] for one in found) / sum(one["windows"] for one in found)
        kept[traffic.name] = found
        rows.append(
            [traffic.name, f"{length:.0f}", str(alarms), f"{alarms / length:.2f}",
             f"{clustered_upper([one['alarms'] for one in found]) / length:.2f}", f"{in_alarm:.3%}"]
        )  # fmt: skip
        print(rows[-1], flush=True)
    table = Table(
        "Alarms in traffic that varies by itself, after a week's reference",
        ["20 columns of which 13 vary", "months", "alarms", "a month", "95 % upper bound",
         "windows in alarm"],
        rows,
        [f"Windows of {ROWS:,} rows and 5 minutes; min_effect 0; one alarm in 30 days allowed. "
         "Each column has an effect of its own: AR(1), 0.9 from a window to the next, of this "
         "standard deviation, and a daily sine of this amplitude."],
    )  # fmt: skip
    bars = {
        ("" if traffic.mode == "off" else "Outrider: ") + name: [
            max(sum(one["alarms"] for one in kept[name])
                / (sum(one["seconds"] for one in kept[name]) / MONTH), 0.01)
        ]
        for traffic in TRAFFIC if (name := traffic.name) in kept
    }  # fmt: skip
    chart = Bars("Alarms a month in traffic that varies by itself; one is allowed",
                 "alarms a month", bars, log=True)  # fmt: skip
    settings.write(
        PART, "Alarms where traffic varies by itself", [table], kept, [chart] if kept else []
    )


def months(traffic: Wandering, seeds: Sequence[int], windows: int = WINDOWS) -> list[Outcome]:
    """For each seed a week that makes the reference, then so many windows that are judged."""
    rng = np.random.default_rng([*seeds, 11])
    columns: list[ColumnProfile] = []
    effects: list[Floats] = []
    period = None
    for _ in seeds:
        shapes = reference(rng, REFERENCE)
        wander = [_effects(rng, traffic, WEEK + windows) for _ in shapes]
        counts = [
            _counts(rng, source, column, effect[:WEEK])
            for column, (_, source), effect in zip(shapes, COLUMNS, wander, strict=True)
        ]
        profile = _known(shapes, counts)
        period = profile.period
        columns += profile.columns
        effects += [effect[WEEK:] for effect in wander]
    chart = Chart(
        columns,
        false_alarms=len(seeds) / MONTH,
        min_effect=0.0,
        period=period,
        natural_variation=traffic.mode,
    )
    return watched(chart, _windows(rng, columns, effects), len(seeds), WEEK * SECONDS)


def _windows(
    rng: Generator, columns: Sequence[ColumnProfile], effects: Sequence[Floats]
) -> Iterator[Window]:
    sources = [source for _, source in COLUMNS]
    for begin in range(0, len(effects[0]), BLOCK):
        counts = [
            _counts(rng, sources[i % len(sources)], column, effect[begin : begin + BLOCK])
            for i, (column, effect) in enumerate(zip(columns, effects, strict=True))
        ]
        for flat in np.concatenate(counts, axis=1):
            yield Window(flat, SECONDS)


def _effects(rng: Generator, traffic: Wandering, windows: int) -> Floats:
    """A column's own effect in each window."""
    steps = rng.normal(scale=traffic.ar * np.sqrt(1 - KEPT**2), size=windows)
    steps[0] = rng.normal(scale=traffic.ar)
    effect: Floats = signal.lfilter([1.0], [1.0, -KEPT], steps)
    return effect + traffic.cycle * np.sin(2 * np.pi * np.arange(windows) / DAY)


def _counts(rng: Generator, source: Source, column: ColumnProfile, effects: Floats) -> Floats:
    """[window, bin]."""
    if not isinstance(source, Numbers) or source is COUNTS:
        return rng.multinomial([ROWS] * len(effects), source.cells(column))
    if source in (NORMAL, HEAVY):
        return rng.multinomial(ROWS, source.cells_moved(column, effects))
    return rng.multinomial(ROWS, source.cells_scaled(column, 1 + effects))


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
