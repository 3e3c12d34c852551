"""Bytes pass as they come, and no faster than the other side takes them."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.harness import eventually
from tests.proxy.pumping import MEBI, pump, stalled
from tests.wire import chunked, request, response

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def test_each_event_reaches_the_client_before_the_next_is_sent(client, origin):
    client.send(request(target=b"/events"))
    stream = origin.take()
    stream.request()
    stream.send(SSE, b"Transfer-Encoding: chunked\r\n\r\n")
    assert client.head().one(b"content-type") == b"text/event-stream"
    for n in range(20):
        event = b"data: %d\n\n" % n
        stream.send(chunked(event)[:-5])
        assert client.chunk() == event
    stream.send(b"0\r\n\r\n")
    origin.free(stream)
    assert client.chunk() == b""


def test_close_delimited_events_reach_the_client_as_they_come(connect, origin):
    client = connect()
    client.send(b"GET /events HTTP/1.0\r\nHost: model.test\r\n\r\n")
    stream = origin.take()
    stream.request()
    stream.send(SSE, b"\r\n")
    client.head()
    for n in range(5):
        stream.send(b"data: %d\n\n" % n)
        assert client.until(b"\n\n") == b"data: %d\n\n" % n
    stream.close()
    assert client.end() == "eof"


def test_part_of_a_chunk_does_not_wait_for_the_rest(client, origin):
    client.send(request(target=b"/events"))
    stream = origin.take()
    stream.request()
    stream.send(SSE, b"Transfer-Encoding: chunked\r\n\r\n", b"a\r\n01234")
    client.until(b"01234")
    stream.send(b"56789\r\n0\r\n\r\n")
    origin.free(stream)
    client.until(b"0\r\n\r\n")


def test_request_body_reaches_the_origin_as_it_is_sent(client, origin):
    client.send(request(b"POST", b"/p", b"Content-Length: 15"))
    stream = origin.take()
    stream.head()
    for piece in (b"hello", b"model", b"world"):
        client.send(piece)
        assert stream.exactly(5) == piece
    stream.send(response(b"ok"))
    assert client.response().body == b"ok"


def test_request_chunks_reach_the_origin_as_they_are_sent(client, origin):
    client.send(request(b"POST", b"/p", b"Transfer-Encoding: chunked"))
    stream = origin.take()
    stream.head()
    for piece in (b"hello", b"model"):
        client.send(chunked(piece)[:-5])
        assert stream.chunk() == piece
    client.send(b"0\r\n\r\n")
    assert stream.chunk() == b""
    stream.send(response(b"ok"))
    assert client.response().body == b"ok"


def test_both_ways_at_once(client, origin):
    """Full duplex: the answer may run while the request still does."""
    client.send(request(b"POST", b"/p", b"Transfer-Encoding: chunked"))
    stream = origin.take()
    stream.head()
    stream.send(SSE, b"Transfer-Encoding: chunked\r\n\r\n")
    client.head()
    for n in range(10):
        client.send(chunked(b"ask %d" % n)[:-5])
        said = stream.chunk()
        stream.send(chunked(said)[:-5])
        assert client.chunk() == b"ask %d" % n
    client.send(b"0\r\n\r\n")
    assert stream.chunk() == b""
    stream.send(b"0\r\n\r\n")
    assert client.chunk() == b""


@pytest.mark.slow
def test_slow_reader_stops_the_origin(start, own_origin):
    """What the client does not take stays at the origin, not in the proxy's memory."""
    proxy = start(own_origin.url)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    sock.settimeout(10)
    sock.connect(proxy.address)
    before = proxy.rss()
    total = 128 * MEBI
    sock.sendall(request())
    stream = own_origin.take()
    stream.request()
    stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
    thread, sent = pump(stream.sock, total)
    eventually(lambda: stalled(sent), "the origin to be held back")
    assert sent[0] < total // 2
    assert proxy.rss() - before < 16 * MEBI
    got = 0
    while got < total:
        got += len(sock.recv(MEBI))
    thread.join()
    sock.close()


@pytest.mark.slow
def test_slow_origin_stops_the_client(start, own_origin):
    """`test_slow_connection.py` has the one whose connection comes later than the body."""
    proxy = start(own_origin.url)
    before = proxy.rss()
    total = 128 * MEBI
    with proxy.connect() as client:
        client.send(request(b"POST", b"/p", b"Content-Length: %d" % total))
        stream = own_origin.take()
        stream.head()
        thread, sent = pump(client.sock, total)
        eventually(lambda: stalled(sent), "the client to be held back")
        assert sent[0] < total // 2
        assert proxy.rss() - before < 16 * MEBI
        got = len(stream.unread)
        while got < total:
            got += len(stream.sock.recv(MEBI))
        thread.join()
        stream.send(response(b"ok"))
        assert client.response().body == b"ok"


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_200_megabytes_pass_in_constant_memory(start, own_origin, framing):
    """Both ways, every byte; the worker grows by less than 16 MB."""
    proxy = start(own_origin.url)
    block = bytes(range(256)) * 256
    blocks = 200 * MEBI // len(block)
    if framing == "length":
        field, piece, end = b"Content-Length: %d" % (200 * MEBI), block, b""
    else:
        field, piece, end = b"Transfer-Encoding: chunked", chunked(block)[:-5], b"0\r\n\r\n"
    with proxy.connect() as client:
        client.send(request(b"GET", b"/warm"))
        own_origin.serve()
        client.response()
        before = proxy.rss()

        client.send(request(b"POST", b"/p", field))
        stream = own_origin.take()
        stream.head()
        sender = threading.Thread(
            target=lambda: [client.sock.sendall(piece) for _ in range(blocks)]
        )
        sender.start()
        assert count(stream, framing, block, blocks)
        sender.join()
        client.send(end)
        stream.send(b"HTTP/1.1 200 OK\r\n" + field + b"\r\n\r\n")
        client.head()
        sender = threading.Thread(
            target=lambda: [stream.sock.sendall(piece) for _ in range(blocks)]
        )
        sender.start()
        assert count(client, framing, block, blocks)
        sender.join()
        assert proxy.rss() - before < 16 * MEBI


def count(stream, framing: str, block: bytes, blocks: int) -> bool:
    """Reads the whole body without keeping it; True if it is `blocks` times `block`."""
    left, at = blocks * len(block), 0
    pending = 0
    while left:
        if framing == "chunked" and not pending:
            pending = int(stream.until(b"\r\n")[:-2].split(b";")[0], 16)
        data = stream.unread[: pending or left]
        if not data:
            stream.received.clear()
            stream._at = 0
            assert stream.fill()
            continue
        stream._at += len(data)
        left -= len(data)
        expected = (block * (len(data) // len(block) + 2))[at : at + len(data)]
        if data != expected:
            return False
        at = (at + len(data)) % len(block)
        if framing == "chunked":
            pending -= len(data)
            if not pending:
                assert stream.exactly(2) == b"\r\n"
    return True
