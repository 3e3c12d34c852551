"""Bodies far larger than memory should ever be, both ways, with every body sampled."""

from __future__ import annotations

import hashlib
import random
import threading

import pytest

from tests.wire import request

pytestmark = pytest.mark.slow

MEBI = 1 << 20
GROWTH = 16 * MEBI
"""Bytes by which the worker may grow."""
SETTINGS = {"capture": {"sample_ratio": 1.0, "budget": "4MiB", "max_body_bytes": "1MiB"}}
BLOCKS = [random.Random(n).randbytes(MEBI) for n in range(7)]
"""Sent in turn; their number divides no power of two, so that no two places look alike."""


def send(sock, blocks: int) -> str:
    """Sends so many blocks; gives the SHA-256 of it all."""
    told = hashlib.sha256()
    for n in range(blocks):
        block = BLOCKS[n % len(BLOCKS)]
        sock.sendall(block)
        told.update(block)
    return told.hexdigest()


def receive(stream, size: int) -> str:
    """Reads so many bytes; gives their SHA-256."""
    got = hashlib.sha256(stream.unread)
    left, buffer = size - len(stream.unread), bytearray(MEBI)
    while left:
        count = stream.sock.recv_into(buffer, min(left, MEBI))
        assert count, f"cut {left} bytes before the end"
        got.update(memoryview(buffer)[:count])
        left -= count
    return got.hexdigest()


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param(256, id="256 MiB"),
        pytest.param(4096, id="4 GiB", marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
def test_up_and_down_in_constant_memory(start, own_origin, blocks):
    proxy = start(own_origin.url, SETTINGS)
    size = blocks * MEBI
    sums = {}

    def sending(name: str, sock) -> threading.Thread:
        thread = threading.Thread(target=lambda: sums.update({name: send(sock, blocks)}))
        thread.start()
        return thread

    with proxy.connect() as client:
        client.send(request())
        own_origin.serve()
        client.response()
        before = proxy.rss()
        client.send(request(b"POST", b"/large", b"Content-Length: %d" % size))
        stream = own_origin.take()
        stream.head()
        thread = sending("up", client.sock)
        assert receive(stream, size) == (thread.join() or sums["up"])
        print(f"up: +{(proxy.rss() - before) / MEBI:.1f} MiB")
        assert proxy.rss() - before < GROWTH
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        client.head()
        thread = sending("down", stream.sock)
        assert receive(client, size) == (thread.join() or sums["down"])
        print(f"down: +{(proxy.rss() - before) / MEBI:.1f} MiB")
        assert proxy.rss() - before < GROWTH
