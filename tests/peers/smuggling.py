"""Streams of bytes that two servers may take for different requests.

Rule: in each, `/smuggled/NAME` is a request only to a server that reads the stream wrongly. What
an honest reader finds in it is said by `strictly`.
"""

from __future__ import annotations

import re

from tests.peers.talk import Kept
from tests.wire import IncompleteError, MalformedError

HOST = b"Host: model.test\r\n"
END = b"0\r\n\r\n"
WEBSOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
GET = b"GET /case/%b HTTP/1.1\r\n" + HOST
TE = b"Transfer-Encoding: chunked\r\n"


def _hidden(name: str) -> bytes:
    return b"GET /smuggled/%b HTTP/1.1\r\n" % name.encode() + HOST + b"\r\n"


def _post(lines: bytes, body: bytes, target: bytes = b"/case/%b", version: bytes = b"1.1") -> bytes:
    return b"POST " + target + b" HTTP/" + version + b"\r\n" + HOST + lines + b"\r\n" + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


S = b"%SMUGGLED%"
"""Where the hidden request stands; `%b` in a target becomes the case's name."""


def _length(of: bytes = S) -> bytes:
    return b"Content-Length: %LENGTH%\r\n" if of is S else b"Content-Length: %d\r\n" % len(of)


CODINGS = {
    "xchunked": b"xchunked",
    "chunked, identity": b"chunked, identity",
    "identity, chunked": b"identity, chunked",
    "gzip, chunked": b"gzip, chunked",
    "chunked, chunked": b"chunked, chunked",
    "chunked;": b"chunked;",
    "chunked;q=1": b"chunked;q=1",
    "trailing comma": b"chunked,",
    "leading comma": b",chunked",
    "quoted": b'"chunked"',
    "vertical tab": b"\x0bchunked",
    "form feed": b"\x0cchunked",
    "NUL": b"chunked\0",
    "nbsp": b"\xa0chunked",
    "kelvin sign": "chun\u212aed".encode(),
    "bare CR": b"\rchunked",
    "bare LF": b"\nchunked",
    "folded": b"\r\n chunked",
    "empty": b"",
    "x then chunked": b"x\r\nTransfer-Encoding: chunked",
    "chunked then x": b"chunked\r\nTransfer-Encoding: x",
}
NAMES = {
    "space before colon": b"Transfer-Encoding : chunked\r\n",
    "tab before colon": b"Transfer-Encoding\t: chunked\r\n",
    "leading space": b" Transfer-Encoding: chunked\r\n",
    "underscore": b"Transfer_Encoding: chunked\r\n",
    "NUL in name": b"Transfer-\0Encoding: chunked\r\n",
    "latin-1 in name": b"Transfer-Encoding\xad: chunked\r\n",
    "bare LF before": b"X: y\nTransfer-Encoding: chunked\r\n",
    "bare CR before": b"X: y\rTransfer-Encoding: chunked\r\n",
    "CR CR LF before": b"X: y\r\r\nTransfer-Encoding: chunked\r\n",
    "folded into the one before": b"X: y\r\n Transfer-Encoding: chunked\r\n",
    "no colon": b"Transfer-Encoding\r\n: chunked\r\n",
}
LENGTHS = {
    "plus": b"+5", "minus": b"-5", "hex": b"0x5", "octal": b"0o5", "underscore": b"5_0",
    "exponent": b"5e0", "decimal point": b"5.0", "leading zeros": b"0005", "list": b"5, 5",
    "list of two": b"5, 0", "space within": b"5 0", "vertical tab": b"\x0b5", "NUL": b"5\0",
    "empty": b"", "letters": b"five", "overflow": b"18446744073709551621", "nbsp": b"5\xa0",
    "full-width digit": "\uff15".encode(), "two equal": b"5\r\nContent-Length: 5",
    "two different": b"5\r\nContent-Length: 0", "folded": b"\r\n 5", "with a comment": b"5 (five)",
}  # fmt: skip
SIZES = {
    "0x": b"0x5", "plus": b"+5", "minus": b"-5", "space before": b" 5", "space after": b"5 ",
    "tab after": b"5\t", "underscore": b"0_5", "seventeen digits": b"00000000000000005",
    "overflow": b"10000000000000005", "not hex": b"5g", "empty": b"", "NUL": b"5\0",
    "bare LF": b"5\nX", "bare CR": b"5\rX", "extension with LF": b"5;a\n", "extension": b"5;a=b",
    "extension with CR": b"5;a\rb", "quoted LF": b'5;a="\n"', "lone semicolon": b"5;",
    "bad extension": b"5 a",
}  # fmt: skip


