"""A history through a model's watch: rows in, judged windows out, with the clock of the data.

Rule: nothing is decided here; `agent.drift.model` counts and judges as it does with traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from agent.drift.model import Change, ModelWatch
from agent.drift.reference import Profile, SideName
from agent.drift.settings import Settings
from agent.drift.sketch import Floats


class Judged(NamedTuple):
    """One window. Times are seconds since the epoch, or since the first row without times."""

    began: float
    ended: float
    rows: int
    excess: Floats
    """[column] score / threshold of the strongest test."""
    changes: list[Change]


class Replay:
    """One model's history. `watch` is where its verdicts stand after each window."""

    def __init__(self, reference: Profile, settings: Settings, *, timed: bool) -> None:
        """`timed`: rows have times; otherwise each window takes `settings.window_seconds`."""
        self.watch = ModelWatch(reference.model, settings, reference, 0.0)
        self._begun = not timed
        self._sides: dict[SideName, list[str]] = {"input": [], "output": []}
        for column in reference.columns:
            self._sides[column.side].append(column.name)
        self.rows = 0
        self.absent: set[str] = set()
        """Columns of the reference that some batch had not."""

    def feed(self, columns: Mapping[str, Any], rows: int, times: Floats | None) -> Iterator[Judged]:
        """Counts a batch; gives the windows that ended."""
        self.absent |= {name for side in self._sides.values() for name in side} - columns.keys()
        if not self._begun and times is not None and rows:
            self.watch.window.opened = float(times[0])
            self._begun = True
        at = 0
        while at < rows:
            end, ended = self._until(at, rows, times)
            if end > at:
                self._count(columns, at, end)
            at = end
            if ended is not None:
                yield from self._judge(ended)
                if times is not None and at < rows:
                    self._skip(float(times[at]))

    def _until(self, at: int, rows: int, times: Floats | None) -> tuple[int, float | None]:
        """Where the window ends in this batch, and when it did, if it does."""
        window = self.watch.window
        end = at + window.row_limit - window.rows
        over = window.opened + window.seconds
        if times is not None:
            late = at + int(np.searchsorted(times[at:], over, side="left"))
            if late < min(end, rows):
                return late, over
            return (end, float(times[end - 1])) if end <= rows else (rows, None)
        return (end, over) if end <= rows else (rows, None)

    def _skip(self, now: float) -> None:
        """Windows in which nothing came are none."""
        window = self.watch.window
        if now - window.opened >= window.seconds:
            window.opened += (now - window.opened) // window.seconds * window.seconds

    def _count(self, columns: Mapping[str, Any], at: int, end: int) -> None:
        parts = {
            side: {name: columns[name][at:end] for name in names if name in columns}
            for side, names in self._sides.items()
        }
        self.watch.count_rows(end - at, parts)
        self.rows += end - at

    def _judge(self, now: float) -> Iterator[Judged]:
        watch = self.watch
        began, rows = watch.window.opened, watch.window.rows
        watch.judge(now)
        if not rows:
            return
        chart = watch.chart
        if chart is not None:
            excess = chart.excess()
        else:
            excess = np.array([column.excess() for column in watch.columns])
        changes, watch.changes = watch.changes, []
        yield Judged(began, now, rows, excess, changes)
