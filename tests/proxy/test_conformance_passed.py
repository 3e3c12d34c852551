"""RFC 9110 and 9112, odd and valid: what of it reaches the origin, and whether the client is kept.

What Outrider adds to every request (`ADDED`) is left out here; `test_heads.py` has it.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.wire import Fields, chunked, request, response

ADDED = {b"via", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-request-id"}
HOST = (b"Host", b"model.test")
LINE = b"Host: model.test\r\n"
POST = b"POST / HTTP/1.1\r\n" + LINE
CODED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKED = (b"transfer-encoding", b"chunked")
OURS = (b"host", b"<the origin's own>")


class Case(NamedTuple):
    sent: bytes
    start: bytes = b"GET / HTTP/1.1"
    fields: Fields = [HOST]  # noqa: RUF012
    body: bytes = b""
    trailers: Fields = []  # noqa: RUF012
    kept: bool = True
    """The client's connection carries its next request."""


def get(*lines: bytes, kept: bool = True) -> Case:
    """A GET of which nothing is left but its Host."""
    return Case(request(b"GET", b"/", *lines), kept=kept)


def target(raw: bytes) -> Case:
    return Case(request(b"GET", raw), b"GET " + raw + b" HTTP/1.1")


def body(wire: bytes, data: bytes, trailers: Fields | None = None) -> Case:
    """A chunked body as it came, and what is in it."""
    return Case(CODED + wire, b"POST / HTTP/1.1", [HOST, CHUNKED], data, trailers or [])


def length(value: bytes, data: bytes) -> Case:
    sent = POST + b"Content-Length:" + value + b"\r\n\r\n" + data
    fields = [HOST, (b"Content-Length", value.strip())]
    return Case(sent, b"POST / HTTP/1.1", fields, data)


def method(name: bytes) -> Case:
    return Case(request(name), name + b" / HTTP/1.1")


