"""RFC 9110 and 9112, what a request must not be: each case refused by name of its section.

Each gets a clear 4xx (501 for a coding that we do not know: RFC 9112 6.1) as JSON with an id, and a
close; nothing of it reaches the origin; it is one count and one log line, found by that id.
"""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from tests.harness import Outrider, eventually
from tests.wire import Stream, request

HOST = b"Host: model.test\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
POST = b"POST / HTTP/1.1\r\n" + HOST
TE = b"Transfer-Encoding: "
END = b"0\r\n\r\n"
SOON = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
WS = GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"


def post(fields: bytes, body: bytes = b"") -> bytes:
    return POST + fields + b"\r\n\r\n" + body


def line(start: bytes, fields: bytes = HOST) -> bytes:
    return start + b"\r\n" + fields + b"\r\n"


CASES: dict[str, tuple[bytes, int]] = {
    # ---- framing
    "9112 6.1: length and chunked": (post(b"Content-Length: 5\r\n" + TE + b"chunked", END), 400),
    "9112 6.1: chunked and length": (post(TE + b"chunked\r\nContent-Length: 5", END), 400),
    "9112 6.1: zero length and chunked": (
        post(b"Content-Length: 0\r\n" + TE + b"chunked", END), 400
    ),
    "9112 6.1: coding in 1.0": (
        b"POST / HTTP/1.0\r\n" + HOST + TE + b"chunked\r\n\r\n" + END, 400
    ),
    "9112 6.1: coding and keep-alive in 1.0": (
        b"POST / HTTP/1.0\r\nConnection: keep-alive\r\n" + TE + b"chunked\r\n\r\n" + END, 400
    ),
    "9112 6.1: chunked not last": (post(TE + b"chunked, gzip", END), 400),
    "9112 6.1: chunked twice in a list": (post(TE + b"chunked, chunked", END), 400),
    "9112 6.1: chunked twice in two fields": (
        post(TE + b"chunked\r\n" + TE + b"chunked", END), 400
    ),
    "9112 6.1: gzip, then chunked": (post(TE + b"gzip, chunked", END), 501),
    "9112 6.1: gzip alone": (post(TE + b"gzip", END), 501),
    "9112 6.1: unknown coding": (post(TE + b"xchunked", END), 501),
    "9112 6.1: identity": (post(TE + b"identity\r\nContent-Length: 3", b"abc"), 400),
    "9112 6.1: identity alone": (post(TE + b"identity", b"abc"), 501),
    "9112 6.1: chunked, identity": (post(TE + b"chunked, identity", END), 400),
    "9112 6.1: empty coding": (post(TE, END), 400),
    "9112 6.1: empty element before chunked": (post(TE + b", chunked", END), 501),
    "9112 6.1: chunked with a parameter": (post(TE + b"chunked;q=1", END), 501),
    "9112 6.1: quoted coding": (post(TE + b'"chunked"', END), 501),
    "9112 6.1: vertical tab before coding": (post(TE + b"\x0bchunked", END), 400),
    "9112 6.1: NUL behind coding": (post(TE + b"chunked\0", END), 400),
    "9112 6.3: two lengths": (post(b"Content-Length: 5\r\nContent-Length: 6", b"hello!"), 400),
    "9112 6.3: two equal lengths": (post(b"Content-Length: 5\r\nContent-Length: 5", b"hello"), 400),
    "9112 6.3: equal lengths in a list": (post(b"Content-Length: 5, 5", b"hello"), 400),
    "9112 6.3: unequal lengths in a list": (post(b"Content-Length: 5, 6", b"hello!"), 400),
    "9110 8.6: signed length": (post(b"Content-Length: +5", b"hello"), 400),
    "9110 8.6: negative length": (post(b"Content-Length: -5", b"hello"), 400),
    "9110 8.6: hex length": (post(b"Content-Length: 0x5", b"hello"), 400),
    "9110 8.6: length with an exponent": (post(b"Content-Length: 5e0", b"hello"), 400),
    "9110 8.6: length with a fraction": (post(b"Content-Length: 5.0", b"hello"), 400),
    "9110 8.6: length with an underscore": (post(b"Content-Length: 0_5", b"hello"), 400),
    "9110 8.6: two lengths in a value": (post(b"Content-Length: 5 5", b"hello"), 400),
    "9110 8.6: empty length": (post(b"Content-Length: "), 400),
    "9110 8.6: length past 64 bits": (post(b"Content-Length: 18446744073709551621", b"hello"), 400),
    "9110 8.6: length past 63 bits": (post(b"Content-Length: 9223372036854775808", b"x"), 413),
    "9110 8.6: length of 5,000 zeros": (
        post(b"Content-Length: " + b"0" * 5000 + b"5", b"hello"), 400
    ),
    "9110 8.6: length in other digits": (post(b"Content-Length: \xb2", b"xx"), 400),
    # ---- fields
    "9112 5.2: obs-fold": (post(b"X-A: 1\r\n  folded"), 400),
    "9112 5.2: obs-fold with a tab": (post(b"X-A: 1\r\n\t" + TE + b"chunked"), 400),
    "9112 2.2: space before the first field": (line(b"GET / HTTP/1.1", b" Host: x\r\n"), 400),
    "9112 5.1: space before the colon": (post(b"Content-Length : 5", b"hello"), 400),
    "9112 5.1: tab before the colon": (post(b"Content-Length\t: 5", b"hello"), 400),
    "9112 5: space in a name": (post(b"X A: 1"), 400),
    "9112 5: no colon": (post(b"X-A"), 400),
    "9112 5: empty name": (post(b": 1"), 400),
    "9110 5.1: NUL in a name": (post(b"X\0A: b"), 400),
    "9110 5.1: control in a name": (post(b"X\x01A: b"), 400),
    "9110 5.1: latin-1 in a name": (post(b"X-\xe9: 1"), 400),
    "9110 5.1: parenthesis in a name": (post(b"X(A): 1"), 400),
    "9110 5.1: bracket in a name": (post(b"X[A]: 1"), 400),
    "9110 5.5: NUL in a value": (post(b"X-A: a\0b"), 400),
    "9110 5.5: control in a value": (post(b"X-A: a\x01b"), 400),
    "9110 5.5: bell at the end of a value": (post(b"X-A: a\x07"), 400),
    "9110 5.5: DEL in a value": (post(b"X-A: a\x7fb"), 400),
    "9110 5.5: form feed in a value": (post(b"X-A: a\x0cb"), 400),
    "9112 2.2: bare CR in a value": (post(b"X-A: a\rX-B: b"), 400),
    "9112 2.2: bare CR before a name": (post(b"\rX-A: a"), 400),
    "9112 2.2: bare LF between fields": (line(b"GET / HTTP/1.1", b"Host: a\nX-A: b\r\n"), 400),
    "9112 2.2: bare LF ends the head": (b"GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    "9112 2.2: bare LF everywhere": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "9112 2.2: bare CR behind the line": (b"GET / HTTP/1.1\rHost: a\r\n\r\n", 400),
    "9112 2.2: CR CR LF": (b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400),
    # ---- Host and the forms of targets
    "9112 3.2: no Host": (line(b"GET / HTTP/1.1", b"X-A: 1\r\n"), 400),
    "9112 3.2: no Host for an absolute target": (
        line(b"GET http://a/ HTTP/1.1", b"X-A: 1\r\n"), 400
    ),
    "9112 3.2: two Hosts": (line(b"GET / HTTP/1.1", HOST + b"Host: other\r\n"), 400),
    "9112 3.2: two equal Hosts": (line(b"GET / HTTP/1.1", HOST + HOST), 400),
    "9112 3.2: two Hosts, one empty": (line(b"GET / HTTP/1.1", b"Host:\r\n" + HOST), 400),
    "9112 3.2: two Hosts in 1.0": (line(b"GET / HTTP/1.0", HOST + HOST), 400),
    "9112 3.2: Host with a path": (line(b"GET / HTTP/1.1", b"Host: a/b\r\n"), 400),
    "9112 3.2: Host with a space": (line(b"GET / HTTP/1.1", b"Host: a b\r\n"), 400),
    "9112 3.2: Host with a user": (line(b"GET / HTTP/1.1", b"Host: a@b\r\n"), 400),
    "9112 3.2: Host as a list": (line(b"GET / HTTP/1.1", b"Host: a, b\r\n"), 400),
    "9112 3.2: Host with a scheme": (line(b"GET / HTTP/1.1", b"Host: http://a\r\n"), 400),
    "9112 3.2: Host with two ports": (line(b"GET / HTTP/1.1", b"Host: a:80:81\r\n"), 400),
    "9112 3.2: Host with a port in letters": (line(b"GET / HTTP/1.1", b"Host: a:b\r\n"), 400),
    "9112 3.2: Host, an open bracket": (line(b"GET / HTTP/1.1", b"Host: [::1\r\n"), 400),
    "9112 3.2: Host in latin-1": (line(b"GET / HTTP/1.1", b"Host: \xe9\r\n"), 400),
    "9112 3.2.2: Host against an absolute target": (line(b"GET http://other/ HTTP/1.1"), 400),
    "9112 3.2.2: empty Host against it": (line(b"GET http://a/ HTTP/1.1", b"Host:\r\n"), 400),
    "9112 3.2.2: absolute target without a host": (line(b"GET http:///a HTTP/1.1"), 400),
    "9110 4.2.4: user in an absolute target": (line(b"GET http://u:p@model.test/ HTTP/1.1"), 400),
    "9110 4.2.4: user in one of 1.0": (line(b"GET http://u:p@model.test/ HTTP/1.0", b""), 400),
    "9112 3.2.3: authority form": (line(b"GET model.test:80 HTTP/1.1"), 400),
    "9112 3.2.3: CONNECT": (line(b"CONNECT model.test:80 HTTP/1.1"), 405),
    "9112 3.2.4: asterisk with GET": (line(b"GET * HTTP/1.1"), 400),
    "9112 3.2: relative target": (line(b"GET a HTTP/1.1"), 400),
    "9112 3.2: no target": (line(b"GET HTTP/1.1"), 400),
    "9112 3.2: query alone": (line(b"GET ?a HTTP/1.1"), 400),
    "9110 7.1: fragment in the target": (line(b"GET /a#b HTTP/1.1"), 400),
    "3986 2: non-ASCII target": (line(b"GET /caf\xc3\xa9 HTTP/1.1"), 400),
    "3986 2: NUL in the target": (line(b"GET /a\0b HTTP/1.1"), 400),
    "3986 2: control in the target": (line(b"GET /a\x1fb HTTP/1.1"), 400),
    "3986 2: DEL in the target": (line(b"GET /a\x7fb HTTP/1.1"), 400),
    # ---- the request line
    "9112 3: space in the target": (line(b"GET /a b HTTP/1.1"), 400),
    "9112 3: tab in the target": (line(b"GET /a\tb HTTP/1.1"), 400),
    "9112 3: two spaces": (line(b"GET  / HTTP/1.1"), 400),
    "9112 3: two spaces before the version": (line(b"GET /  HTTP/1.1"), 400),
    "9112 3: tabs for spaces": (line(b"GET\t/\tHTTP/1.1"), 400),
    "9112 3: space behind the version": (line(b"GET / HTTP/1.1 "), 400),
    "9112 3: leading space": (line(b" GET / HTTP/1.1"), 400),
    "9112 3: words behind the version": (line(b"GET / HTTP/1.1 x"), 400),
    "9110 9.1: unknown method": (line(b"FROB / HTTP/1.1"), 400),
    "9110 9.1: lower-case method": (line(b"get / HTTP/1.1"), 400),
    "9110 9.1: method with a comma": (line(b"GET,POST / HTTP/1.1"), 400),
    "9110 9.1: no method": (line(b"/ HTTP/1.1"), 400),
    # ---- versions
    "9113 3.4: the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "9112 2.3: version 2.0": (line(b"GET / HTTP/2.0"), 400),
    "9112 2.3: version 1.2": (line(b"GET / HTTP/1.2"), 400),
    "9112 2.3: version 0.9": (line(b"GET / HTTP/0.9"), 400),
    "9112 2.3: version 9.9": (line(b"GET / HTTP/9.9"), 400),
    "9112 2.3: no version": (line(b"GET /"), 400),
    "9112 2.3: no version, a space": (line(b"GET / "), 400),
    "9112 2.3: lower-case version": (line(b"GET / http/1.1"), 400),
    "9112 2.3: version of three digits": (line(b"GET / HTTP/1.10"), 400),
    "9112 2.3: version without a point": (line(b"GET / HTTP/11"), 400),
    "9112 2.3: RTSP": (line(b"OPTIONS * RTSP/1.0"), 400),
    "9112 2.3: ICE": (line(b"SOURCE /a ICE/1.0"), 400),
    "9112 2.2: TLS to a plain port": (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20), 400
    ),
    "9112 2.2: garbage": (b"\xff\xfe\x00garbage\r\n\r\n", 400),
    # ---- upgrades that carry more than a head (CVE-2026-69243)
    "9110 7.8: upgrade with a body": (WS + b"Content-Length: 4\r\n\r\nabcd", 400),
    "9110 7.8: upgrade with chunks": (WS + TE + b"chunked\r\n\r\n" + END, 400),
    # ---- limits: 64 KiB of head, 256 fields
    "9110 15.5.15: long target": (line(b"GET /" + b"x" * 70_000 + b" HTTP/1.1"), 414),
    "6585 5: long field": (post(b"X-A: " + b"x" * 70_000), 431),
    "6585 5: long name": (post(b"x" * 70_000 + b": 1"), 431),
    "6585 5: long head": (
        post(b"\r\n".join(b"X-%d: %s" % (n, b"v" * 900) for n in range(100))), 431
    ),
    "6585 5: head without end": (POST + b"X-A: " + b"x" * 70_000, 431),
    "9110 15.5.15: target without end": (b"GET /" + b"x" * 70_000, 414),
    "6585 5: 4 KiB of options": (post(b"Connection: " + b"a," * 2_100), 431),
    "6585 5: 257 fields": (post(b"\r\n".join(b"X-%d: v" % n for n in range(256))), 431),
}  # fmt: skip
LIMITS = {413, 414, 431}


