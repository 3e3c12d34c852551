"""The probes, answered by the worker itself: an observer that is down never fails one.

Rule: GET and HEAD of two paths, one answer a connection, nothing else. `/healthz` says that the
worker serves; `/readyz` that it is not draining and that the model server takes connections.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import cast

MAX_HEAD = 8 << 10
"""Bytes."""
TIMEOUT = 5.0
"""Seconds that a probe may take to send its request."""

Answer = tuple[int, dict[str, object]]
Handler = Callable[[], Awaitable[Answer]]
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}


class Health(asyncio.Protocol):
    """One probe's connection."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers
        self._transport: asyncio.Transport
        self._data = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(TIMEOUT, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()

    def eof_received(self) -> bool:
        return self._task is not None

    def data_received(self, data: bytes) -> None:
        if self._task is not None:
            return
        self._data += data
        if b"\r\n\r\n" in self._data or len(self._data) > MAX_HEAD:
            self._task = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> None:
        words = self._data.split(b"\r\n", 1)[0].split(b" ")
        method = words[0]
        status: int
        body: dict[str, object]
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            status, body = 400, {"error": "no HTTP request"}
        elif method not in (b"GET", b"HEAD"):
            status, body = 405, {"error": "only GET and HEAD"}
        else:
            path = words[1].partition(b"?")[0].decode("latin-1")
            handler = self._handlers.get(path)
            if handler is None:
                status, body = 404, {"error": f"try {' or '.join(self._handlers)}"}
            else:
                status, body = await handler()
        text = json.dumps(body).encode() + b"\n"
        head = (
            f"HTTP/1.1 {status} {_PHRASES.get(status, 'Service Unavailable')}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(text)}\r\n"
            "cache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + (b"" if method == b"HEAD" else text))
        self._transport.close()
