"""An open loop: requests are due by a schedule, whether earlier ones were answered or not.

Theory. A generator that waits for an answer before it sends again sends less to who stalls, and
so hides the stall ("coordinated omission"). Here request `n` is due `n / rate` seconds after the
beginning. It goes out then if a connection is free, else as soon as one is, first come first
served; its latency counts from when it was due, so that the wait for a connection is part of it.

One thread, plain sockets and `select`, whose timeout has microseconds where epoll's has
milliseconds. Between events it sleeps: it shares its core with the model server.
"""

from __future__ import annotations

import ctypes
import gc
import math
import re
import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bench.workload import PATH, bodies

PR_SET_TIMERSLACK = 29
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
HEAD = (
    b"POST %s HTTP/1.1\r\nHost: model\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
)
PATIENCE = 30.0
"""Seconds without any answer after which what is in flight has failed."""


@dataclass(frozen=True)
class Answers:
    """Answers with status 200, all others, and the latencies of the former in ms."""

    answered: int
    failed: int
    milliseconds: list[float]


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that at least `share` (0 to 1) of all do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


class _Connection:
    def __init__(self, port: int) -> None:
        self._port = port
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""
        self._size = 0

    def send(self, request: bytes, due: float) -> bool:
        self.due = due
        self._got, self._size = b"", 0
        try:
            self.socket.sendall(request)
        except OSError:
            self._again()
            return False
        return True

    def read(self) -> bool | None:
        """Whether it was answered with 200; None while the answer is not complete."""
        try:
            piece = self.socket.recv(1 << 16)
        except OSError:
            piece = b""
        if not piece:
            self._again()
            return False
        self._got += piece
        return self._got.startswith(b"HTTP/1.1 200") if self._complete() else None

    def _complete(self) -> bool:
        got = self._got
        if not self._size:
            end = got.find(b"\r\n\r\n") + 4
            if end < 4:
                return False
            if found := LENGTH.search(got, 0, end):
                self._size = end + int(found[1])
            elif CHUNKED.search(got, 0, end):
                return got.endswith(b"0\r\n\r\n")
            else:
                self._size = end
        return len(got) >= self._size

    def _again(self) -> None:
        self.socket.close()
        self._open()

    def close(self) -> None:
        self.socket.close()


class _Loop:
    def __init__(self, port: int, connections: int) -> None:
        self._free = deque(_Connection(port) for _ in range(connections))
        self._busy: dict[int, _Connection] = {}
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._latencies: list[float] = []
        self._failed = 0

    def run(self, rate: float, seconds: float) -> Answers:
        requests = _requests()
        total, sent = int(rate * seconds), 0
        began = time.perf_counter()
        while sent < total or self._waiting or self._busy:
            now = time.perf_counter()
            while sent < total and began + sent / rate <= now:
                self._waiting.append((began + sent / rate, requests[sent % len(requests)]))
                sent += 1
            self._send()
            until = began + sent / rate - time.perf_counter() if sent < total else PATIENCE
            if not self._receive(max(0.0, until)) and sent == total and until == PATIENCE:
                break
        self._failed += len(self._busy) + len(self._waiting)
        return Answers(len(self._latencies), self._failed, self._latencies)

    def _send(self) -> None:
        while self._waiting and self._free:
            due, request = self._waiting.popleft()
            connection = self._free.popleft()
            if connection.send(request, due):
                self._busy[connection.socket.fileno()] = connection
            else:
                self._failed += 1
                self._free.append(connection)

    def _receive(self, timeout: float) -> bool:
        readable, _, _ = select.select(list(self._busy), [], [], timeout)
        for descriptor in readable:
            connection = self._busy[descriptor]
            answered = connection.read()
            if answered is None:
                continue
            if answered:
                self._latencies.append((time.perf_counter() - connection.due) * 1e3)
            else:
                self._failed += 1
            del self._busy[descriptor]
            self._free.append(connection)
        return bool(readable)

    def close(self) -> None:
        for connection in (*self._free, *self._busy.values()):
            connection.close()


def _requests() -> list[bytes]:
    path = PATH.encode()
    return [HEAD % (path, len(body)) + b"\r\n" + body for body in bodies()]


def drive(port: int, *, rate: float, seconds: float, connections: int = 16) -> Answers:
    """Send `rate` requests a second to `port` on loopback for `seconds`; wait for the answers."""
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    loop = _Loop(port, connections)
    gc.disable()
    try:
        return loop.run(rate, seconds)
    finally:
        gc.enable()
        loop.close()
