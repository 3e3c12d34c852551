"""MalformedError requests: a clear 4xx, a closed connection, and nothing reaches the origin."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from tests.harness import eventually
from tests.wire import IncompleteError, MalformedError, request, response

HOST = b"Host: model.test\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
TE = b"Transfer-Encoding: "
END = b"0\r\n\r\n"
SOON = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"

BAD: dict[str, tuple[bytes, set[int]]] = {
    # RFC 9112 6.1 and 6.3: framing
    "length and chunked": (POST + b"Content-Length: 5\r\n" + TE + b"chunked\r\n\r\n" + END, {400}),
    "chunked and length": (POST + TE + b"chunked\r\nContent-Length: 5\r\n\r\n" + END, {400}),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", {400}),
    "two equal lengths": (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", {400}),
    "list of lengths": (POST + b"Content-Length: 5, 5\r\n\r\nhello", {400}),
    "signed length": (POST + b"Content-Length: +5\r\n\r\nhello", {400}),
    "negative length": (POST + b"Content-Length: -5\r\n\r\nhello", {400}),
    "hex length": (POST + b"Content-Length: 0x5\r\n\r\nhello", {400}),
    "spaced length": (POST + b"Content-Length: 5 5\r\n\r\nhello", {400}),
    "empty length": (POST + b"Content-Length: \r\n\r\n", {400}),
    "huge length": (POST + b"Content-Length: 99999999999999999999\r\n\r\nx", {400, 413}),
    "chunked not last": (POST + TE + b"chunked, gzip\r\n\r\n" + END, {400, 501}),
    "chunked twice": (POST + TE + b"chunked, chunked\r\n\r\n" + END, {400}),
    "chunked in two fields": (POST + (TE + b"chunked\r\n") * 2 + b"\r\n" + END, {400}),
    "gzip then chunked": (POST + TE + b"gzip, chunked\r\n\r\n" + END, {400, 501}),
    "unknown coding": (POST + TE + b"xchunked\r\n\r\n" + END, {400, 501}),
    "identity": (POST + TE + b"identity\r\nContent-Length: 3\r\n\r\nabc", {400, 501}),
    "quoted coding": (POST + TE + b'"chunked"\r\n\r\n' + END, {400, 501}),
    "vertical tab before coding": (POST + TE + b"\x0bchunked\r\n\r\n" + END, {400, 501}),
    "coding in 1.0": (
        b"POST / HTTP/1.0\r\n" + HOST + TE + b"chunked\r\n\r\n" + END, {400}
    ),
    # RFC 9112 5: fields
    "obs-fold": (POST + b"X-A: 1\r\n  folded\r\n\r\n", {400}),
    "obs-fold with tab": (POST + b"X-A: 1\r\n\tTransfer-Encoding: chunked\r\n\r\n", {400}),
    "fold of the first field": (b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", {400}),
    "space before colon": (POST + b"Content-Length : 5\r\n\r\nhello", {400}),
    "space in name": (POST + b"X A: 1\r\n\r\n", {400}),
    "no colon": (POST + b"X-A\r\n\r\n", {400}),
    "empty name": (POST + b": 1\r\n\r\n", {400}),
    "NUL in value": (POST + b"X-A: a\0b\r\n\r\n", {400}),
    "NUL in name": (POST + b"X\0A: b\r\n\r\n", {400}),
    "control in value": (POST + b"X-A: a\x01b\r\n\r\n", {400}),
    "DEL in value": (POST + b"X-A: a\x7fb\r\n\r\n", {400}),
    "bare CR in value": (POST + b"X-A: a\rX-B: b\r\n\r\n", {400}),
    "bare LF between fields": (b"GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n", {400}),
    "bare LF everywhere": (b"GET / HTTP/1.1\nHost: a\n\n", {400}),
    "bare CR after the line": (b"GET / HTTP/1.1\rHost: a\r\n\r\n", {400}),
    "latin-1 in name": (POST + b"X-\xe9: 1\r\n\r\n", {400}),
    "parenthesis in name": (POST + b"X(A): 1\r\n\r\n", {400}),
    # RFC 9112 3.2: Host
    "no host": (b"GET / HTTP/1.1\r\nX-A: 1\r\n\r\n", {400}),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + b"Host: other\r\n\r\n", {400}),
    "two equal hosts": (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", {400}),
    "two hosts in 1.0": (b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n", {400}),
    "host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", {400}),
    "host with a space": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", {400}),
    "host with user": (b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", {400}),
    "host list": (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", {400}),
    # RFC 9112 3: request line
    "non-ASCII target": (b"GET /caf\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "space in target": (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "tab in target": (b"GET /a\tb HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "NUL in target": (b"GET /a\0b HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "fragment in target": (b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "relative target": (b"GET a HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "authority target": (b"GET model.test:80 HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "asterisk with GET": (b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "CONNECT": (b"CONNECT model.test:80 HTTP/1.1\r\n" + HOST + b"\r\n", {405}),
    "unknown method": (b"FROB / HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "lower-case method": (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
    "version 2.0": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", {400, 505}),
    "version 1.2": (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", {400, 505}),
    "version 0.9": (b"GET / HTTP/0.9\r\n" + HOST + b"\r\n", {400, 505}),
    "no version": (b"GET /\r\n" + HOST + b"\r\n", {400, 505}),
    "lower-case version": (b"GET / http/1.1\r\n" + HOST + b"\r\n", {400}),
    "long version": (b"GET / HTTP/1.10\r\n" + HOST + b"\r\n", {400, 505}),
    "RTSP": (b"OPTIONS * RTSP/1.0\r\n" + HOST + b"\r\n", {400}),
    "ICE": (b"SOURCE /a ICE/1.0\r\n" + HOST + b"\r\n", {400}),
    "leading space": (b" GET / HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "TLS to a plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20), {400}),
    "garbage": (b"\xff\xfe\x00garbage\r\n\r\n", {400}),
    # upgrades that carry more than a head (CVE-2026-69243)
    "upgrade with a body": (
        b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Content-Length: 4\r\n\r\nabcd", {400}
    ),
    "upgrade with chunks": (
        b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        + TE + b"chunked\r\n\r\n" + END, {400}
    ),
    # limits: 64 KiB of head, 256 fields
    "long target": (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", {414}),
    "long field": (POST + b"X-A: " + b"x" * 70_000 + b"\r\n\r\n", {431}),
    "long name": (POST + b"x" * 70_000 + b": 1\r\n\r\n", {431}),
    "long head": (POST + b"".join(b"X-%d: %s\r\n" % (n, b"v" * 900) for n in range(100)), {431}),
    "endless head": (POST + b"X-A: " + b"x" * 70_000, {431}),
    "endless target": (b"GET /" + b"x" * 70_000, {414, 431}),
    "long Connection": (POST + b"Connection: " + b"a," * 2_100 + b"\r\n\r\n", {431}),
    "many fields": (POST + b"".join(b"X-%d: v\r\n" % n for n in range(257)) + b"\r\n", {431}),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_is_refused_closed_and_kept_from_the_origin(client, connect, origin, case):
    sent, statuses = BAD[case]
    with suppress(OSError):  # it may close while we still send
        client.send(sent)
    got = client.response()
    assert got.status in statuses
    assert got.one(b"content-type").startswith(b"application/json")
    assert isinstance(json.loads(got.body), dict)
    assert b"close" in got.tokens(b"connection")
    assert client.rest() == b""

    canary = connect()
    canary.send(request(target=b"/canary"))
    assert origin.serve().target == b"/canary", "the first that the origin hears"
    assert canary.response().status == 200


def test_each_is_counted_once(connect, origin, proxy):
    """Unparsed heads as failed with client_protocol or limit, and in no request's duration."""
    before = proxy.metrics()
    for sent, _ in BAD.values():
        client = connect()
        with suppress(OSError):  # it may close while we still send
            client.send(sent)
        client.rest()
        client.close()
    failed = "outrider_requests_failed_total"

    def counted(scrape, reason: str) -> float:
        return scrape.value(failed, reason=reason) - before.value(failed, reason=reason)

    def total() -> bool:
        now = proxy.metrics()
        return counted(now, "client_protocol") + counted(now, "limit") == len(BAD)

    eventually(total, f"{len(BAD)} failures counted")
    limits = sum(statuses <= {414, 431} for _, statuses in BAD.values())
    assert counted(proxy.metrics(), "limit") == limits


