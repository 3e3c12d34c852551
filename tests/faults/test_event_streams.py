"""Events reach the client when they are sent, and a quiet stream is not a dead one."""

from __future__ import annotations

import time
import zlib

import pytest

from tests.faults.certificates import certificates
from tests.faults.moments import EVENTS, QUIET, gone
from tests.wire import Stream, chunked, request

pytestmark = pytest.mark.slow

CHUNK = -len(b"0\r\n\r\n")


def begin(client: Stream, origin, *lines: bytes) -> Stream:
    client.send(request(target=b"/events"))
    stream = origin.take()
    stream.request()
    stream.send(EVENTS.replace(b"\r\n\r\n", b"\r\n" + b"".join(lines) + b"\r\n"))
    client.head()
    return stream


def chunk(data: bytes) -> bytes:
    return chunked(data)[:CHUNK]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_thousand_events_in_lockstep(start, own_origin, tmp_path, tls):
    """Each is with the client before the next is sent; what each took is printed."""
    files, context = certificates(tmp_path)
    proxy = start(own_origin.url, {"tls": files} if tls else {})
    with proxy.connect(context if tls else None) as client:
        stream = begin(client, own_origin)
        took = []
        for n in range(1000):
            event = b'data: {"token": %d}\n\n' % n
            since = time.monotonic()
            stream.send(chunk(event))
            assert client.chunk() == event
            took.append(time.monotonic() - since)
        stream.send(b"0\r\n\r\n")
        assert client.chunk() == b""
        own_origin.free(stream)
    took.sort()
    print(
        f"an event: p50 {took[500] * 1e3:.2f}, p99 {took[990] * 1e3:.2f} ms, two hops and the test"
    )


def test_each_byte_of_a_character_passes_alone(start, own_origin):
    """A read that ends inside a character, an event or a line is passed on as it is."""
    proxy = start(own_origin.url)
    text = "data: løsning 模型 🙂\r\n\r\n".encode()
    with proxy.connect() as client:
        stream = begin(client, own_origin)
        for n in range(len(text)):
            stream.send(chunk(text[n : n + 1]))
            assert client.chunk() == text[n : n + 1]
        stream.send(b"0\r\n\r\n")
        assert client.chunk() == b""
        own_origin.free(stream)


def test_compressed_events_pass_as_they_come(start, own_origin):
    """Nothing is inflated, held or re-packed: each flush of the model server's is the client's."""
    proxy = start(own_origin.url)
    packer, unpacker = zlib.compressobj(wbits=31), zlib.decompressobj(wbits=31)
    with proxy.connect() as client:
        stream = begin(client, own_origin, b"Content-Encoding: gzip\r\n")
        for n in range(100):
            event = b"data: %d\n\n" % n
            sent = packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)
            stream.send(chunk(sent))
            got = client.chunk()
            assert got == sent
            assert unpacker.decompress(got) == event
        stream.send(chunk(packer.flush()), b"0\r\n\r\n")
        assert unpacker.decompress(client.chunk()) == b""
        assert unpacker.eof
        assert client.chunk() == b""
        own_origin.free(stream)


@pytest.mark.parametrize(
    "quiet", [2.0, pytest.param(900.0, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])]
)
def test_a_quiet_stream_is_not_cut(start, own_origin, quiet):
    """`idle`, `pool`, `head` and `first_byte` are of other waits: only `total` ends a stream."""
    short = {"idle": "300ms", "pool": "300ms", "head": "300ms", "first_byte": "1s"}
    proxy = start(own_origin.url, {"timeouts": short if quiet < 60 else {}})
    with proxy.connect() as client:
        stream = begin(client, own_origin)
        for n in range(3):
            stream.send(chunk(b"data: %d\n\n" % n))
            assert client.chunk() == b"data: %d\n\n" % n
            assert not gone(client, quiet / 3)
            assert not gone(stream, QUIET)
        stream.send(b"0\r\n\r\n")
        assert client.chunk() == b""
        own_origin.free(stream)
