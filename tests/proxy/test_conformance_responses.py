"""RFC 9110 and 9112, what a response must not be: each case by name of its section.

The client gets a 502 as JSON with an id, or an abort where its answer has begun; never a byte of
what was wrong. The connection is not used again; it is one count and one log line.
"""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from tests.harness import Outrider, eventually
from tests.origin import RawOrigin
from tests.wire import IncompleteError, Stream, request, response

OK = b"HTTP/1.1 200 OK\r\n"
TE = b"Transfer-Encoding: "
LEN = b"Content-Length: "
EMPTY = LEN + b"0\r\n\r\n"
LAST = b"0\r\n\r\n"
INTERIM = b"HTTP/1.1 199 Hints\r\n"


def coded(coding: bytes, body: bytes = LAST) -> bytes:
    return OK + TE + coding + b"\r\n\r\n" + body


def field(line: bytes) -> bytes:
    return OK + line + b"\r\n" + EMPTY


BAD = {
    # ---- the status line
    "9112 4: garbage": b"\xff\xfegarbage\r\n\r\n",
    "9112 4: a banner of SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "9112 4: no status": b"HTTP/1.1\r\n\r\n",
    "9112 4: status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "9112 4: status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "9112 4: status in letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "9112 4: negative status": b"HTTP/1.1 -20 OK\r\n\r\n",
    "9110 15: status 000": b"HTTP/1.1 000 Zero\r\n" + EMPTY,
    "9110 15: status 099": b"HTTP/1.1 099 Less\r\n" + EMPTY,
    "9112 4: two spaces": b"HTTP/1.1  200 OK\r\n" + EMPTY,
    "9112 4: leading space": b" HTTP/1.1 200 OK\r\n" + EMPTY,
    "9112 4: NUL in the reason": b"HTTP/1.1 200 O\0K\r\n" + EMPTY,
    "9112 4: control in the reason": b"HTTP/1.1 200 O\x01K\r\n" + EMPTY,
    "9112 4: DEL in the reason": b"HTTP/1.1 200 O\x7fK\r\n" + EMPTY,
    "9112 2.2: bare CR in the reason": b"HTTP/1.1 200 O\rSet-Cookie: b\r\n" + EMPTY,
    "9112 2.3: HTTP/2": b"HTTP/2.0 200 OK\r\n" + EMPTY,
    "9112 2.3: HTTP/1.2": b"HTTP/1.2 200 OK\r\n" + EMPTY,
    "9112 2.3: HTTP/0.9": b"HTTP/0.9 200 OK\r\n" + EMPTY,
    "9112 2.3: lower-case version": b"http/1.1 200 OK\r\n" + EMPTY,
    "9112 2.3: ICY": b"ICY 200 OK\r\n" + EMPTY,
    "9112 2.1: a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    # ---- framing
    "9112 6.1: length and chunked": OK + LEN + b"5\r\n" + TE + b"chunked\r\n\r\n" + LAST,
    "9112 6.1: chunked and length": OK + TE + b"chunked\r\n" + LEN + b"5\r\n\r\n" + LAST,
    "9112 6.1: chunked not last": coded(b"chunked, gzip"),
    "9112 6.1: chunked twice in a list": coded(b"chunked, chunked"),
    "9112 6.1: chunked twice in two fields": coded(b"chunked\r\n" + TE + b"chunked"),
    "9112 6.1: gzip": coded(b"gzip", b"x"),
    "9112 6.1: gzip, then chunked": coded(b"gzip, chunked"),
    "9112 6.1: identity": OK + TE + b"identity\r\n" + EMPTY,
    "9112 6.1: identity alone": coded(b"identity", b"x"),
    "9112 6.1: unknown coding": coded(b"xchunked"),
    "9112 6.1: empty coding": coded(b""),
    "9112 6.1: chunked with a parameter": coded(b"chunked;q=1"),
    "9112 6.1: vertical tab before coding": coded(b"\x0bchunked"),
    "9112 6.1: chunked in 1.0": b"HTTP/1.0 200 OK\r\n" + TE + b"chunked\r\n\r\n" + LAST,
    "9112 6.3: two lengths": OK + LEN + b"5\r\n" + LEN + b"6\r\n\r\nhello!",
    "9112 6.3: two equal lengths": OK + LEN + b"5\r\n" + LEN + b"5\r\n\r\nhello",
    "9112 6.3: unequal lengths in a list": OK + LEN + b"5, 6\r\n\r\nhello!",
    "9112 6.3: equal lengths in a list": OK + LEN + b"5, 5\r\n\r\nhello",
    "9110 8.6: negative length": OK + LEN + b"-1\r\n\r\n",
    "9110 8.6: signed length": OK + LEN + b"+5\r\n\r\nhello",
    "9110 8.6: hex length": OK + LEN + b"0x5\r\n\r\nhello",
    "9110 8.6: length in letters": OK + LEN + b"five\r\n\r\nhello",
    "9110 8.6: empty length": OK + LEN + b"\r\n\r\nhello",
    "9110 8.6: length past 64 bits": OK + LEN + b"99999999999999999999\r\n\r\nx",
    # ---- fields
    "9112 5.1: space before the colon": field(b"X-A : 1"),
    "9112 5.1: space before the colon of a length": OK + b"Content-Length : 5\r\n\r\nhello",
    "9112 5: no colon": field(b"X-A"),
    "9112 5: space in a name": field(b"X A: 1"),
    "9112 5: empty name": field(b": 1"),
    "9110 5.1: latin-1 in a name": field(b"X-\xe9: 1"),
    "9110 5.5: NUL in a value": field(b"X-A: a\0b"),
    "9110 5.5: control in a value": field(b"X-A: a\x01b"),
    "9110 5.5: DEL in a value": field(b"X-A: a\x7fb"),
    "9112 2.2: bare CR in a value": field(b"X-A: a\rSet-Cookie: b"),
    "9112 2.2: bare LF": field(b"X-A: a\nSet-Cookie: b"),
    "9112 2.2: bare LF ends the head": OK + LEN + b"0\r\n\n",
    "9112 5.2: obs-fold": field(b"X-A: a\r\n b"),
    "9112 5.2: obs-fold of a length": OK + LEN + b"1\r\n 2\r\n\r\nhello",
    # ---- bounds
    "6585 5: long field": field(b"X-A: " + b"x" * 70_000),
    "6585 5: head without end": OK + b"X-A: " + b"x" * 140_000,
    "6585 5: 257 fields": OK + b"X-A: b\r\n" * 257 + EMPTY,
    # ---- what nobody asked for
    "9110 15.2: an interim answer with a length": INTERIM + LEN + b"3\r\n\r\nabc" + OK + EMPTY,
    "9110 15.2: an interim answer with chunks": INTERIM
    + TE
    + b"chunked\r\n\r\n"
    + LAST
    + OK
    + EMPTY,
    "9110 15.2.2: 101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
    b"Connection: Upgrade\r\n\r\n",
    "9110 15.2.2: 101 without a protocol": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "9112 4: garbage behind a 103": b"HTTP/1.1 103 Early Hints\r\n\r\ngarbage\r\n\r\n",
}