def test_what_follows_a_bad_request_is_not_read(client, connect, origin):
    client.send(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n" + SOON)
    assert client.response().status == 400
    assert client.rest() == b""
    assert origin.pending() == 0


BAD_BODIES = {
    "size not hex": b"g\r\nabc\r\n",
    "size with 0x": b"0x3\r\nabc\r\n",
    "negative size": b"-3\r\nabc\r\n",
    "signed size": b"+3\r\nabc\r\n",
    "empty size": b"\r\nabc\r\n",
    "space before size": b" 3\r\nabc\r\n",
    "underscore in size": b"0_3\r\nabc\r\n",
    "size of 17 digits": b"10000000000000003\r\nabc\r\n",
    "size line with bare LF": b"3\nabc\r\n",
    "bare CR in extension": b"3;a\rb\r\nabc\r\n",
    "bare LF in extension": b"3;a\nb\r\nabc\r\n",
    "NUL in extension": b"3;a=\0\r\nabc\r\n",
    "data without CRLF": b"3\r\nabcX\r\n",
    "data with bare LF": b"3\r\nabc\n",
    "last chunk with bare LF": b"3\r\nabc\r\n0\n\n",
    "end with bare LF": b"3\r\nabc\r\n0\r\n\n",
    "trailer without colon": b"3\r\nabc\r\n0\r\nbad\r\n\r\n",
    "trailer with space before colon": b"3\r\nabc\r\n0\r\nX : 1\r\n\r\n",
    "trailer with NUL": b"3\r\nabc\r\n0\r\nX: \0\r\n\r\n",
    # RFC 9110 6.5.1: what frames or routes a message has no place in its trailers
    "Content-Length as trailer": b"3\r\nabc\r\n0\r\nContent-Length: 30\r\n\r\n",
    "Transfer-Encoding as trailer": b"3\r\nabc\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n",
    "Host as trailer": b"3\r\nabc\r\n0\r\nHost: evil\r\n\r\n",
    "trailer folded": b"3\r\nabc\r\n0\r\nX: 1\r\n 2\r\n\r\n",
    "trailers without end": b"3\r\nabc\r\n0\r\n" + b"X: v\r\n" * 50_000,
    "600 trailers in one read": b"3\r\nabc\r\n0\r\n" + b"X:\r\n" * 600 + b"\r\n",
    "one trailer of 70 kB": b"3\r\nabc\r\n0\r\nX: " + b"v" * 70_000 + b"\r\n\r\n",
    "extension of 70 kB": b"3;" + b"v" * 70_000 + b"\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_request_with_a_malformed_body_is_never_whole_at_the_origin(client, connect, origin, case):
    """The head may have gone out already; the request must not be taken for complete."""
    with suppress(OSError):  # it may close while we still send
        client.send(POST + TE + b"chunked\r\n\r\n" + BAD_BODIES[case], SOON)
    assert client.rest().startswith((b"HTTP/1.1 4", b"")), "a 4xx if anything"
    canary = connect()
    canary.send(request(target=b"/canary"))
    stream = origin.take()
    try:
        seen = stream.request()
    except (IncompleteError, MalformedError):
        stream = origin.take()
        seen = stream.request()
    assert seen.target == b"/canary"
    stream.send(response(b"ok"))
    assert canary.response().body == b"ok"


def test_malformed_body_is_answered_400(client, origin):
    client.send(POST + TE + b"chunked\r\n\r\nzz\r\n")
    got = client.response()
    assert got.status == 400
    assert b"close" in got.tokens(b"connection")
    assert client.rest() == b""
