"""A model server for what nginx cannot play: large bodies and event streams.

`POST /upload` answers with the number of body bytes it read; `GET /bytes/N` sends N bytes;
`GET /events/SECONDS` is a stream of one server-sent event every `SECONDS`, without end;
`GET /events/SECONDS/COUNT` ends after so many. Started as `python -m bench.model PORT`.
"""

from __future__ import annotations

import asyncio
import math
import sys
from typing import cast

import httptools
import uvloop

PIECE = bytes(256 << 10)
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":" token"}}]}\n\n'


class Model(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._writable = asyncio.Event()
        self._writable.set()
        self._sending: asyncio.Task[None] | None = None
        self._url = b""
        self._read = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's."""
        if self._sending:
            self._sending.cancel()

    def pause_writing(self) -> None:
        """asyncio's."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """asyncio's."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """asyncio's."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """httptools'."""
        self._url, self._read = b"", 0

    def on_url(self, url: bytes) -> None:
        """httptools'."""
        self._url += url

    def on_body(self, body: bytes) -> None:
        """httptools'."""
        self._read += len(body)

    def on_message_complete(self) -> None:
        """httptools'."""
        _, kind, *rest = self._url.split(b"/")
        if kind == b"bytes":
            self._sending = asyncio.create_task(self._send_bytes(int(rest[0])))
        elif kind == b"events":
            self._sending = asyncio.create_task(
                self._send_events(float(rest[0]), *map(int, rest[1:]))
            )
        else:
            text = b"%d" % self._read
            self._head(b"text/plain", b"content-length: %d" % len(text))
            self._transport.write(text)

    def _head(self, kind: bytes, framing: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n%s\r\n\r\n"
        self._transport.write(head % (kind, framing))

    async def _send_bytes(self, size: int) -> None:
        self._head(b"application/octet-stream", b"content-length: %d" % size)
        while size:
            await self._writable.wait()
            piece = PIECE if size >= len(PIECE) else PIECE[:size]
            self._transport.write(piece)
            size -= len(piece)

    async def _send_events(self, seconds: float, count: float = math.inf) -> None:
        self._head(b"text/event-stream", b"transfer-encoding: chunked")
        while count:
            self._transport.write(b"%x\r\n%s\r\n" % (len(EVENT), EVENT))
            count -= 1
            await asyncio.sleep(seconds)
        self._transport.write(b"0\r\n\r\n")


async def serve(port: int) -> None:
    """Serve until ended."""
    server = await asyncio.get_running_loop().create_server(Model, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
