"""Malformed requests in every place where RFC 9110 and 9112 say what a request is.

Rule: made, not collected: tables of what may be wrong times where it may stand. A few of the
products are valid after all (a byte that may stand there); the tests hold for those too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from tests.wire import chunked, request

HOST = b"Host: model.test\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: model.test\r\n\r\n"
CONTROLS = [bytes([n]) for n in (*range(0x20), 0x7F, 0x80, 0xA0, 0xFF)]
LENGTHS = (
    b"", b" ", b"-1", b"+5", b"05", b"0x5", b"5 5", b"5,5", b"5, 6", b"5;", b"5.0", b"5e0", b"1_0",
    b"\t5\t", b"\x0b5", b"5\x0c", b"\xb2", b"five", b"5\0", b"99999999999999999999", b"1" * 40,
    b"9223372036854775808", b"18446744073709551621", b"4294967301", b'"5"', b"(5)", b"5\r",
)  # fmt: skip
CODINGS = (
    b"chunked", b"Chunked", b"CHUNKED ", b"chunked,", b",chunked", b"chunked, chunked", b"xchunked",
    b"chunked, gzip", b"gzip, chunked", b"identity", b"chunked, identity", b'"chunked"',
    b"'chunked'", b"chunked;q=1", b"chunked\0", b"\x0bchunked", b"chunked\x0b", b"\x00chunked",
    b"chunk", b"cow", b"chunke\xc4\x91", b"\xefchunked", b"chunked\x7f", b" \t chunked \t",
    b"chun ked", b"", b"0", b";",
)  # fmt: skip
HOSTS = (
    b"", b" ", b"a/b", b"a b", b"a@b", b"a,b", b"a:b", b"a:80:80", b"a:99999999", b"[::1", b"::1",
    b"[x]", b"a\\b", b"a?b", b"a#b", b"a<b>", b"a\xe9", b"http://a", b"a\tb", b"a;b\0", b"a|b",
)  # fmt: skip
SIZES = (
    b"", b" ", b"g", b"-3", b"+3", b"0x3", b"3 ", b" 3", b"3\t", b"3;", b"3;a", b"3;a=", b'3;a="b',
    b"3;\0", b"3;a\r", b"3;a\nb", b"3\r", b"3\n", b"003", b"3.0", b"3,3", b"3_0",
    b"fffffffffffffffff", b"ffffffffffffffff", b"10000000000000003", b"100000003",
    b"0000000000000000000003", b"\xb3", b"3:a",
)  # fmt: skip
TRAILERS = (
    b"Content-Length: 4\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"X : y\r\n",
    b": y\r\n", b"X\r\n", b" X: y\r\n", b"X: y\n", b"X: \0\r\n", b"X: a\r\n b\r\n",
    b"Trailer: X\r\n", b"X\xe9: y\r\n", b"Connection: close\r\n", b"Upgrade: websocket\r\n",
    b"X-Request-Id: 7\r\n", b"Authorization: a\r\n",
)  # fmt: skip
LINES = (
    b"GET  / HTTP/1.1", b" GET / HTTP/1.1", b"GET / HTTP/1.1 ", b"GET /  HTTP/1.1",
    b"GET\t/\tHTTP/1.1", b"GET / HTTP/1.1 x", b"GET / x HTTP/1.1", b"GET /", b"GET", b"", b"/",
    b"GET HTTP/1.1", b"GET / HTTP", b"GET / HTTP/", b"GET / HTTP/1", b"GET / HTTP/1.",
    b"GET / HTTP/.1", b"GET / HTTP/11", b"GET / HTTP/1.10", b"GET / HTTP/01.1", b"GET / HTTP/1.2",
    b"GET / HTTP/2.0", b"GET / HTTP/0.9", b"GET / HTTP/3", b"GET / http/1.1", b"GET / HTTPS/1.1",
    b"GET / HTTP/-1.1", b"GET / HTTP/1,1", b"get / HTTP/1.1", b"GeT / HTTP/1.1", b"FROB / HTTP/1.1",
    b"G(T / HTTP/1.1", b"GET,POST / HTTP/1.1", b"PRI * HTTP/2.0", b"OPTIONS * RTSP/1.0",
    b"SOURCE / ICE/1.0", b"CONNECT a:1 HTTP/1.1", b"CONNECT / HTTP/1.1", b"GET * HTTP/1.1",
    b"GET a HTTP/1.1", b"GET a:80 HTTP/1.1", b"GET //a HTTP/1.1", b"GET http:// HTTP/1.1",
    b"GET http:///x HTTP/1.1", b"GET http://b/ HTTP/1.1", b"GET http://u@model.test/ HTTP/1.1",
    b"GET ftp://model.test HTTP/1.1", b"GET /#x HTTP/1.1", b"GET ? HTTP/1.1", b"GET /%zz HTTP/1.1",
    b"GET /% HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /\\..\\x HTTP/1.1", b"GET /<> HTTP/1.1",
    b'GET /"{}|^`" HTTP/1.1', b"GET /caf\xc3\xa9 HTTP/1.1", b"\x16\x03\x01\x02\x00", b"\0" * 20,
    b"\xff\xfe",
)  # fmt: skip
OPTIONS = (
    b"content-length", b"transfer-encoding", b"host", b"x-request-id", b"via",
    b"close, content-length", b"content-length, transfer-encoding, close", b"\0", b"a b", b",,,",
    b"close;", b"cl\xf6se", b"upgrade",
)  # fmt: skip


def post(*lines: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    fields = b"".join(line + b"\r\n" for line in lines)
    return b"POST /p HTTP/" + version + b"\r\n" + HOST + fields + b"\r\n" + body


def framings() -> Iterator[bytes]:
    """RFC 9112 section 6: lengths and codings, alone and against each other, over a hidden one."""
    chunks = chunked(b"abc")
    for value in LENGTHS:
        length = b"Content-Length: " + value
        yield post(length, body=b"hello")
        yield post(length, b"Content-Length: 5", body=b"hello")
        yield post(b"Content-Length: 5", length, body=b"hello" + HIDDEN)
        yield post(length, b"Transfer-Encoding: chunked", body=chunks)
        yield post(b"Transfer-Encoding: chunked", length, body=chunks + HIDDEN)
    for value in CODINGS:
        coding = b"Transfer-Encoding: " + value
        yield post(coding, body=chunks)
        yield post(coding, body=chunks, version=b"1.0")
        yield post(b"Content-Length: 3", coding, body=chunks)
        yield post(coding, b"Content-Length: %d" % len(chunks), body=chunks + HIDDEN)
        yield post(coding, b"Transfer-Encoding: chunked", body=chunks)
        yield post(coding, body=b"0\r\n\r\n" + HIDDEN)


def names() -> Iterator[bytes]:
    """A framing field that is not quite one: whoever reads it as one sees another message."""
    for byte, name in product(CONTROLS, (b"Content-Length", b"Transfer-Encoding")):
        value = b": 46" if name == b"Content-Length" else b": chunked"
        yield post(name + byte + value, body=HIDDEN)
        yield post(byte + name + value, body=b"0\r\n\r\n" + HIDDEN)
        yield post(name[:7] + byte + name[8:] + value, body=HIDDEN)
    for name in (
        b"Content_Length",
        b"Content Length",
        b"Content-Length:",
        b"content-length\xad",
        b"Content\\-Length",
    ):
        yield post(name + b": 5", body=HIDDEN)


def values() -> Iterator[bytes]:
    """RFC 9110 section 5.5 and RFC 9112 section 5: bytes in values, and lines that are no field."""
    for byte in CONTROLS:
        yield post(b"X-A: " + byte + b"b")
        yield post(b"X-A: a" + byte + b"Content-Length: 5", body=HIDDEN)
        yield post(b"X-A: a" + byte)
    for line in (
        b"X-A",
        b": 1",
        b" X-A: 1",
        b"\tX-A: 1",
        b"X A: 1",
        b"X(A): 1",
        b"=: 1",
        b"X-A :1",
        b"X-A\r: 1",
    ):
        yield post(line)
        yield post(b"X-B: 1", line, b"Content-Length: 0")


def lines() -> Iterator[bytes]:
    """RFC 9112 section 3: the request line, and Host."""
    for line in LINES:
        yield line + b"\r\n" + HOST + b"\r\n"
        yield line + b"\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc" + HIDDEN
    for byte in CONTROLS:
        yield b"GE" + byte + b"T / HTTP/1.1\r\n" + HOST + b"\r\n"
        yield b"GET /a" + byte + b"b HTTP/1.1\r\n" + HOST + b"\r\n"
        yield b"GET /" + byte + b"HTTP/1.1\r\n" + HOST + b"\r\n"
        yield b"GET / HTTP/1.1" + byte + b"\r\n" + HOST + b"\r\n"
        yield byte + b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
    for host in HOSTS:
        field = b"Host: " + host + b"\r\n"
        for version, fields in product((b"1.1", b"1.0"), (field, field + HOST, HOST + field)):
            yield b"GET / HTTP/" + version + b"\r\n" + fields + b"\r\n"


def chunkings() -> Iterator[bytes]:
    """RFC 9112 section 7.1: sizes, extensions, ends of chunks, trailers."""
    coded = b"Transfer-Encoding: chunked"
    for size in SIZES:
        yield post(coded, body=size + b"\r\nabc\r\n0\r\n\r\n" + HIDDEN)
        yield post(coded, body=b"3\r\nabc\r\n" + size + b"\r\nabc\r\n0\r\n\r\n")
        yield post(coded, body=b"3\r\nabc\r\n" + size.replace(b"3", b"0") + b"\r\n\r\n" + HIDDEN)
    for end in (
        b"",
        b"\n",
        b"\r",
        b"\r\r\n",
        b"\n\r",
        b"x\r\n",
        b" \r\n",
        b"\0\0",
        b"\r\n\r\n",
        b"\r\n\n",
    ):
        yield post(coded, body=b"3\r\nabc" + end + b"0\r\n\r\n" + HIDDEN)
        yield post(coded, body=b"3\r\nabc\r\n0\r\n" + end + HIDDEN)
        yield post(coded, body=b"3" + end + b"abc\r\n0\r\n\r\n")
    for trailer in TRAILERS:
        yield post(coded, body=b"3\r\nabc\r\n0\r\n" + trailer + b"\r\n" + HIDDEN)
        yield post(coded, b"Trailer: X", body=b"0\r\n" + trailer * 2 + b"\r\n")


def connections() -> Iterator[bytes]:
    """RFC 9110 section 7.6.1 and 7.8: what a peer would take out, or switch to."""
    for option in OPTIONS:
        yield post(b"Connection: " + option, b"Content-Length: %d" % len(HIDDEN), body=HIDDEN)
        yield post(b"Connection: " + option, b"Transfer-Encoding: chunked", body=chunked(b"abc"))
        for protocol in (b"websocket", b"h2c", b"TLS/1.0", b"websocket, h2c", b"\0"):
            more = (b"Connection: " + option, b"Connection: Upgrade", b"Upgrade: " + protocol)
            yield request(b"GET", b"/up", *more) + HIDDEN
            yield post(*more, b"Content-Length: 3", body=b"abc" + HIDDEN)


def endings() -> Iterator[bytes]:
    """RFC 9112 section 2.2: line ends that are none, each line of a request in turn."""
    whole = post(b"X-A: 1", b"Content-Length: 3", body=b"abc" + HIDDEN)
    parts = whole.split(b"\r\n")
    for at, end in product(
        range(5), (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\0\r\n", b"\r\n ", b"\x85", b"\r\n\n")
    ):
        yield b"\r\n".join(parts[: at + 1]) + end + b"\r\n".join(parts[at + 1 :])
    yield whole.replace(b"\r\n", b"\n")
    yield whole.replace(b"\r\n", b"\r")


def corpus() -> list[bytes]:
    """All of them, each once, always in the same order."""
    tables = (framings, names, values, lines, chunkings, connections, endings)
    return list(dict.fromkeys(one for table in tables for one in table()))
