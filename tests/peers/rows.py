"""The rows of the transparency matrix: messages that a proxy is tempted to change."""

from __future__ import annotations

import gzip
from typing import NamedTuple

from tests.wire import chunked, request, response

OK = response(b"ok")


class Row(NamedTuple):
    """One exchange, and what Outrider may change in it."""

    title: str
    sent: bytes
    answer: bytes = OK
    strict: bool = False
    """The spelling and the order of names are this row's question."""
    documented: str = ""
    """What Outrider changes, and its contract or an RFC says so."""
    why: str = ""


def asks(title: str, *lines: bytes, target: bytes = b"/", **more) -> Row:
    """A GET with these field lines."""
    return Row(title, request(b"GET", target, *lines), **more)


def posts(title: str, sent: bytes, **more) -> Row:
    return Row(title, sent, **more)


def answers(title: str, answer: bytes, sent: bytes = request(), **more) -> Row:
    """A plain GET that is answered so."""
    return Row(title, sent, answer, **more)


def status(title: str, line: bytes, *lines: bytes, **more) -> Row:
    return answers(title, response(b"body", *lines, status=line), **more)


def bodiless(title: str, line: bytes, *lines: bytes, **more) -> Row:
    return answers(title, response(b"", *lines, status=line, length=False), **more)


TOKEN_NAME = b"!#$%&'*+-.^`|~0aZ: every token character"
CHUNKED = b"Transfer-Encoding: chunked"
TYPE = b"Content-Type: application/octet-stream"
MANY = [b"X-%d: value" % n for n in range(150)]
GZIP = gzip.compress(b"zip" * 1000, mtime=0)
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
DATED = (b"Date: Tue, 01 Jan 2030 00:00:00 GMT", b"Server: model/1")

REQUESTS = [
    asks("names keep their case", b"X-MiXed: 1", b"x-lower: 2", b"X-UPPER: 3", strict=True),
    asks("fields keep their order", b"X-B: 1", b"X-A: 2", b"X-C: 3", b"Accept: */*", strict=True),
    asks("duplicates stay apart and in order", b"X-D: 1", b"X-E: 2", b"x-d: 3", b"X-D: 1"),
    asks("an empty value", b"X-Empty:", b"X-After: 1"),
    asks("latin-1 bytes in a value", b"X-Latin: caf\xe9 \xa0\xff"),
    asks("UTF-8 in a value", "X-Utf8: é€".encode()),
    asks("whitespace inside a value", b"X-Space: a  b\t c"),
    asks("whitespace around a value is not of it", b"X-Ows: \t a \t "),
    asks("an underscore in a name", b"X_Under_Score: 1"),
    asks("every token character in a name", TOKEN_NAME),
    asks("a value of 9 kB", b"X-Long: " + b"l" * 9_000),
    asks("a value of 30 kB", b"X-Long: " + b"l" * 30_000),
    asks("150 fields", *MANY),
    asks("two Cookie fields", b"Cookie: a=b", b"Cookie: c=d"),
    asks("Authorization, Range, conditions", b"Authorization: Bearer a==", b"Range: bytes=0-9",
         b'If-None-Match: W/"x"', b"Cache-Control: no-cache"),
    asks("a trace context", b"traceparent: 00-%b-%b-01" % (b"a" * 32, b"b" * 16),
         b"tracestate: x=1", b"tracestate: y=2"),
    asks("a Via of before", b"Via: 1.0 first", documented="`via` changed",
         why="ours is added behind it (RFC 9110 7.6.3)"),
    asks("X-Forwarded-For of a stranger", b"X-Forwarded-For: 6.6.6.6",
         documented="`x-forwarded-for` changed", why="claims count from `trusted_proxies` only"),
    asks("Accept-Encoding", b"Accept-Encoding: br;q=0.5, identity"),
    asks("fields that Connection names go", b"Connection: X-Hop", b"X-Hop: 1",
         documented="`x-hop` gone", why="RFC 9110 7.6.1"),
    asks("Max-Forwards and Priority", b"Max-Forwards: 7", b"Priority: u=1"),
    Row("a Host with port and capitals", b"GET / HTTP/1.1\r\nHost: Model.TEST:8080\r\n\r\n"),
    asks("target: `%2F`", target=b"/a%2Fb%2fc"),
    asks("target: `//`", target=b"//double//slash"),
    asks("target: `..`", target=b"/a/../b/./c"),
    asks("target: `;` and `:`", target=b"/v1/models/m:predict;p=1,2"),
    asks("target: empty query", target=b"/a?"),
    asks("target: `?` and `&` in the query", target=b"/??x=%00&&=;"),
    asks("target: `%zz`", target=b"/%zz%"),
    asks("target: quotes and brackets", target=b'/"<>\\^`{|}[]'),
    asks("target: 8 kB", target=b"/" + b"x" * 8_000),
    asks("target: absolute form", target=b"http://model.test/absolute?x=%2F"),
    Row("target: `*`", request(b"OPTIONS", b"*")),
    Row("an HTTP/1.0 client", b"GET /old HTTP/1.0\r\nHost: model.test\r\n\r\n"),
    Row("a POST of length 0", request(b"POST", b"/", body=b"")),
    Row("a POST without a body", request(b"POST", b"/")),
    Row("a GET with a body", request(b"GET", b"/", body=b"body")),
    Row("a DELETE with a body", request(b"DELETE", b"/", body=b"body")),
    Row("PROPFIND", request(b"PROPFIND", b"/")),
    Row("a method nobody knows", request(b"FROB", b"/"), documented="refused: 400",
        why="the contract"),
    Row("a chunked body", request(b"POST", b"/", CHUNKED) + chunked(b"ab", b"c" * 300)),
    Row("chunk extensions", request(b"POST", b"/", CHUNKED) + b'2;a=b;c="d"\r\nab\r\n0\r\n\r\n'),
    Row("trailers of a request", request(b"POST", b"/", CHUNKED, b"Trailer: X-Sum")
        + chunked(b"ab", trailers=b"X-Sum: 1\r\n")),
    Row("a compressed body of a request", request(b"POST", b"/", b"Content-Encoding: gzip",
        body=GZIP)),
    Row("a body of 256 kB", request(b"POST", b"/", body=bytes(range(256)) * 1024)),
]  # fmt: skip

