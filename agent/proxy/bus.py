"""The way from a worker to the observer: batches over a local socket, never waited for.

Rule: `put` always returns at once. What does not fit is dropped whole and counted in the ledger;
the records that were handed over carry sequence numbers, so that the observer can count what is
lost after that.
"""

from __future__ import annotations

import asyncio
import socket
from time import monotonic_ns
from typing import cast

from agent import exchange
from agent.ledger import WORKER, WorkerRegion
from agent.proxy.capture import Budget

BATCH_RECORDS = 256
BATCH_BYTES = 256 << 10
LINGER = 0.1
"""Seconds that the first record of a batch waits for others."""
RETRY_FIRST, RETRY_LAST = 0.05, 1.0
"""Seconds between attempts to connect."""
RECORD_BYTES = 700
"""What a record without bodies is charged to the budget with."""

_OBSERVED, _HANDED = WORKER["observed"], WORKER["handed"]
_FULL, _AWAY = WORKER["dropped_full"], WORKER["dropped_away"]


class _Link(asyncio.Protocol):
    """One connection to the observer; it only tells the bus when it comes and goes."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._bus.connected(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._bus.disconnected(self._transport)

    def resume_writing(self) -> None:
        self._bus.refresh()


class Bus:
    """Collects plain exchanges and sends them as frames."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: str,
        worker: int,
        region: WorkerRegion,
        budget: Budget,
    ) -> None:
        self._loop = loop
        self._address = address
        self._worker = worker
        self._counters = region.counters
        self._budget = budget
        self._batch: list[tuple[object, ...]] = []
        self._batch_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._retry = RETRY_FIRST
        self._closing = False
        self._connecting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Counts what a killed predecessor had made and not handed over, then connects."""
        c = self._counters
        known = c[_HANDED] + c[_FULL] + c[_AWAY] + c[WORKER["dropped_killed"]]
        c[WORKER["dropped_killed"]] += c[_OBSERVED] - known
        self._connect()

    @property
    def away(self) -> bool:
        """No observer is connected."""
        return self._transport is None

    def put(self, record: tuple[object, ...], held: int, heads: int = 0) -> None:
        """Takes a record whose bodies hold `held` bytes of the budget; gives them back later.

        `heads` is about how many bytes its heads have.
        """
        self._counters[_OBSERVED] += 1
        if not self._budget.take(RECORD_BYTES + heads):
            self._counters[_FULL] += 1
            self._budget.give(held)
            return
        self._batch.append(record)
        self._batch_bytes += held + RECORD_BYTES + heads
        if len(self._batch) >= BATCH_RECORDS or self._batch_bytes >= BATCH_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(LINGER, self.flush)

    def flush(self) -> None:
        """Sends the batch as one frame, or drops it and counts."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, size = self._batch, self._batch_bytes
        if not batch:
            return
        self._batch, self._batch_bytes = [], 0
        self._budget.give(size)
        transport = self._transport
        if transport is None:
            self._counters[_AWAY] += len(batch)
            return
        self.refresh()
        if self._budget.used + self._budget.unsent + size > self._budget.limit:
            self._counters[_FULL] += len(batch)
            return
        first = self._counters[_HANDED]
        self._counters[_HANDED] = first + len(batch)
        transport.write(exchange.encode(self._worker, first, monotonic_ns(), batch))
        self.refresh()

    def refresh(self) -> None:
        """Tells the budget what the connection still holds."""
        transport = self._transport
        self._budget.unsent = transport.get_write_buffer_size() if transport else 0

    def connected(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._retry = RETRY_FIRST
        transport.set_write_buffer_limits(high=64 << 10)

    def disconnected(self, transport: asyncio.Transport) -> None:
        if transport is not self._transport:
            return
        self._transport = None
        self.refresh()
        if not self._closing:
            self._connect()

    def _connect(self) -> None:
        if self._connecting is None or self._connecting.done():
            self._connecting = self._loop.create_task(self._keep_connecting())

    async def _keep_connecting(self) -> None:
        while self._transport is None and not self._closing:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.setblocking(False)
            try:
                sock.connect(self._address)
                await self._loop.create_unix_connection(lambda: _Link(self), sock=sock)
            except OSError:
                sock.close()
                await asyncio.sleep(self._retry)
                self._retry = min(self._retry * 2, RETRY_LAST)

    async def close(self, timeout: float) -> None:
        """Sends what is left, waiting at most `timeout` seconds for the socket to take it."""
        self.flush()
        self._closing = True
        deadline = self._loop.time() + timeout
        transport = self._transport
        while transport and transport.get_write_buffer_size() and self._loop.time() < deadline:
            await asyncio.sleep(0.01)
        if transport:
            transport.close()