def _cases() -> dict[str, bytes]:
    found = {
        "CL.TE": _post(_length(END + S) + TE, END + S),
        "TE.CL": _post(TE + b"Content-Length: 4\r\n", b"%LENGTHHEX%\r\n" + S + b"\r\n" + END),
        "0.CL with GET": GET + _length() + b"\r\n" + S,
        "CL.0 with POST": _post(_length(), S),
        "0.TE": GET + TE + b"\r\n" + b"%CHUNK%" + END,
        "early answer, length": _post(_length(), S, b"/early/%b"),
        "early answer, chunks": _post(TE, b"%CHUNK%" + END, b"/early/%b"),
        "early answer, expect": _post(b"Expect: 100-continue\r\n" + _length(), S, b"/early/%b"),
        "expect, body at once": _post(b"Expect: 100-continue\r\n" + _length(), S),
        "expect with odd spelling": _post(b"Expect: y 100-continue\r\n" + _length(), S),
        "expect twice": _post(b"Expect: 100-continue\r\nExpect: x\r\n" + _length(), S),
        "expect without a body": GET + b"Expect: 100-continue\r\n\r\n",
        "HTTP/1.0 with TE": _post(TE, END + S, version=b"1.0"),
        "HTTP/1.0 keep-alive with TE": _post(
            b"Connection: keep-alive\r\n" + TE, END + S, version=b"1.0"),
        "HTTP/1.0 keep-alive with TE and CL": _post(
            b"Connection: keep-alive\r\n" + TE + _length(END + S), END + S, version=b"1.0"),
        "Connection names Content-Length": _post(b"Connection: Content-Length\r\n" + _length(), S),
        "Connection names Transfer-Encoding": _post(
            b"Connection: Transfer-Encoding\r\n" + TE, b"%CHUNK%" + END),
        "Connection names Host": b"GET /case/%b HTTP/1.1\r\nConnection: Host\r\n" + HOST + b"\r\n",
        "h2c upgrade": GET + b"Connection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n" + _length() + b"\r\n" + S,
        "websocket with a length": GET + WEBSOCKET + _length()
        + b"\r\n" + S,
        "websocket with chunks": GET + WEBSOCKET + TE + b"\r\n"
        b"%CHUNK%" + END,
        "websocket, then a request": GET + WEBSOCKET + b"\r\n" + S,
        "websocket of another version": GET
        + WEBSOCKET.replace(b"13", b"9") + b"\r\n" + S,
        "websocket by POST": _post(WEBSOCKET + _length(), S),
        "websocket and h2c": GET + b"Upgrade: h2c\r\n" + WEBSOCKET
        + _length() + b"\r\n" + S,
        "two hosts": b"GET /case/%b HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + S,
        "host against the target": b"GET http://a.test/smuggled/%b HTTP/1.1\r\n" + HOST + b"\r\n",
        "absolute form, then a request": b"GET http://evil.test HTTP/1.1\r\n" + HOST + b"\r\n" + S,
        "request line with bare LF": b"GET /case/%b HTTP/1.1\n" + HOST + b"\n" + S,
        "request line with bare CR": b"GET /case/%b HTTP/1.1\rX: " + S,
        "target with a line break": b"GET /case/%b%0d%0a HTTP/1.1\r\n" + HOST + b"X: y\n\n" + S,
        "version with a line break": b"GET /case/%b HTTP/1.1\x0b\r\n" + HOST + b"\r\n" + S,
        "no version": b"GET /case/%b\r\n" + S,
        "head ended by LF": GET + b"\n" + S,
        "head ended by CR LF LF": GET + b"X: y\r\n\n" + S,
        "line of a space": GET + b" \r\n" + S,
        "value with CR LF hidden by NUL": GET + b"X: \0\r\n\r\n" + S,
        "chunk longer than its size": _post(TE, b"1\r\nab\r\n" + END + S),
        "chunk ended by LF": _post(TE, b"1\r\na\n" + END + S),
        "last chunk ended by LF": _post(TE, b"1\r\na\r\n0\n\n" + S),
        "last chunk of many zeros": _post(TE, b"1\r\na\r\n0000000000000000\r\n\r\n"),
        "trailer that frames": _post(TE, b"0\r\nContent-Length: 99\r\n\r\n" + S),
        "trailer that chunks": _post(TE, b"0\r\nTransfer-Encoding: chunked\r\n\r\n" + S),
        "trailer with bare LF": _post(TE, b"0\r\nX: y\n\n" + S),
        "trailer without a colon": _post(TE, b"0\r\nGET /x HTTP/1.1\r\n\r\n" + S),
        "trailer folded": _post(TE, b"0\r\nX: y\r\n z\r\n\r\n" + S),
        "hidden in a chunk": _post(TE, b"%CHUNK%" + END),
        "hidden in an extension": _post(TE, b"1;" + S),
        "hidden behind CONNECT": b"CONNECT model.test:80 HTTP/1.1\r\n" + HOST + b"\r\n" + S,
        "hidden behind an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + S,
    }  # fmt: skip
    for name, coding in CODINGS.items():
        te = b"Transfer-Encoding: " + coding + b"\r\n"
        found[f"TE {name}"] = _post(te, END + S)
        found[f"CL and TE {name}"] = _post(_length(END + S) + te, END + S)
    for name, line in NAMES.items():
        found[f"TE named with {name}"] = _post(_length(END + S) + line, END + S)
    for name, value in LENGTHS.items():
        found[f"CL {name}"] = _post(b"Content-Length: " + value + b"\r\n", b"12345" + S)
    for name, size in SIZES.items():
        found[f"chunk size {name}"] = _post(TE, size + b"\r\nabcde\r\n" + END + S)
    return found


