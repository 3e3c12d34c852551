"""What the last day's history is made of beside the traffic: columns, and what happened.

Rule: reads the parts each `recorder.LOOK` seconds and writes to `agent.history`; judges nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from agent import __version__
from agent.drift.engine.chart import Chart
from agent.drift.monitor import Monitor
from agent.drift.reference.name import Name
from agent.drift.reference.sketch import MISSING
from agent.drift.traffic.columns import WatchedColumn
from agent.drift.traffic.model import ModelWatch
from agent.drift.traffic.stale import is_stale
from agent.history import page
from agent.history.columns import Columns, Key, Seen
from agent.history.events import Events, Kind
from agent.history.recorder import FINE, LOOK, STEPS, Recorder, Span
from agent.history.routes import Routes
from agent.ledger import Ledger
from agent.observer.keeping import day_file
from agent.observer.keeping.day_file import SavedDay
from agent.observer.redact import Redactor
from agent.observer.telling.changes import Line

MANY = 1000
"""Columns beyond which they are read once a step, not at each look."""


class Day:
    """See the module."""

    def __init__(
        self, ledger: Ledger, recorder: Recorder, monitor: Monitor, redactor: Redactor
    ) -> None:
        self.recorder = recorder
        self.routes = Routes(ledger, recorder.reader.is_new())
        self.columns = Columns()
        self.fine_columns = Columns(FINE)
        self.events = Events()
        self._ledger = ledger
        self._monitor = monitor
        self._redactor = redactor
        self._restarts = self._counted()
        self._references: dict[tuple[str, str], str] = {}
        """The hash of each version's reference; empty without one."""

    def look(self) -> bool:
        """Takes what is new, if it is time, and says whether it was; call it each second."""
        if not self.recorder.look():
            return False
        self.routes.look()
        self._take_columns()
        self._note_restarts()
        self._note_versions()
        return True

    def tell(self, lines: Iterable[Line]) -> None:
        """Alarms and findings that begin or end, as the log has them."""
        for line in lines:
            if line.is_drift:
                self.note("finding" if "finding" in line.fields else "drift", line.message)

    def history(self, steps: int = STEPS, columns: int = 50) -> dict[str, Any]:
        """See `agent.history.page`."""
        return self._page(self.recorder.span(steps), self.columns, columns)

    def fine(self, columns: int = 50) -> dict[str, Any]:
        """The same of the last ten minutes, in steps of `recorder.LOOK` seconds."""
        return self._page(self.recorder.fine(), self.fine_columns, columns)

    def _page(self, span: Span, of: Columns, most: int) -> dict[str, Any]:
        found = page.history(self.recorder.reader, span, of, self.events, most)
        for column in found["drift"]:
            column["name"] = self._redactor.name(column["name"])
        return found

    # ---- going on

    def saved(self) -> SavedDay:
        """For `resume`, now or in another process."""
        known = [(*name, hashed) for name, hashed in self._references.items()]
        return SavedDay(
            day_file.of_traffic(self.recorder.kept()),
            day_file.of_columns(self.columns),
            self.events.since(0)[::-1],
            self._restarts,
            known,
        )

    def resume(self, saved: SavedDay) -> None:
        """Goes on from what was kept; call it before the first look. Raises ValueError."""
        columns = day_file.to_columns(saved.columns)
        kept = day_file.to_traffic(saved.traffic)
        self.recorder.resume(kept)
        self.columns = columns
        self.events.resume(saved.events)
        self._references = {(model, version): hashed for model, version, hashed in saved.references}
        if self.recorder.is_same(kept):
            self._restarts |= saved.restarts
        else:
            self.note("restart", f"outrider {__version__} was started")

    # ---- columns

    def _take_columns(self) -> None:
        step = self.recorder.head
        models = [*self._monitor.models.values()]
        is_many = sum(len(model.columns) for model in models) > MANY
        if step != self.columns.head or not is_many:
            now = self._monitor.now()
            found = [seen for model in models for seen in _seen(model, now)]
            self.columns.take(step, found)
            self.fine_columns.take(int(self.recorder.read_at // LOOK), found)

    # ---- events

    def _counted(self) -> dict[str, int]:
        ledger = self._ledger
        return {
            "worker": ledger.counter("restarts"),
            "observer": ledger.observer_counter("restarts"),
        }

    def _note_restarts(self) -> None:
        counted = self._counted()
        for role, count in counted.items():
            more = count - self._restarts[role]
            if more > 0:
                times = "once" if more == 1 else f"{more} times"
                self.note("restart", f"the {role} ended and was started again {times}")
        self._restarts = counted

    def _note_versions(self) -> None:
        known, found = self._references, {}
        for name, model in self._monitor.models.items():
            reference = model.reference
            found[name] = reference.short_hash if reference is not None else ""
            if name not in known:
                self.note("version", f"{Name(*name).told()} is seen in the traffic")
            if reference is not None and found[name] != known.get(name):
                how = f"{reference.short_hash}, {reference.rows} rows, {model.source}"
                self.note("reference", f"{Name(*name).told()} is judged by a reference ({how})")
        self._references = found

    def note(self, kind: Kind, text: str) -> None:
        """Something that happened just now."""
        self.events.add(self._monitor.now(), kind, self._redactor.name(text))


def _seen(model: ModelWatch, now: float) -> Iterator[Seen]:
    """All of a model's columns, derived ones too, with what is known of each."""
    seconds = model.settings.window_seconds
    for chart, columns in _charted(model):
        ratios = _ratios(chart, columns)
        for column, ratio in zip(columns, ratios, strict=True):
            profile = column.base.column
            key = Key(model.name, model.version, profile.side, profile.name)
            if is_stale(column, seconds, now):
                yield Seen(key, math.nan, math.nan)
            else:
                rows = int(column.last.sum())
                missing = int(column.last[MISSING]) / rows if rows else math.nan
                yield Seen(key, ratio, missing)


def _charted(model: ModelWatch) -> Iterator[tuple[Chart | None, list[WatchedColumn]]]:
    yield model.chart, model.columns
    if model.derived is not None:
        yield model.derived.chart, model.derived.columns
    if model.means is not None:
        for chart, column in zip(model.means.charts, model.means.columns, strict=True):
            yield chart, [column]


def _ratios(chart: Chart | None, columns: list[WatchedColumn]) -> list[float]:
    """NaN where nothing is known yet. Of the charts themselves: a verdict for people is put
    together only when one asks, and costs a hundred times as much."""
    if chart is None:
        return [column.excess() if column.verdict is not None else math.nan for column in columns]
    is_known = chart.known & chart.questions.judged
    return np.where(is_known, chart.excess(), math.nan).tolist()  # type: ignore[no-any-return]
