"""All models' answers: what is silently wrong with them, and how sure they are.

Rule: adding is an append; rows are looked at in batches, when BATCH_CELLS have come or a second has
passed. Bounded: models and versions beyond MAX_WATCHED are left and counted; one that was not seen
for IDLE seconds gives its place to another.

Not thread-safe: one loop adds, ticks and asks.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from agent.decode.payload import Payload
from agent.quality.batch import count_requests
from agent.quality.findings import News
from agent.quality.watch import Alike, Watch

BATCH_CELLS = 1 << 16
"""Buffered values, at most about this and one payload."""
PAYLOAD_CELLS = 60
"""That a payload itself is counted as: about a thousand small ones are a batch."""
MAX_WATCHED = 64
IDLE = 3600.0


class Quality:
    """Of all models that pass by."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock`: seconds since the epoch."""
        self.watched: dict[tuple[str, str], Watch] = {}
        self.requests_left = 0
        """Of models beyond the bounds."""
        self._clock = clock
        self._buffer: list[Payload] = []
        self._cells = 0
        self._news: list[News] = []
        self._fault: Exception | None = None

    def add(self, payload: Payload) -> None:
        """Takes the rows of a payload; never an exception."""
        self._buffer.append(payload)
        cells = payload.rows * len(payload.inputs) + payload.output_rows * len(payload.outputs)
        self._cells += PAYLOAD_CELLS + cells
        if self._cells >= BATCH_CELLS:
            try:
                self.examine()
            except Exception as fault:
                self._fault = fault

    def tick(self) -> None:
        """Looks at what is buffered, and at what is over; call it each second.

        Raises the fault of ours, if one was met since the last call.
        """
        self.examine()
        now = self._clock()
        for watch in self.watched.values():
            self._news += watch.tally.look(now)
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault

    def examine(self) -> None:
        """Looks at what is buffered."""
        buffer, self._buffer = self._buffer, []
        self._cells = 0
        now = self._clock()
        models: defaultdict[tuple[str, str], list[Alike]] = defaultdict(list)
        for (model, version, failure, *names), payloads in _alike(buffer):
            models[model, version].append(Alike(failure, tuple(names), payloads))
        for name, alike in models.items():
            watch = self.watched.get(name) or self._admit(name, now)
            if watch is None:
                self.requests_left += sum(count_requests(one.payloads) for one in alike)
            else:
                self._news += watch.examine(alike, now)

    def _admit(self, name: tuple[str, str], now: float) -> Watch | None:
        if len(self.watched) >= MAX_WATCHED:
            oldest = min(self.watched, key=lambda known: self.watched[known].came)
            if now - self.watched[oldest].came < IDLE:
                return None
            del self.watched[oldest]
        watch = self.watched[name] = Watch(*name)
        return watch

    def take_news(self) -> list[News]:
        """What began and what is over since the last call."""
        news, self._news = self._news, []
        return news

    def status(self) -> dict[str, Any]:
        """For `/api/v1/status`: findings, those that are so now first; kinds of predictions."""
        found = [state for watch in self.watched.values() for state in watch.tally.status()]
        return {
            "findings": sorted(found, key=lambda state: not state["active"]),
            "requests": sum(watch.tally.requests for watch in self.watched.values()),
            "requests_left": self.requests_left,
            "predictions": [kind for watch in self.watched.values() for kind in _kinds(watch)],
        }


def _alike(buffer: list[Payload]) -> Iterable[tuple[tuple[str, ...], list[Payload]]]:
    """Payloads of one model, version, failure and of the same outputs together, by these."""
    kinds = [(p.model, p.version, p.failure, *p.outputs) for p in buffer]
    if not kinds:
        return ()
    if kinds.count(kinds[0]) == len(kinds):
        return ((kinds[0], buffer),)
    groups: defaultdict[tuple[str, ...], list[Payload]] = defaultdict(list)
    for kind, payload in zip(kinds, buffer, strict=True):
        groups[kind].append(payload)
    return groups.items()


def _kinds(watch: Watch) -> list[dict[str, Any]]:
    """The groups of outputs that are known to be probabilities or scores."""
    name = {"model": watch.tally.model}
    if watch.tally.version:
        name["version"] = watch.tally.version
    return [
        {**name, "output": group.name, "kind": group.kind, "outputs": len(group.members)}
        for layout in watch.layouts.values()
        for group in layout.groups or ()
        if group.kind
    ]
