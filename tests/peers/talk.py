"""One conversation through a proxy, seen from both of its ends.

Rule: one thread plays client and origin, so that every order of events is the order of its lines.
What the origin received is kept raw, and read strictly: a request that it cannot read counts as
malformed and ends its connection.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.wire import IncompleteError, MalformedError, Message, Stream, response

QUIET = 0.25
"""Seconds of silence at both ends after which nothing more is expected."""


class Kept(Stream):
    """A stream of bytes that came before; there will be no more."""

    def __init__(self, data: bytes) -> None:
        self.received, self.ended, self._at = bytearray(data), "eof", 0

    @property
    def at(self) -> int:
        return self._at


def read_requests(data: bytes) -> tuple[list[Message], bytes]:
    """The whole requests of which `data` consists, and the bytes of what is not whole.

    Raises MalformedError where something is no request.
    """
    stream, found, end = Kept(data), [], 0
    with suppress(IncompleteError):
        while True:
            found.append(stream.request())
            end = stream.at
    return found, data[end:]


def read_responses(data: bytes, methods: list[bytes]) -> tuple[list[Message], bytes]:
    """The whole responses to requests of these methods, and what is not whole or not valid."""
    stream, found, end = Kept(data), [], 0
    with suppress(IncompleteError, MalformedError, ValueError):
        for method in methods:
            found.append(stream.response(method))
            end = stream.at
    return found, data[end:]


@dataclass
class Talk:
    """What was seen of a conversation."""

    seen: list[Message] = field(default_factory=list)
    """The requests that the origin got, in order."""
    malformed: bytes = b""
    """What it got that is none."""
    unfinished: bytes = b""
    """What it got of a request that did not become whole."""
    got: bytes = b""
    """What the client got."""
    ended: str = ""
    """How the client's connection ended: `eof`, `reset`, or not."""

    def statuses(self) -> list[int]:
        """Final statuses that the client got, as far as its bytes can be read."""
        found, rest = read_responses(self.got, [b"GET"] * 99)
        whole = [one.status for one in found]
        if not whole and rest.startswith(b"HTTP/1."):
            whole = [int(rest[9:12])]
        return whole


class Origin:
    """A listener whose connections are served by the conversation that is going on."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.streams: dict[socket.socket, bytes] = {}
        """Open connections, and what came on each that was not answered yet."""
        self.closes = False
        """Whether a connection is ended behind its first answer."""

    def accept(self) -> None:
        sock, _ = self.listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.streams[sock] = b""

    def forget_strays(self) -> None:
        """Ends the connections with something left from the conversation before."""
        while select.select([self.listener], [], [], 0)[0]:
            self.accept()
        for sock in select.select([*self.streams], [], [], 0)[0]:
            self.drop(sock)

    def begun(self, quiet: float) -> tuple[socket.socket, bytes] | None:
        """A connection on which more has come behind a whole head, and its bytes; None: silence."""
        while ready := select.select([self.listener, *self.streams], [], [], quiet)[0]:
            if self.listener in ready:
                self.accept()
            for sock in [s for s in ready if s in self.streams]:
                data = sock.recv(1 << 16)
                if not data:
                    self.drop(sock)
                    continue
                self.streams[sock] += data
                if b"\r\n\r\n" in self.streams[sock]:
                    return sock, self.streams[sock]
        return None

    def drop(self, sock: socket.socket) -> None:
        del self.streams[sock]
        sock.close()

    def close(self) -> None:
        self.listener.close()
        for sock in [*self.streams]:
            self.drop(sock)

    def __enter__(self) -> Origin:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


Answering = Callable[[Message], bytes]


def ok(_: Message) -> bytes:
    return response(b"ok")


def talk(
    address: tuple[str, int],
    origin: Origin,
    sent: bytes,
    answer: Answering = ok,
    done: Callable[[Talk], bool] = lambda _: False,
    quiet: float = QUIET,
) -> Talk:
    """Sends the bytes and answers what comes of them, until the end, silence or `done`."""
    told = Talk()
    origin.forget_strays()
    with socket.create_connection(address, timeout=5) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        left = sent
        while not told.ended and not done(told):
            readable = [client, origin.listener, *origin.streams]
            ready, writable, _ = select.select(readable, [client] if left else [], [], quiet)
            if not ready and not writable:
                break
            if origin.listener in ready:
                origin.accept()
            for sock in [s for s in ready if s in origin.streams]:
                _serve(told, origin, sock, answer)
            if client in ready:
                _listen(told, client)
            if writable and not told.ended:
                left = left[_write(client, left) :]
    told.unfinished += b"".join(origin.streams.values())
    for sock in [sock for sock, data in origin.streams.items() if data]:
        origin.drop(sock)
    return told


def _write(client: socket.socket, data: bytes) -> int:
    try:
        return client.send(data[: 1 << 16])
    except OSError:
        return len(data)


def _listen(told: Talk, client: socket.socket) -> None:
    try:
        data = client.recv(1 << 16)
    except OSError:
        told.ended = "reset"
        return
    told.got += data
    told.ended = "" if data else "eof"


def _serve(told: Talk, origin: Origin, sock: socket.socket, answer: Answering) -> None:
    try:
        data = sock.recv(1 << 16)
    except OSError:
        data = b""
    if not data:
        told.unfinished += origin.streams[sock]
        origin.drop(sock)
        return
    whole = origin.streams[sock] + data
    try:
        found, origin.streams[sock] = read_requests(whole)
    except MalformedError:
        told.malformed = whole
        origin.drop(sock)
        return
    for one in found:
        told.seen.append(one)
        data = answer(one)
        with suppress(OSError):
            sock.sendall(data)
        if origin.closes or b"\r\nConnection: close\r\n" in data:
            origin.drop(sock)
            return
