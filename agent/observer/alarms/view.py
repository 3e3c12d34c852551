"""What alerts are judged by, read of the observer's parts as plain data.

Rule: reads and translates; what is an alarm is `agent.alerts`'s. Names pass the redactor: they may
come from a reference that has never seen it. A column is read anew only when a window was judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache

from agent.alerts.view import Column, Confidence, Silent, Sink, Unseen, View
from agent.drift.engine.layout import percent
from agent.drift.engine.verdict import Verdict
from agent.drift.monitor import Monitor
from agent.drift.reference.sketch import MISSING, Ints
from agent.drift.traffic.columns import WatchedColumn
from agent.drift.traffic.model import ModelWatch
from agent.history.recorder import STEPS, Recorder
from agent.ledger import OBSERVER, Ledger
from agent.observer.redact import Redactor
from agent.quality.findings import BY_NAME
from agent.quality.monitor import Quality
from agent.settings.alerting import Slo
from agent.ship.sender import DROPPED_FULL, FAILED, REJECTED, SENT, Status

SHED = ("", "sketches", "payload logs", "logs", "spans")
LOST = (REJECTED, DROPPED_FULL, FAILED)
Known = tuple[Ints, str, bool, Column]
"""What a column was made of, and the column."""


class Viewer:
    """Makes a `View` of the moment."""

    def __init__(
        self,
        slo: Slo,
        ledger: Ledger,
        recorder: Recorder,
        monitor: Monitor,
        quality: Quality,
        sinks: Callable[[], Iterable[Status]],
        redactor: Redactor,
    ) -> None:
        self._slo, self._ledger, self._recorder = slo, ledger, recorder
        self._monitor, self._quality, self._sinks = monitor, quality, sinks
        self._redactor = redactor
        self._known: dict[tuple[str, ...], Known] = {}

    def __call__(self, now: float) -> View:
        """`now`: seconds since the epoch."""
        shed = self._ledger.observer[OBSERVER["shed"]]
        return View(
            now=now,
            window=cache(self._recorder.window),
            minutes=self._minutes,
            availability=float(self._slo.availability),
            latency=float(self._slo.latency),
            columns=self._columns(),
            silent=[*self._silent()],
            confidences=[*self._confidences()],
            unseen=[*self._unseen()],
            sinks=[_sink(one, now) for one in self._sinks()],
            shed=SHED[min(shed, len(SHED) - 1)],
            observed=self._ledger.counter("observed"),
        )

    def _minutes(self) -> list[int | None]:
        span = self._recorder.span(STEPS)
        counts = span.rows[:, self._recorder.reader.durations_at].sum(axis=1).tolist()
        known = (span.seconds > 0).tolist()
        return [count if is_known else None for count, is_known in zip(counts, known, strict=True)]

    def _named(self, model: str, version: str) -> tuple[str, str]:
        return self._redactor.title(model), self._redactor.title(version)

    def _columns(self) -> list[Column]:
        known: dict[tuple[str, ...], Known] = {}
        for model in self._monitor.models.values():
            for column in model.judged:
                if column.evaluated is None:
                    continue
                profile, is_muted = column.base.column, model.is_muted(column)
                key = (model.name, model.version, profile.side, profile.name)
                before = self._known.get(key)
                known[key] = (
                    before
                    if before is not None
                    and before[0] is column.last
                    and before[1:3] == (column.state, is_muted)
                    else (
                        column.last,
                        column.state,
                        is_muted,
                        self._column(model, column, is_muted),
                    )
                )
        self._known = known
        return [found[3] for found in known.values()]

    def _column(self, model: ModelWatch, column: WatchedColumn, is_muted: bool) -> Column:
        profile, base = column.base.column, column.base
        drifts = column.state == "drift" and not is_muted
        rows = 0 if column.is_derived else int(column.last.sum())
        verdict = column.verdict if drifts else None
        return Column(
            *self._named(model.name, model.version),
            profile.side,
            self._redactor.name(profile.name),
            drifts,
            is_muted,
            self._redactor.name(_how(verdict)) if verdict is not None else "",
            column.excess() if drifts else 0.0,
            rows,
            int(column.last[MISSING]) / max(1, rows),
            int(base.counts[MISSING]) / max(1, base.rows),
            base.rows,
        )

    def _silent(self) -> Iterator[Silent]:
        for watch in self._quality.watched.values():
            tally = watch.tally
            named = self._named(tally.model, tally.version)
            for name, state in tally.states.items():
                kind, where = BY_NAME[name], self._redactor.name(state.where)
                is_active, total = state.since is not None, state.total
                told = kind.means, kind.do, where, state.example
                yield Silent(*named, name, is_active, total, tally.requests, *told)

    def _confidences(self) -> Iterator[Confidence]:
        for watch in self._quality.watched.values():
            named = self._named(watch.tally.model, watch.tally.version)
            for layout in watch.layouts.values():
                for output, histograms in layout.histograms.items():
                    found = histograms.of.get("confidence")
                    if found is not None:
                        name, rows = self._redactor.name(output), int(found.counts.sum())
                        yield Confidence(*named, name, rows, found.sum)

    def _unseen(self) -> Iterator[Unseen]:
        for model in self._monitor.models.values():
            if model.unseen.by_reason:
                why = model.unseen.by_reason.most_common(1)[0][0]
                named = self._named(model.name, model.version)
                yield Unseen(*named, model.unseen.share(), why)


def _sink(status: Status, now: float) -> Sink:
    waited = 0.0 if status.oldest_ns is None else now - status.oldest_ns / 1e9
    lost = sum(status.outcomes[why] for why in LOST)
    return Sink(status.name, status.away, waited, lost, lost + status.outcomes[SENT])


def _how(verdict: Verdict) -> str:
    """What moved, which way, how far."""
    share = verdict.share
    words = [f"Its {verdict.test} has moved"]
    if share is not None:
        words = [
            f"Rows with {share.bin}: {percent(share.now)} instead of {percent(share.reference)}"
        ]
    elif verdict.effect is not None:
        way = f"{verdict.direction} " if verdict.direction else ""
        words.append(f"{way}by {verdict.effect:.3g} standard deviations of the reference")
    if verdict.score is not None and verdict.threshold is not None:
        words.append(f"score {verdict.score:.3g}, threshold {verdict.threshold:.3g}")
    return f"{', '.join(words)}, over {verdict.rows:,} rows"
