"""The observer's end of the bus: frames from the workers, and what is missing between them.

Rule: nothing a connection sends can hurt more than that connection; a frame is finished before
its worker's `done` mark moves, so that what a dying observer had in hand shows as a gap to the
next one and is counted as lost.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from time import monotonic_ns
from typing import cast

from agent.exchange import FRAME, MAX_FRAME, Exchange, decode
from agent.ledger import OBSERVER, Ledger

Handle = Callable[[list[Exchange], int], int]
"""Takes one batch, and how many ns ago its worker handed it over, or its connection began if that
was later, through the pipeline; gives how many of it a fault lost."""

_RECEIVED, _FINISHED = OBSERVER["received"], OBSERVER["finished"]
_FAILED, _LOST = OBSERVER["failed"], OBSERVER["lost"]


class Receiver(asyncio.Protocol):
    """One worker's connection."""

    def __init__(
        self,
        ledger: Ledger,
        handle: Handle,
        known: Callable[[int], bool],
        open_now: set[Receiver] | None = None,
    ) -> None:
        """`open_now` holds it while its connection is open."""
        self._counters = ledger.observer
        self._done = ledger.done
        self._handle = handle
        self._known = known
        self._open_now = set() if open_now is None else open_now
        self._buffer = bytearray()
        self._began = 0
        """What waited for an observer to start is no sign that it cannot keep up."""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._began = monotonic_ns()
        self._open_now.add(self)
        pid = _peer_pid(transport.get_extra_info("socket"))
        if pid is not None and not self._known(pid):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_now.discard(self)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= FRAME.size:
            size, worker, sent_ns = FRAME.unpack_from(buffer, start)
            if size > MAX_FRAME or worker >= len(self._done):
                self._transport.abort()
                return
            end = start + FRAME.size + size
            if len(buffer) < end:
                break
            with memoryview(buffer)[start + FRAME.size : end] as payload:
                self._frame(worker, sent_ns, payload)
            start = end
        del buffer[:start]

    def _frame(self, worker: int, sent_ns: int, payload: memoryview) -> None:
        counters, done = self._counters, self._done
        first, batch = decode(payload)
        behind = first - done[worker]
        if behind > 0:
            counters[_LOST] += behind
        elif behind < 0:  # a dead worker's last frames, read after its successor's first
            counters[_LOST] -= min(len(batch), -behind, counters[_LOST])
        counters[_RECEIVED] += len(batch)
        failed = self._handle(batch, monotonic_ns() - max(sent_ns, self._began))
        counters[_FAILED] += failed
        counters[_FINISHED] += len(batch) - failed
        done[worker] = max(done[worker], first + len(batch))


def _peer_pid(sock: socket.socket | None) -> int | None:
    """Who is at the other end of a Unix connection, or None where the kernel does not tell."""
    if sock is None or not hasattr(socket, "SO_PEERCRED"):
        return None
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(raw[:4], sys.byteorder)
