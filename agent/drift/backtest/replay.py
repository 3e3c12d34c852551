"""A history through a model's watch: rows in, judged windows out, with the clock of the data.

Rule: nothing is decided here; `traffic.model` counts and judges as it does with traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from agent.drift.reference.derived import CONFIDENCE
from agent.drift.reference.profile import Profile, SideName
from agent.drift.reference.sketch import Floats
from agent.drift.settings import Settings
from agent.drift.traffic.change import Change
from agent.drift.traffic.columns import MAX_UNEXPECTED
from agent.drift.traffic.model import ModelWatch
from agent.drift.vectors.build import coordinates, with_views

SAME = 1e-6
"""Seconds: times closer than this are one. Float seconds since the epoch are off by up to 2e-7."""

Bools = npt.NDArray[np.bool_]


class Judged(NamedTuple):
    """One window. Times are seconds since the epoch, or since the first row without times."""

    began: float
    ended: float
    rows: int
    excess: Floats
    """[column] score / threshold of the strongest test; derived columns after the reference's."""
    changes: list[Change]
    drifting: Bools
    """[column], as in `excess`: an alarm is open."""


class Replay:
    """One model's history. `watch` is where its verdicts stand after each window."""

    def __init__(self, reference: Profile, settings: Settings, *, timed: bool) -> None:
        """`timed`: rows have times; otherwise each window takes `settings.window_seconds`."""
        self.watch = ModelWatch(reference.model, settings, reference, 0.0)
        self._begun = not timed
        self._sides: dict[SideName, list[str]] = {"input": [], "output": []}
        for column in reference.columns:
            if column.name != CONFIDENCE:  # it is computed of others
                self._sides[column.side].append(column.name)
        for vector in reference.vectors:
            self._sides["input" if vector.side == "input" else "output"].append(coordinates(vector))
        self.wanted = {name for names in self._sides.values() for name in names}
        """Names of the reference's columns."""
        self.rows = 0
        self.found: set[str] = set()
        """Those that some batch had."""
        self.absent: set[str] = set()
        """Those that some batch had not."""
        self.unexpected: dict[str, None] = {}
        """Columns that the reference has not, the first MAX_UNEXPECTED."""

    def matches(self, columns: Mapping[str, Any]) -> bool:
        """Whether one of these is in the reference."""
        watched = [*self.watch.inputs.vectors, *self.watch.outputs.vectors]
        numbered = {name for projector in watched for name in projector.columns}
        return not (self.wanted | numbered).isdisjoint(columns)

    def names(self) -> list[tuple[SideName, str]]:
        """Side and name of what `Judged.excess` is of."""
        return [column.key() for column in self.watch.judged]

    def feed(self, columns: Mapping[str, Any], rows: int, times: Floats | None) -> Iterator[Judged]:
        """Counts a batch; gives the windows that ended."""
        watched = [*self.watch.inputs.vectors, *self.watch.outputs.vectors]
        columns = with_views(watched, columns, rows)
        self._match(columns)
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

    def _match(self, columns: Mapping[str, Any]) -> None:
        self.found |= self.wanted & columns.keys()
        self.absent |= self.wanted - columns.keys()
        for name in columns:
            if name not in self.wanted and len(self.unexpected) < MAX_UNEXPECTED:
                self.unexpected[name] = None

    def _until(self, at: int, rows: int, times: Floats | None) -> tuple[int, float | None]:
        """Where the window ends in this batch, and when it did, if it does."""
        window = self.watch.window
        end = at + window.row_limit - window.rows
        over = window.opened + window.seconds
        if times is None:
            return (end, over) if end <= rows else (rows, None)
        if end <= rows and times[end - 1] <= over + SAME:
            return end, float(times[end - 1])
        late = at + int(np.searchsorted(times[at:], over - SAME, side="left"))
        return (late, over) if late < rows else (rows, None)

    def _skip(self, now: float) -> None:
        """Windows in which nothing came are none."""
        window = self.watch.window
        passed = (now + SAME - window.opened) // window.seconds
        window.opened += max(0.0, passed) * window.seconds

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
        if watch.chart is None:
            excess = np.array([column.excess() for column in watch.columns])
        else:
            charts = [watch.chart, *([watch.derived.chart] if watch.derived is not None else [])]
            charts += watch.means.charts if watch.means is not None else []
            excess = np.concatenate([chart.excess() for chart in charts])
        changes, watch.changes = watch.changes, []
        drifting = np.array([column.state == "drift" for column in watch.judged], dtype=bool)
        yield Judged(began, now, rows, excess, changes, drifting)
