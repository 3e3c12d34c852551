"""MalformedError responses: a 502 for the client, or an abort where its answer has begun."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from tests.harness import eventually
from tests.wire import IncompleteError, request, response

OK = b"HTTP/1.1 200 OK\r\n"
TE = b"Transfer-Encoding: "

BAD = {
    "garbage": b"\xff\xfegarbage\r\n\r\n",
    "SSH banner": b"SSH-2.0-OpenSSH_9.2\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "two-digit status": b"HTTP/1.1 20 OK\r\n\r\n",
    "four-digit status": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status in letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "NUL in reason": b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    "length and chunked": OK + b"Content-Length: 5\r\n" + TE + b"chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": OK + TE + b"chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "list of lengths": OK + b"Content-Length: 5, 6\r\n\r\nhello!",
    "negative length": OK + b"Content-Length: -1\r\n\r\n",
    "length in letters": OK + b"Content-Length: five\r\n\r\nhello",
    "huge length": OK + b"Content-Length: 99999999999999999999\r\n\r\nx",
    "chunked not last": OK + TE + b"chunked, gzip\r\n\r\n0\r\n\r\n",
    "gzip coding": OK + TE + b"gzip\r\n\r\nx",
    "chunked in 1.0": b"HTTP/1.0 200 OK\r\n" + TE + b"chunked\r\n\r\n0\r\n\r\n",
    "space before colon": OK + b"X-A : 1\r\nContent-Length: 0\r\n\r\n",
    "no colon": OK + b"X-A\r\nContent-Length: 0\r\n\r\n",
    "empty name": OK + b": 1\r\nContent-Length: 0\r\n\r\n",
    "NUL in value": OK + b"X-A: a\0b\r\nContent-Length: 0\r\n\r\n",
    "control in value": OK + b"X-A: a\x01b\r\nContent-Length: 0\r\n\r\n",
    "bare CR in value": OK + b"X-A: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
    "bare LF": OK + b"X-A: a\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
    "obs-fold": OK + b"X-A: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "long field": OK + b"X-A: " + b"x" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "endless head": OK + b"X-A: " + b"x" * 140_000,
    "many fields": OK + b"X-A: b\r\n" * 257 + b"Content-Length: 0\r\n\r\n",
    "interim with a length": b"HTTP/1.1 199 Hints\r\nContent-Length: 3\r\n\r\nabc"
    + OK
    + b"Content-Length: 0\r\n\r\n",
    "interim with chunks": b"HTTP/1.1 199 Hints\r\n"
    + TE
    + b"chunked\r\n\r\n0\r\n\r\n"
    + OK
    + b"Content-Length: 0\r\n\r\n",
    "101 that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
    b"Connection: Upgrade\r\n\r\n",
}


@pytest.mark.parametrize("case", BAD)
def test_is_answered_502(client, origin, case):
    client.send(request(b"POST", b"/bad"))
    stream = origin.take()
    stream.request()
    with suppress(OSError):  # it may close while we still send
        stream.send(BAD[case])
    got = client.response()
    assert got.status == 502
    assert got.one(b"content-type").startswith(b"application/json")
    assert isinstance(json.loads(got.body), dict)
    assert not got.all(b"set-cookie")
    assert stream.end() in ("eof", "reset"), "such a connection is not used again"


def test_each_is_counted_as_upstream_protocol(connect, origin, proxy):
    reason = {"reason": "upstream_protocol"}
    failed = "outrider_requests_failed_total"
    before = proxy.metric(failed, **reason)
    for case in ("garbage", "two lengths", "NUL in value"):
        client = connect()
        client.send(request(b"POST", b"/bad"))
        stream = origin.take()
        stream.request()
        stream.send(BAD[case])
        assert client.response().status == 502
    eventually(lambda: proxy.metric(failed, **reason) == before + 3, "three counted")


BAD_BODIES = {
    "size not hex": b"3\r\nabc\r\ng\r\nabc\r\n0\r\n\r\n",
    "size of 17 digits": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "data without CRLF": b"3\r\nabcX\r\n0\r\n\r\n",
    "bare LF": b"3\nabc\n0\n\n",
    "trailer without colon": b"3\r\nabc\r\n0\r\nbad\r\n\r\n",
    "trailer with NUL": b"3\r\nabc\r\n0\r\nX: \0\r\n\r\n",
    "trailers without end": b"3\r\nabc\r\n0\r\n" + b"X: v\r\n" * 50_000,
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_malformed_body_never_ends_cleanly(client, origin, case):
    client.send(request(b"POST", b"/bad"))
    stream = origin.take()
    stream.request()
    with suppress(OSError):  # it may close while we still send
        stream.send(OK + TE + b"chunked\r\n\r\n", BAD_BODIES[case])
    with suppress(IncompleteError):
        assert client.response().status == 502
    assert client.unread in (b"", b"abc") or client.unread.startswith(b"3\r\nabc")
    assert b"\r\n0\r\n" not in client.received
    assert stream.end() in ("eof", "reset")


POISON = response(b"poison", status=b"200 Poison")


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (b"GET", response(b"ok") + POISON),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n" + POISON),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" + POISON),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(POISON) + POISON),
        (b"GET", OK + TE + b"chunked\r\n\r\n0\r\n\r\n" + POISON),
    ],
    ids=["length", "204", "304", "HEAD", "chunked"],
)
def test_bytes_behind_an_answer_are_nobodys_answer(connect, origin, method, answer):
    """Response splitting: what the origin says unasked is dropped with its connection."""
    client = connect()
    client.send(request(method, b"/1"))
    stream = origin.take()
    stream.request()
    stream.send(answer)
    assert client.response(method).status in (200, 204, 304, 502)
    other = connect()
    other.send(request(target=b"/2"))
    second = origin.take()
    second.request()
    second.send(response(b"second"))
    assert other.response().body == b"second"
    assert b"oison" not in client.unread


def test_bytes_on_an_idle_connection_are_nobodys_answer(connect, origin, proxy):
    client = connect()
    client.send(request(target=b"/1"))
    stream = origin.take()
    stream.request()
    stream.send(response(b"ok"))
    assert client.response().body == b"ok"
    stream.send(POISON)
    assert stream.end() in ("eof", "reset")
    client.send(request(target=b"/2"))
    second = origin.take()
    second.request()
    second.send(response(b"second"))
    assert client.response().body == b"second"