CASES: dict[str, Case] = {
    # ---- lines and versions
    "9112 2.2: an empty line before it": Case(b"\r\n" + request()),
    "9112 2.2: two empty lines before it": Case(b"\r\n\r\n" + request()),
    "9112 2.3: HTTP/1.0": Case(b"GET / HTTP/1.0\r\n" + LINE + b"\r\n", kept=False),
    "9112 2.3: HTTP/1.0 without a Host": Case(
        b"GET / HTTP/1.0\r\n\r\n", fields=[OURS], kept=False
    ),
    "9112 6.3: HTTP/1.0 with a length": Case(
        b"POST / HTTP/1.0\r\n" + LINE + b"Content-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1", [HOST, (b"Content-Length", b"3")], b"abc", kept=False,
    ),
    # ---- targets: byte by byte
    "9112 3.2.1: escaped slashes": target(b"/a%2Fb%2fc"),
    "9112 3.2.1: double slashes": target(b"//double//slash"),
    "9112 3.2.1: dot segments": target(b"/a/../b/./c/..."),
    "9112 3.2.1: escapes that are none": target(b"/%zz%"),
    "9112 3.2.1: an escaped NUL": target(b"/%00"),
    "9112 3.2.1: parameters": target(b"/v1/models/m:predict;p=1,2"),
    "9112 3.2.1: quotes and other marks": target(b"/'()*!~@$_-."),
    "9112 3.2.1: what no URI has, in ASCII": target(b'/"<>\\^`{|}[]'),
    "9112 3.2.1: an empty query": target(b"/?"),
    "9112 3.2.1: a query of queries": target(b"/??a=b?c"),
    "9112 3.2.1: odd pairs": target(b"/?q=a+b&&=;"),
    "9112 3.2.1: escapes in a query": target(b"/?x=%00%ff%2F"),
    "9112 3.2.1: 8,000 bytes": target(b"/" + b"x" * 8000),
    "9112 3.2.2: absolute": target(b"http://model.test/a?x=%2F"),
    "9112 3.2.2: absolute without a path": target(b"http://model.test"),
    "9112 3.2.2: absolute in other letters": target(b"http://Model.TEST/"),
    "9112 3.2.2: absolute in 1.0 is its Host": Case(
        b"GET http://a.test:81/b HTTP/1.0\r\n\r\n", b"GET http://a.test:81/b HTTP/1.1",
        [(b"host", b"a.test:81")], kept=False,
    ),
    "9112 3.2.4: asterisk": Case(request(b"OPTIONS", b"*"), b"OPTIONS * HTTP/1.1"),
    # ---- Host
    "9112 3.2: an empty Host": Case(b"GET / HTTP/1.1\r\nHost:\r\n\r\n", fields=[OURS]),
    "9110 7.2: an address with a port": Case(
        b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", fields=[(b"Host", b"[::1]:80")]
    ),
    "9110 7.2: a port that is empty": Case(
        b"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", fields=[(b"Host", b"a:")]
    ),
    # ---- fields
    "9112 5: whitespace around a value": Case(
        b"GET / HTTP/1.1\r\nHost:\t model.test \t\r\nX-A:a \r\nX-B:\r\nX-C: \t \r\n\r\n",
        fields=[HOST, (b"X-A", b"a"), (b"X-B", b""), (b"X-C", b"")],
    ),
    "9110 5.5: obs-text and tabs": Case(
        request(b"GET", b"/", b"X-A: \xe9\ta\xff"), fields=[HOST, (b"X-A", b"\xe9\ta\xff")]
    ),
    "9110 5.6.2: every character of a token": Case(
        request(b"GET", b"/", b"!#$%&'*+-.^_`|~0aZ: 1"),
        fields=[HOST, (b"!#$%&'*+-.^_`|~0aZ", b"1")],
    ),
    "9110 5.3: order and case of equals": Case(
        request(b"GET", b"/", b"X-a: 2", b"x-A: 1", b"X-a: 2"),
        fields=[HOST, (b"X-a", b"2"), (b"x-A", b"1"), (b"X-a", b"2")],
    ),
    # ---- methods
    **{
        f"9110 9: {name.decode()}": method(name)
        for name in (b"DELETE", b"OPTIONS", b"TRACE", b"PATCH", b"PROPFIND", b"MKCOL", b"SEARCH")
    },
    "9110 9.3.1: a GET with a body": Case(
        request(b"GET", b"/", body=b"abc"), fields=[HOST, (b"Content-Length", b"3")], body=b"abc"
    ),
    # ---- framing
    "9110 8.6: a length of nothing": length(b" 0", b""),
    "9110 8.6: leading zeros": length(b" 0003", b"abc"),
    "9110 8.6: whitespace around a length": length(b"\t3 ", b"abc"),
    "9112 6.1: the coding in other letters": Case(
        POST + b"TRANSFER-encoding:  Chunked\r\n\r\n" + chunked(b"abc"),
        b"POST / HTTP/1.1", [HOST, CHUNKED], b"abc",
    ),
    "9112 6.1: no option takes the coding out": Case(
        POST + b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked(b"abc"), b"POST / HTTP/1.1", [HOST, CHUNKED], b"abc",
    ),
    "9112 7.1: no chunks": body(b"0\r\n\r\n", b""),
    "9112 7.1: zeros before sizes": body(b"0003\r\nabc\r\n000\r\n\r\n", b"abc"),
    "9112 7.1: sizes in both cases": body(
        b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", b"0123456789" * 2
    ),
    "9112 7.1.1: extensions": body(b'3;a;b=c;d="e f"\r\nabc\r\n0;x=y\r\n\r\n', b"abc"),
    "9112 7.1.1: an extension of 4,000 bytes": body(
        b"3;a=" + b"b" * 4000 + b"\r\nabc\r\n0\r\n\r\n", b"abc"
    ),
    "9112 7.1.2: trailers": body(
        chunked(b"abc", trailers=b"X-Sum: 1\r\nx-sum: \xe9\r\n"), b"abc",
        [(b"X-Sum", b"1"), (b"x-sum", b"\xe9")],
    ),
    "9112 7.1: a request in the chunks": body(
        chunked(request(b"GET", b"/hidden")), request(b"GET", b"/hidden")
    ),
    # ---- the connection
    "9112 9.3: keep-alive of old": get(b"Connection: keep-alive"),
    "9112 9.6: close": get(b"Connection: close", kept=False),
    "9112 9.6: close in a list": get(b"Connection: x-a , CLOSE", b"X-A: 1", kept=False),
    "9112 9.6: close in the second field": get(
        b"Connection: x-a", b"Connection: close", b"X-A: 1", kept=False
    ),
    "9112 9.3: close over keep-alive": get(b"Connection: keep-alive, close", kept=False),
    "9112 9.3: HTTP/1.0 and keep-alive": Case(
        b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" + LINE + b"\r\n"
    ),
    "9112 9.3: HTTP/1.0, keep-alive and close": Case(
        b"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n" + LINE + b"\r\n", kept=False
    ),
    "9110 7.6.1: options that name nothing": get(b"Connection: ,, x-none ,"),
    "9110 7.6.1: options of a field that comes first": get(b"X-A: 1", b"Connection: X-A"),
    "9110 7.6.1: Keep-Alive": get(b"Keep-Alive: timeout=5"),
    "9110 7.6.1: Proxy-Connection": get(b"Proxy-Connection: close"),
    "9110 10.1.4: TE": get(b"TE: trailers, gzip", b"Connection: TE"),
    "9110 7.8: an Upgrade that is not offered": get(
        b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"
    ),
    "9110 7.8: an Upgrade without its option": get(b"Upgrade: websocket"),
    "9110 7.8: two Upgrades": get(
        b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: websocket"
    ),
    "9110 7.8: an Upgrade in HTTP/1.0": Case(
        b"GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + LINE + b"\r\n",
        kept=False,
    ),
    "9110 10.1.1: an expectation": Case(
        request(b"POST", b"/", b"Expect: 100-continue", body=b"abc"), b"POST / HTTP/1.1",
        [HOST, (b"Expect", b"100-continue"), (b"Content-Length", b"3")], b"abc",
    ),
    "9110 10.1.1: an unknown expectation": Case(
        request(b"GET", b"/", b"Expect: cake"), fields=[HOST, (b"Expect", b"cake")]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_arrives_as_it_should_and_is_answered(client, connect, origin, case):
    sent, start, fields, body, trailers, kept = CASES[case]
    ours = origin.url.removeprefix("http://").encode()
    for one in (client, connect()):  # the second time its head may be known
        one.send(sent)
        seen = origin.serve(response(b"done"))
        assert seen.start == start
        own = [(name, value) for name, value in seen.fields if name.lower() not in ADDED]
        assert own == [(b"host", ours) if field == OURS else field for field in fields]
        assert (seen.body, seen.trailers) == (body, trailers)
        got = one.response(seen.method)
        assert (got.status, got.body) == (200, b"done")
        said = got.tokens(b"connection")
        if not kept:
            assert b"close" in said
            assert one.end() == "eof"
            continue
        assert b"close" not in said
        one.send(request(b"GET", b"/after"))
        assert origin.serve().target == b"/after"
        assert one.response().body == b"ok"