RESPONSES = [
    answers("names keep their case",
            response(b"ok", b"X-MiXed: 1", b"x-lower: 2", b"ETag: 3"), strict=True),
    answers("fields keep their order",
            response(b"ok", b"X-B: 1", b"X-A: 2", b"X-C: 3", b"Age: 4"), strict=True),
    answers("duplicates stay apart and in order",
            response(b"ok", b"X-D: 1", b"X-E: 2", b"x-d: 3", b"X-D: 1")),
    answers("several Set-Cookie",
            response(b"ok", b"Set-Cookie: a=1", b"Set-Cookie: b=2; Expires=Wed, 01 Jan 2031 "
                     b"00:00:00 GMT", b"Set-Cookie: a=1")),
    answers("an empty value", response(b"ok", b"X-Empty:", b"X-After: 1")),
    answers("latin-1 bytes in a value", response(b"ok", b"X-Latin: caf\xe9 \xa0\xff")),
    answers("whitespace inside a value", response(b"ok", b"X-Space: a  b\t c")),
    answers("whitespace around a value is not of it", response(b"ok", b"X-Ows: \t a \t ")),
    answers("an underscore in a name", response(b"ok", b"X_Under_Score: 1")),
    answers("every token character in a name", response(b"ok", TOKEN_NAME)),
    answers("a value of 9 kB", response(b"ok", b"X-Long: " + b"l" * 9_000)),
    answers("a value of 30 kB", response(b"ok", b"X-Long: " + b"l" * 30_000)),
    answers("150 fields", response(b"ok", *MANY)),
    answers("Date and Server of the origin", response(b"ok", *DATED)),
    answers("X-Accel-Redirect", response(b"ok", b"X-Accel-Redirect: /other")),
    answers("fields that Connection names go",
            response(b"ok", b"Connection: X-Hop", b"X-Hop: 1"),
            documented="`x-hop` gone", why="RFC 9110 7.6.1"),
    answers("a compressed body", response(GZIP, b"Content-Encoding: gzip")),
    answers("a body of 256 kB", response(bytes(range(256)) * 1024, TYPE)),
    answers("a chunked body", response(b"", CHUNKED, length=False) + chunked(b"ab", b"c" * 300)),
    answers("trailers of a response", response(b"", CHUNKED, b"Trailer: X-Sum", length=False)
            + chunked(b"ab", trailers=b"X-Sum: 1\r\n")),
    answers("a body that ends with the connection",
            response(b"", TYPE, b"Connection: close", length=False) + b"to the end"),
    answers("an origin of HTTP/1.0",
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
    answers("chunks for a client of HTTP/1.0",
            response(b"", CHUNKED, length=False) + chunked(b"ab", b"cd"),
            b"GET / HTTP/1.0\r\nHost: model.test\r\n\r\n"),
    status("a reason phrase of its own", b"200 Tout va bien"),
    status("an empty reason phrase", b"200 "),
    status("a latin-1 reason phrase", b"200 tr\xe8s bien"),
    answers("103 Early Hints", HINTS + OK),
    answers("two 103 and a 102", HINTS + b"HTTP/1.1 102 Processing\r\n\r\n" + HINTS + OK),
    answers("HEAD with Content-Length", response(b"", b"Content-Length: 77", length=False),
            request(b"HEAD")),
    answers("HEAD without Content-Length", response(b"", b"X-A: 1", length=False),
            request(b"HEAD")),
    bodiless("304 with Content-Length", b"304 Not Modified", b"Content-Length: 77", b"ETag: 1"),
    bodiless("304 without", b"304 Not Modified", b"ETag: 1"),
    bodiless("204", b"204 No Content", b"X-A: 1"),
    bodiless("204 with Content-Length", b"204 No Content", b"Content-Length: 0",
             documented="`content-length` gone", why="RFC 9110 8.6 forbids it there"),
    answers("205", response(b"", status=b"205 Reset Content")),
    status("206 with Content-Range", b"206 Partial Content", b"Content-Range: bytes 0-3/9"),
    status("299", b"299 Odd"),
    status("401 with WWW-Authenticate", b"401 Unauthorized", b"WWW-Authenticate: Basic"),
    status("429 with Retry-After", b"429 Too Many Requests", b"Retry-After: 7"),
    status("503 with a body", b"503 Service Unavailable", b"Retry-After: 7"),
    status("599", b"599 Odd"),
    status("600", b"600 Beyond"),
    status("999", b"999 Beyond"),
    status("302 with Location", b"302 Found", b"Location: http://127.0.0.1/there"),
]  # fmt: skip
