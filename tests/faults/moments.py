"""A client and the model server in the middle of one request: the moments at which one may leave.

Rule: each gives the model server's end of the connection, once the moment is surely there.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from contextlib import suppress

from tests.origin import RawOrigin
from tests.wire import Stream, chunked, request

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
HUGE = 1 << 30
QUIET = 0.1
"""Seconds in which a socket takes nothing after which its way is taken for full."""

Moment = Callable[[Stream, RawOrigin, bytes], Stream]


def uploading(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    client.send(request(b"POST", target, b"Content-Length: 10"), b"half")
    stream = origin.take()
    stream.head()
    stream.exactly(4)
    return stream


def between_chunks(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    client.send(request(b"POST", target, b"Transfer-Encoding: chunked"), chunked(b"x" * 9)[:-5])
    stream = origin.take()
    stream.head()
    stream.chunk()
    return stream


def waiting(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    client.send(request(b"POST", target, body=b"whole"))
    stream = origin.take()
    stream.request()
    return stream


def half_a_head(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    """The response's head has begun: nothing of it went to the client."""
    stream = waiting(client, origin, target)
    stream.send(EVENTS[:30])
    return stream


def before_the_first_event(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    stream = waiting(client, origin, target)
    stream.send(EVENTS)
    client.head()
    return stream


def between_events(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    stream = before_the_first_event(client, origin, target)
    stream.send(chunked(b"data: 1\n\n")[:-5])
    client.chunk()
    return stream


def both_ways(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    """The answer has begun, and the request has not ended."""
    stream = between_chunks(client, origin, target)
    stream.send(EVENTS, chunked(b"data: 1\n\n")[:-5])
    client.head()
    client.chunk()
    return stream


def pipelining(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    """More waits behind the request than is read ahead."""
    stream = waiting(client, origin, target)
    client.send(request(b"POST", target + b"/next", body=bytes(200_000)))
    return stream


def not_read(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    """The client takes nothing more of a large answer."""
    stream = waiting(client, origin, target)
    stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE)
    client.head()
    fill(stream.sock)
    return stream


def not_taken(client: Stream, origin: RawOrigin, target: bytes) -> Stream:
    """The model server takes nothing more of a large request: its client is not read either."""
    client.send(request(b"POST", target, b"Content-Length: %d" % HUGE))
    stream = origin.take()
    stream.head()
    fill(client.sock)
    return stream


QUICK: list[Moment] = [
    uploading,
    between_chunks,
    waiting,
    half_a_head,
    before_the_first_event,
    between_events,
    both_ways,
    pipelining,
]
FULL: list[Moment] = [not_read, not_taken]
"""Moments that take a few megabytes to come to."""
INSIDE_THE_REQUEST = (uploading, between_chunks, both_ways, not_taken)


def fill(sock: socket.socket) -> int:
    """Sends until nothing more is taken; gives how many bytes were."""
    sock.settimeout(QUIET)
    sent = 0
    with suppress(TimeoutError):
        while True:
            sent += sock.send(bytes(1 << 16))
    return sent


def gone(stream: Stream, seconds: float) -> bool:
    """True once the other side has ended or reset the connection; what came is left unread."""
    poll = select.poll()
    poll.register(stream.sock, select.POLLRDHUP)
    return bool(poll.poll(seconds * 1000))
