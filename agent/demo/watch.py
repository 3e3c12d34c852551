"""What the sidecar says of itself: `/metrics`, `/api/v1/drift` and the last line of its log.

Rule: the demo learns nothing by another way than its users' tools could.
"""

from __future__ import annotations

import collections
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp

from agent.demo.histogram import percentile, since
from agent.demo.processes import tail
from agent.demo.readings import Signals, Snapshot, moves, parse

RECENT = 5.0
"""Seconds over which rates and percentiles are taken."""
ANSWER = 5.0
"""Seconds that the admin port may take to answer."""


class Watch:
    """Reads the admin port again and again and keeps the last seconds of it."""

    def __init__(self, session: aiohttp.ClientSession, admin: str) -> None:
        self._session = session
        self._admin = admin
        self._history: collections.deque[Snapshot] = collections.deque()

    async def poll(self, now: float) -> Snapshot:
        """Read both once.

        Raises aiohttp.ClientError, TimeoutError, ValueError, KeyError or TypeError if one does
        not answer, or not as it should.
        """
        async with self._get("/api/v1/drift") as response:
            moved = moves(await response.json())
        async with self._get("/metrics") as response:
            snapshot = parse(await response.text(), now, moved)
        self._history.append(snapshot)
        while len(self._history) > 2 and self._history[1].at <= now - RECENT:
            self._history.popleft()
        return snapshot

    def _get(self, path: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._session.get(
            self._admin + path, raise_for_status=True, timeout=aiohttp.ClientTimeout(ANSWER)
        )

    def signals(self) -> Signals:
        """Of the snapshots kept; there must be one."""
        first, last = self._history[0], self._history[-1]
        recent = since(last.duration, first.duration) if first is not last else last.duration
        overhead = since(last.overhead, first.overhead) if first is not last else last.overhead
        seconds = last.at - first.at
        return Signals(
            requests=last.duration.total,
            errors=last.errors,
            rate=recent.total / seconds if seconds > 0 else 0.0,
            p50=percentile(recent, 0.5),
            p90=percentile(recent, 0.9),
            p99=percentile(recent, 0.99),
            overhead=percentile(overhead, 0.5),
        )


def last_record(log: Path) -> dict[str, object] | None:
    """The last request that the sidecar logged, or None."""
    for line in reversed(tail(log, 10)):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "http.response.status_code" in record:
            return record
    return None
