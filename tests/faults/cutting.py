"""Connections that end after so many bytes, many at a time, in the test's own event loop.

Rule: what a client may take for a whole answer is what a strict parser (h11) and a common one
(the standard library's) take for one.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import h11

from tests.wire import DEADLINE

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Got(NamedTuple):
    """What came on a connection, and whether it ended by a reset."""

    data: bytes
    reset: bool


@asynccontextmanager
async def serving(listener: socket.socket, handler: Handler) -> AsyncIterator[None]:
    """Accepts on a socket that somebody else owns; gives each connection to the handler."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.close()

    async with await asyncio.start_server(handle, sock=listener.dup()):
        yield


def end(writer: asyncio.StreamWriter, how: str) -> None:
    """`close` for an end of the connection, `reset` for an abrupt one."""
    if how == "reset":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


async def exchange(
    address: tuple[str, int], sent: bytes, tls: ssl.SSLContext | None = None, how: str = ""
) -> Got:
    """Sends, ends its side if told how, and reads to the end of the connection."""
    name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection(*address, ssl=tls, server_hostname=name)
    data, reset = b"", False
    try:
        writer.write(sent)
        await writer.drain()
        if how:
            end(writer, how)
            return Got(b"", False)
        async with asyncio.timeout(DEADLINE):
            while piece := await reader.read(1 << 16):
                data += piece
    except (ConnectionError, ssl.SSLError):
        reset = True
    finally:
        writer.close()
    return Got(data, reset)


async def together(jobs: Iterable[Awaitable[None]], at_once: int = 48) -> None:
    """All of them, so many at a time; the first fault ends it."""
    room = asyncio.Semaphore(at_once)

    async def one(job: Awaitable[None]) -> None:
        async with room:
            await job

    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(one(job))


def strictly(got: Got) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool]:
    """Status (0: none), fields, body as far as it came, and whether h11 takes it for whole."""
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="POST", target="/", headers=[("Host", "a")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(got.data)
    status, fields, body = 0, [], b""
    ended = got.reset
    while True:
        try:
            event = parser.next_event()
        except h11.RemoteProtocolError:
            return status, fields, body, False
        if isinstance(event, h11.Response):
            status, fields = event.status_code, list(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return status, fields, body, True
        elif ended:
            return status, fields, body, False
        else:
            parser.receive_data(b"")
            ended = True


class _Read:
    """As much of a socket as http.client asks for."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._data)


def commonly(got: Got) -> bool:
    """Whether the standard library's client takes it for a whole answer."""
    answer = http.client.HTTPResponse(_Read(got.data))  # type: ignore[arg-type]
    try:
        answer.begin()
        answer.read()
    except (http.client.HTTPException, OSError, ValueError):
        return False
    return not (got.reset and answer.length is None and not answer.chunked)
