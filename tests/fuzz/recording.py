"""An origin that keeps every byte it gets, and clients that throw bytes and ask canaries.

Rule: all on one event loop, many connections at once. The origin answers what llhttp calls a whole
request with that request's own id, so that an answer which reaches the wrong client shows.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import httptools
import uvloop

from tests.wire import DEADLINE

ANSWER = b"HTTP/1.1 200 OK\r\nX-Origin: yes\r\nX-Method: %b\r\nContent-Length: %d\r\n\r\n%b"
CANARY = b"GET /canary HTTP/1.1\r\nHost: canary.test\r\nX-Request-Id: %b\r\n\r\n"


class Recorded(asyncio.Protocol):
    """One connection of the origin."""

    def __init__(self, origin: Recording) -> None:
        self.received = bytearray()
        self._origin = origin
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._id = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._origin.open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._origin.open.discard(self)
        self._origin.records.append(bytes(self.received))

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self.received += data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._begin()
        except httptools.HttpParserError:
            self._transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-request-id":
            self._id = value

    def on_message_complete(self) -> None:
        method, name = self._parser.get_method(), self._id
        body = b"" if method == b"HEAD" else name
        self._transport.write(ANSWER % (method, len(name), body))
        self._origin.answered += 1


class Recording:
    """The origin: what each connection got, once it is closed."""

    def __init__(self) -> None:
        self.open: set[Recorded] = set()
        self.records: list[bytes] = []
        self.answered = 0

    def take(self) -> list[bytes]:
        """What was recorded since the last time; the connections still open are ended for it."""
        for connection in self.open:
            self.records.append(bytes(connection.received))
            connection.received.clear()
        records, self.records = self.records, []
        return [record for record in records if record]


def bound() -> socket.socket:
    """A listening socket, so that its port is known before the loop runs."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    return listener


class Shot(asyncio.Protocol):
    """A client that sends its pieces, ends its side, and takes all that comes back."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.received = bytearray()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pieces = pieces

    def connection_made(self, transport: asyncio.Transport) -> None:
        for piece in self._pieces:
            transport.write(piece)
        transport.write_eof()

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result("reset" if error else "eof")


async def shoot(address: tuple[str, int], data: bytes) -> tuple[bytes, str]:
    """What a client gets for these bytes, and how its connection ended."""
    loop = asyncio.get_running_loop()
    transport, shot = await loop.create_connection(lambda: Shot([data]), *address)
    try:
        ended = await asyncio.wait_for(shot.ended, DEADLINE)
        return bytes(shot.received), ended
    finally:
        transport.abort()


class Canary(asyncio.Protocol):
    """A kept connection with ordinary requests, one at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[bytes]
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        if end and len(body) >= int(length or 0) and not self._answer.done():
            self._answer.set_result(self._received)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(AssertionError(f"the canary's connection ended: {error}"))

    def ask(self, name: bytes) -> Awaitable[bytes]:
        """The whole answer to a canary of that name."""
        self._received = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(CANARY % name)
        return asyncio.wait_for(self._answer, DEADLINE)

    def close(self) -> None:
        self._answer = asyncio.get_running_loop().create_future()
        self._answer.cancel()
        self._transport.close()


def run(
    listener: socket.socket,
    connection: Callable[[], asyncio.Protocol],
    work: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Runs `work` while `connection` serves on the listener; both on one loop."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(connection, sock=listener.dup())
        try:
            await work()
        finally:
            server.close()

    uvloop.run(main())
