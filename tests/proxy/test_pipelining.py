"""Requests that arrive together are answered in order, one at a time (RFC 9112 9.3.2)."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

from tests.harness import eventually
from tests.proxy.pumping import MEBI, pump, stalled
from tests.wire import chunked, request, response

MANY = 50


def test_answers_come_in_order(client, origin):
    sent = b"".join(request(b"POST", b"/%d" % n, body=b"body %d" % n) for n in range(MANY))
    client.send(sent)
    for n in range(MANY):
        seen = origin.serve(response(b"answer %d" % n))
        assert (seen.target, seen.body) == (b"/%d" % n, b"body %d" % n)
        assert client.response().body == b"answer %d" % n


def test_one_is_in_flight_at_the_origin(client, origin):
    client.send(request(target=b"/1"), request(target=b"/2"))
    first = origin.take()
    assert first.request().target == b"/1"
    first.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")
    client.until(b"one")
    assert origin.pending() == 0
    assert first.unread == b""
    first.send(b"two")
    origin.free(first)
    assert client.exactly(3) == b"two"
    assert origin.serve(response(b"2nd")).target == b"/2"
    assert client.response().body == b"2nd"


def test_chunked_request_followed_by_another(client, origin):
    first = request(b"POST", b"/1", b"Transfer-Encoding: chunked")
    client.send(first, chunked(b"GET /not-a-request HTTP/1.1\r\n\r\n"), request(target=b"/2"))
    assert origin.serve(response(b"1")).body.startswith(b"GET /not")
    assert origin.serve(response(b"2")).target == b"/2"
    assert [client.response().body for _ in range(2)] == [b"1", b"2"]


def test_head_followed_by_get(client, origin):
    client.send(request(b"HEAD", b"/1"), request(b"GET", b"/2"))
    origin.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    origin.serve(response(b"2"))
    assert client.response(b"HEAD").one(b"content-length") == b"100"
    assert client.response().body == b"2"


def test_nothing_is_answered_after_connection_close(client, origin):
    client.send(request(b"GET", b"/1", b"Connection: close"), request(target=b"/2"))
    assert origin.serve(response(b"1")).target == b"/1"
    assert client.response().body == b"1"
    assert client.rest() == b""
    assert origin.pending() == 0


def test_a_bad_request_behind_good_ones_does_not_harm_them(client, origin):
    client.send(request(target=b"/1"), b"BAD\r\n\r\n", request(target=b"/3"))
    assert origin.serve(response(b"1")).target == b"/1"
    assert client.response().body == b"1"
    assert client.response().status == 400
    assert client.rest() == b""
    assert origin.pending() == 0


def test_end_of_the_clients_side_behind_complete_pipelined_requests(start, own_origin):
    """With client_eof: half_close, all that was asked before the end is answered."""
    proxy = start(own_origin.url, {"client_eof": "half_close"})
    with proxy.connect() as client:
        client.send(request(target=b"/1"), request(target=b"/2"))
        client.half_close()
        for n in (b"1", b"2"):
            assert own_origin.serve(response(n)).target == b"/" + n
            assert client.response().body == n
        assert client.end() == "eof"


@pytest.mark.slow
def test_what_is_pipelined_behind_a_request_in_flight_is_held_by_the_client(start, own_origin):
    """CVE-2026-54273 to 54280: a queue of them without end. Here little of it is read."""
    proxy = start(own_origin.url)
    with proxy.connect() as client:
        client.send(request(target=b"/1"))
        stream = own_origin.take()
        stream.request()
        before = proxy.rss()
        thread, sent = pump(client.sock, 64 * MEBI)
        try:
            eventually(lambda: stalled(sent), "the client to be held back")
            assert sent[0] < 32 * MEBI
            assert proxy.rss() - before < 4 * MEBI
            assert (own_origin.pending(), stream.unread) == (0, b"")
        finally:
            with suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)
            thread.join()


CHUNKED = request(b"POST", b"/1", b"Transfer-Encoding: chunked") + chunked(b"abc")


@pytest.mark.parametrize("first", [request(target=b"/1"), CHUNKED], ids=["plain", "chunked"])
@pytest.mark.parametrize(
    "more",
    [
        b"\r\n",
        b"GE",
        b"GET /2 HTTP/1.1\r\nHo",
        request(b"POST", b"/2", b"Content-Length: 9") + b"x",
    ],
    ids=["empty line", "method", "head", "body"],
)
def test_end_of_the_clients_side_in_what_is_no_whole_request(start, own_origin, first, more):
    """What was asked is answered; for the rest there is nothing left to wait for."""
    settings = {"client_eof": "half_close", "timeouts": {"head": "1h", "idle": "1h"}}
    proxy = start(own_origin.url, settings)
    with proxy.connect() as client:
        client.send(first, more)
        client.half_close()
        assert own_origin.serve().target == b"/1"
        assert client.response().body == b"ok"
        assert b" 200 " not in client.rest()