def refused(client: Stream, sent: bytes, status: int) -> str:
    """Sends it, checks the answer and the close; gives the id that the answer names."""
    with suppress(OSError):  # it may close while we still send
        client.send(sent)
    got = client.response()
    assert got.status == status
    assert got.one(b"content-type") == b"application/json"
    assert b"close" in got.tokens(b"connection")
    assert client.rest() == b""
    said = json.loads(got.body)["error"]
    assert said["reason"] == ("limit" if status in LIMITS else "client_protocol")
    assert said["message"]
    assert said["request_id"].encode() == got.one(b"x-request-id")
    assert said["request_id"]
    return said["request_id"]


@pytest.mark.parametrize("case", CASES)
def test_is_refused_closed_and_kept_from_the_origin(client, connect, origin, case):
    refused(client, *CASES[case])
    canary = connect()
    canary.send(request(target=b"/canary"))
    assert origin.serve().target == b"/canary", "the first that the origin hears"
    assert canary.response().status == 200


FAILED = "outrider_requests_failed_total"


def test_each_is_one_count_and_one_line(start, own_origin):
    """Of its reason; and no word of it that could be a secret, be it in the head or a target."""
    proxy = start(own_origin.url)
    ids = {}
    for case, (sent, status) in CASES.items():
        with proxy.connect() as client:
            ids[case] = refused(client, sent, status)
    limits = sum(status in LIMITS for _, status in CASES.values())
    expected = {"limit": limits, "client_protocol": len(CASES) - limits}
    for reason, number in expected.items():
        eventually(lambda r=reason, n=number: proxy.metric(FAILED, reason=r) == n, reason)
    assert proxy.metric(FAILED) == len(CASES)
    found = eventually(lambda: lines(proxy, len(CASES)), "a line for each")
    for case, (_, status) in CASES.items():
        (line,) = [one for one in found if one["request_id"] == ids[case]]
        assert line["http.response.status_code"] == status, case
        assert line["error.type"] == ("limit" if status in LIMITS else "client_protocol"), case
        assert line["client.address"] == "127.0.0.1"
        assert line["level"] == "error"
    assert own_origin.pending() == 0


def lines(proxy: Outrider, number: int) -> list[dict]:
    """The lines that requests made, once there are so many; never more."""
    found = [json.loads(line) for line in proxy.stdout().splitlines()]
    assert len(found) <= number
    return found if len(found) == number else []


@pytest.mark.parametrize("case", ["9112 5.1: space before the colon", "9112 3.2: no Host"])
def test_what_follows_a_bad_request_is_not_read(client, origin, case):
    """Neither what came with it nor what comes after its answer."""
    client.send(CASES[case][0] + SOON)
    assert client.response().status == 400
    with suppress(OSError):
        client.send(SOON)
    assert client.rest() == b""
    assert origin.pending() == 0