def _filled(name: str, stream: bytes) -> bytes:
    """The stream with its name and its hidden request, whose length is counted where it stands."""
    safe = re.sub(r"[^a-z0-9]+", "-", name.lower())
    hidden = _hidden(safe)
    whole = END + hidden if END + S in stream and b"%LENGTH%" in stream else hidden
    for mark, value in {
        b"/%b": b"/" + safe.encode(),
        b"%LENGTHHEX%": b"%x" % len(hidden),
        b"%LENGTH%": b"%d" % len(whole),
        b"%CHUNK%": _chunk(hidden),
        S: hidden,
    }.items():
        stream = stream.replace(mark, value)
    return stream


CASES = {name: _filled(name, stream) for name, stream in _cases().items()}


def strictly(stream: bytes) -> list[bytes]:
    """Targets of the requests that are in the stream by RFC 9112, to the first that is none.

    A request whose body is not whole, or spoilt on the way, is one, and the last; so is one that
    asks for an upgrade: what follows it is of no protocol until it is answered.
    """
    kept = Kept(stream)
    found: list[bytes] = []
    while True:
        try:
            head = kept.head()
        except (MalformedError, IncompleteError):
            return found
        old = head.start.endswith(b"HTTP/1.0") and head.all(b"transfer-encoding")
        if old or len(head.all(b"host")) != 1:
            return found
        try:
            kept.body(head, default="none")
        except (MalformedError, IncompleteError):
            return [*found, head.target] if head.framing != "none" else found
        found.append(head.target)
        if b"websocket" in head.tokens(b"upgrade"):
            return found