def refused(client: Stream, origin: RawOrigin, answer: bytes) -> str:
    """Gives it as an answer; checks the 502 and the end of the connection; gives the 502's id."""
    client.send(request(b"POST", b"/bad", body=b"x"))
    stream = origin.take()
    stream.request()
    with suppress(OSError):  # it may close while we still send
        stream.send(answer)
    got = client.response()
    assert got.status == 502
    assert got.one(b"content-type") == b"application/json"
    assert not got.all(b"set-cookie")
    assert not got.all(b"x-a")
    said = json.loads(got.body)["error"]
    assert said["reason"] == "upstream_protocol"
    assert said["message"]
    assert said["request_id"].encode() == got.one(b"x-request-id")
    assert stream.end() in ("eof", "reset"), "such a connection is not used again"
    client.send(request(b"GET", b"/after"))
    assert origin.serve().target == b"/after"
    assert client.response().body == b"ok"
    return said["request_id"]


@pytest.mark.parametrize("case", BAD)
def test_is_answered_502_and_the_client_goes_on(client, origin, case):
    refused(client, origin, BAD[case])


def test_each_is_one_count_and_one_line(start, own_origin):
    proxy = start(own_origin.url)
    with proxy.connect() as client:
        ids = {case: refused(client, own_origin, answer) for case, answer in BAD.items()}
    failed = "outrider_requests_failed_total"
    eventually(lambda: proxy.metric(failed, reason="upstream_protocol") == len(BAD), "all counted")
    assert proxy.metric(failed) == len(BAD)
    found = eventually(lambda: lines(proxy, 2 * len(BAD)), "a line for each, and the ones after it")
    for case, request_id in ids.items():
        (line,) = [one for one in found if one["request_id"] == request_id]
        assert (line["http.response.status_code"], line["error.type"]) == (
            502, "upstream_protocol"
        ), case  # fmt: skip


def lines(proxy: Outrider, number: int) -> list[dict]:
    """The lines that requests made, once there are so many; never more."""
    found = [json.loads(line) for line in proxy.stdout().splitlines()]
    assert len(found) <= number
    return found if len(found) == number else []


BAD_BODIES = {
    "9112 7.1: size not hex": b"3\r\nabc\r\ng\r\nabc\r\n0\r\n\r\n",
    "9112 7.1: size of 17 digits": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "9112 7.1: negative size": b"-3\r\nabc\r\n0\r\n\r\n",
    "9112 7.1: size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "9112 7.1: empty size": b"\r\nabc\r\n0\r\n\r\n",
    "9112 7.1: space before a size": b" 3\r\nabc\r\n0\r\n\r\n",
    "9112 7.1.1: NUL in an extension": b"3;\0\r\nabc\r\n0\r\n\r\n",
    "9112 7.1.1: an extension of 1 MB": b"3;" + b"x" * 1_000_000 + b"\r\nabc\r\n0\r\n\r\n",
    "9110 6.5.1: a length as trailer": b"3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n",
    "9112 7.1: data without CRLF": b"3\r\nabcX\r\n0\r\n\r\n",
    "9112 7.1: bare LF": b"3\nabc\n0\n\n",
    "9112 7.1.2: trailer without colon": b"3\r\nabc\r\n0\r\nbad\r\n\r\n",
    "9112 7.1.2: trailer with NUL": b"3\r\nabc\r\n0\r\nX: \0\r\n\r\n",
    "9112 7.1.2: trailers without end": b"3\r\nabc\r\n0\r\n" + b"X: v\r\n" * 50_000,
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
