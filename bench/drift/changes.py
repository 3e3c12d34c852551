"""Changes of known size: windows from the change to Outrider's alarm, and what it names.

Rule: one reference and its quiet windows serve every change: each begins from a copy of the chart.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from agent.drift.engine.chart import Chart
from bench.drift.data import COLUMNS, SHIFTS, Floats, Generator
from bench.drift.ours import BLOCK, SECONDS, Traffic, Window, draws, new_chart, push, references

BEFORE = 128
"""Quiet windows before a change."""


@dataclass(frozen=True)
class Delay:
    """What became of one change."""

    windows: int | None
    """From the change to the alarm; None: not within the cap."""
    named: bool
    """The column that changed is among those that alarmed first."""


def delays(traffic: Traffic, cap: int, seeds: Sequence[int]) -> dict[str, list[Delay]]:
    """Of each change, each seed with a reference of its own; without those that alarmed before."""
    rng = np.random.default_rng([*seeds, traffic.rows, 7])
    profiles, shares = references(rng, traffic, len(seeds))
    quiet = new_chart(profiles, traffic, len(seeds))
    for number, window in enumerate(_plain(rng, traffic.rows, shares, BEFORE)):
        push(quiet, window, number * SECONDS)
    names = [name for name, _ in COLUMNS]
    found = {}
    for shift, (changed, source) in SHIFTS.items():
        places = range(names.index(changed), len(profiles), len(names))
        after = list(shares)
        for place in places:
            after[place] = source.cells(profiles[place])
        windows = _plain(rng, traffic.rows, after, cap)
        found[shift] = awaited(copy.deepcopy(quiet), windows, len(seeds), {names.index(changed)})
    return found


def _plain(rng: Generator, rows: int, shares: Sequence[Floats], windows: int) -> Iterator[Window]:
    for begin in range(0, windows, BLOCK):
        count = min(BLOCK, windows - begin)
        for counts in np.concatenate(draws(rng, [rows] * count, shares), axis=1):
            yield Window(counts, SECONDS)


def awaited(
    chart: Chart, windows: Iterator[Window], sequences: int, changed: set[int]
) -> list[Delay]:
    """Pushes until each sequence that was quiet so far has an alarm."""
    per = len(chart.columns) // sequences
    loud = {place // per for place in _alarms(chart)}
    found: dict[int, Delay] = {}
    for number, window in enumerate(windows, 1):
        if len(found) + len(loud) == sequences:
            break
        push(chart, window, (BEFORE + number - 1) * SECONDS)
        by: dict[int, set[int]] = {}
        for place in _alarms(chart):
            by.setdefault(place // per, set()).add(place % per)
        for one in by.keys() - found.keys() - loud:
            found[one] = Delay(number, bool(by[one] & changed))
    missed = Delay(None, False)
    return [found.get(one, missed) for one in range(sequences) if one not in loud]


def _alarms(chart: Chart) -> list[int]:
    return [place for place, alarm in enumerate(chart.alarms) if alarm is not None]
