"""Peers that take nothing: what they do not take stays where it came from, not in our memory."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from contextlib import ExitStack

import pytest

from tests.faults.moments import gone, not_taken
from tests.harness import Outrider
from tests.origin import RawOrigin
from tests.wire import Stream, request, response

pytestmark = pytest.mark.slow

KIBI, MEBI = 1 << 10, 1 << 20
A_CONNECTION = 256 * KIBI
"""Bytes of the worker's memory that one stalled connection may hold, with the one behind it."""
BUDGET = 4 * MEBI
"""`capture.budget`: what the copies of bodies may hold, once for all connections."""
ONCE = 2 * MEBI
"""What the worker may grow by whatever comes: fragments, tables, the first use of code."""
SETTINGS = {"capture": {"budget": "4MiB"}}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def clients(proxy: Outrider, stack: ExitStack, count: int) -> list[Stream]:
    """Connections with a small receive buffer."""
    made = []
    for _ in range(count):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * KIBI)
        sock.connect(proxy.address)
        made.append(stack.enter_context(Stream(sock)))
    return made


def push(sockets: list[socket.socket], size: int, seconds: float = 60) -> list[int]:
    """Sends up to `size` bytes on each until none takes any more for half a second."""
    block, left = bytes(1 << 17), dict.fromkeys(sockets, size)
    selector = selectors.DefaultSelector()
    for sock in sockets:
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_WRITE)
    limit = time.monotonic() + seconds
    while (ready := selector.select(0.5)) and time.monotonic() < limit:
        for key, _ in ready:
            sock = key.fileobj
            left[sock] -= sock.send(block[: left[sock]])
            if not left[sock]:
                selector.unregister(sock)
    selector.close()
    for sock in sockets:
        sock.settimeout(10)
    return [size - left[sock] for sock in sockets]


def grown(proxy: Outrider, before: int, count: int) -> float:
    """By how much the worker grew for each connection, without what is allowed once; shows it."""
    more = proxy.rss() - before
    print(f"+{more / MEBI:.1f} MiB, {(more - BUDGET) / count / KIBI:.0f} KiB each besides copies")
    return (more - BUDGET - ONCE) / count


SIZES = [
    pytest.param(60, 64 * MEBI, id="60 x 64 MB"),
    pytest.param(
        100, 200 * MEBI, id="100 x 200 MB", marks=[pytest.mark.soak, pytest.mark.timeout(600)]
    ),
]


@pytest.mark.parametrize(("count", "size"), SIZES)
def test_stalled_readers(start, own_origin, count, size):
    """None of them takes its answer; others are served; then each gets every byte."""
    proxy = start(own_origin.url, SETTINGS)
    with ExitStack() as stack:
        readers = clients(proxy, stack, count)
        before = proxy.rss()
        streams = [asked(reader, own_origin) for reader in readers]
        for stream in streams:
            stream.send(HEAD % size)
        sent = push([stream.sock for stream in streams], size)
        print(f"the model server got rid of {max(sent) / MEBI:.1f} MiB of {size // MEBI} MiB")
        assert max(sent) < size, "a reader that takes nothing holds its answer back"
        assert grown(proxy, before, count) < A_CONNECTION
        is_served(proxy, own_origin)
        for reader, stream, taken in list(zip(readers, streams, sent, strict=True))[:3]:
            thread = threading.Thread(target=stream.sock.sendall, args=(bytes(size - taken),))
            thread.start()
            assert received(reader) == size
            thread.join()


def asked(reader: Stream, origin: RawOrigin) -> Stream:
    reader.send(request(target=b"/large"))
    stream = origin.take()
    stream.request()
    return stream


def received(reader: Stream) -> int:
    """Reads an answer without keeping it; gives its size."""
    size = int(reader.head().one(b"content-length"))
    got = len(reader.unread)
    buffer = bytearray(MEBI)
    while got < size:
        got += reader.sock.recv_into(buffer)
    return got


def is_served(proxy: Outrider, origin: RawOrigin) -> None:
    with proxy.connect() as canary:
        canary.send(request(target=b"/canary"))
        stream = origin.take()
        assert stream.request().target == b"/canary"
        stream.send(response(b"sings", b"Connection: close"))
        assert canary.response().body == b"sings"
        origin.forget(stream)
        stream.close()


@pytest.mark.parametrize(("count", "size"), SIZES)
def test_stalled_uploads(start, own_origin, count, size):
    """The model server takes nothing of any: their clients are held back; others are served.

    What a read brings is up to 250 kB, so the allocator's fragments weigh here: resident memory
    is what is held and they, and the least of three tries is the nearest to what is held.
    """
    grew: list[float] = []
    while not grew or (grew[-1] >= A_CONNECTION and len(grew) < 3):
        grew.append(stalled_uploads(start, own_origin, count, size))
    assert grew[-1] < A_CONNECTION, grew


def stalled_uploads(start, own_origin, count: int, size: int) -> float:
    """By how much the worker grew for each, all else having gone well."""
    proxy = start(own_origin.url, SETTINGS)
    with ExitStack() as stack:
        uploads = clients(proxy, stack, count)
        before = proxy.rss()
        streams = []
        for upload in uploads:
            upload.send(request(b"POST", b"/large", b"Content-Length: %d" % size))
            streams.append(own_origin.take())
        sent = push([upload.sock for upload in uploads], size)
        print(f"the clients got rid of {max(sent) / MEBI:.1f} MiB of {size // MEBI} MiB")
        assert max(sent) < size, "a model server that takes nothing holds its clients back"
        grew = grown(proxy, before, count)
        is_served(proxy, own_origin)
        for upload, stream, taken in list(zip(uploads, streams, sent, strict=True))[:3]:
            args = (bytes(size - taken),)
            thread = threading.Thread(target=upload.sock.sendall, args=args)
            thread.start()
            assert received(stream) == size
            thread.join()
            stream.send(response(b"ok"))
            assert upload.response().body == b"ok"
    return grew


def test_no_idle_timeout_ends_an_upload_that_is_not_taken(start, own_origin):
    """It is the model server that is slow: `timeouts.total` ends that, or either side."""
    proxy = start(own_origin.url, {"timeouts": {"idle": "300ms"}})
    with proxy.connect() as client:
        stream = not_taken(client, own_origin, b"/large")
        assert not gone(client, 1.5)
        client.reset()
        assert gone(stream, 10)


def test_total_ends_an_upload_that_is_not_taken(start, own_origin):
    proxy = start(own_origin.url, {"timeouts": {"total": "1s"}})
    with proxy.connect() as client:
        stream = not_taken(client, own_origin, b"/large")
        client.sock.settimeout(10)
        assert client.response().status == 504
        assert gone(stream, 10)
