"""From a client's bytes to one request at a time.

Rule: no sockets, no clocks; a sink is told what was found, and `BadMessage` is what a client did
wrong. Nothing behind the end of a request is parsed before that request was answered.

Theory. llhttp parses, and does not stop at the end of a message. So a read is given to it whole
unless it may hold the end of more than one; then it is cut where a message can end: behind a
Content-Length body, or behind an empty line (the end of a head or of a chunked body). What llhttp
lets through (spaces before the method, RTSP) shows in the raw request line, which is checked.
"""

from __future__ import annotations

from typing import Protocol

import httptools

from agent.exchange import Fields
from agent.proxy.head import BadMessage, RequestHead, may_be_trailers, read_request
from agent.proxy.hop import Hop
from agent.proxy.known import END

SLICE = 2 << 10
"""Bytes parsed at once where there is no Content-Length: so finely is a head, a trailer section
or a chunk's extension held to `limits.head_bytes`."""


class Sink(Protocol):
    """What is told of a request, in this order; pieces and the end may come in later reads."""

    def request_begun(self, method: bytes, target: bytes, version: str, fields: Fields) -> None:
        """A head was parsed; it may yet be refused."""

    def request_head(self, head: RequestHead, raw: bytes) -> None:
        """The head is good; `raw` begins with its bytes, or is empty if something precedes them."""

    def request_piece(self, piece: bytes) -> None:
        """A piece of the body, unframed."""

    def request_ended(self, trailers: Fields) -> None:
        """The request is whole."""


class RequestReader:
    """Reads the requests of one connection."""

    def __init__(self, hop: Hop, sink: Sink) -> None:
        self._hop = hop
        self._sink = sink
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._fields: Fields = []
        self._head: RequestHead | None = None
        """Of the request whose body is being read."""
        self._body_size = 0
        self._ended = False
        """A request ended in this read."""
        self._raw = b""
        """The bytes of a head that is not complete, from its first on."""
        self._tail = 0
        """Bytes of the last message behind its last empty line: of its body, if it had a length."""
        self._quiet = 0
        """Bytes read since the last one of a body: heads, trailers and chunk framing so far."""
        self._seam = b""
        """The last bytes read behind an empty line: the next may lie across two reads."""
        self._gathered: bytearray | None = None
        """Body of a read that is parsed in parts: small pieces would cost more than they hold."""
        self._muted = False
        """llhttp is being told again what it parsed already."""
        self._bad: BadMessage | None = None
        self.begun = False
        """A head has begun and is not complete."""

    def read(self, data: bytes) -> bytes:
        """Parses up to the end of one request; gives what lies behind it. Raises BadMessage."""
        self._ended = False
        if self._is_one_message(data):
            rest = self._feed(data)
            self._seam = _seam(self._seam, data)
            return rest
        self._gathered = bytearray()
        try:
            return self._read_in_parts(data)
        finally:
            self._gathered = None

    def _read_in_parts(self, data: bytes) -> bytes:
        at = 0
        while at < len(data):
            end = self._next_end(data, at)
            piece, at = data[at:end], end
            rest = self._feed(piece)
            self._seam = _seam(self._seam, piece)
            if self._ended:
                return rest + data[at:]
        self._tell_gathered()
        return b""

    def _is_one_message(self, data: bytes) -> bool:
        """Whether no two messages can be complete in this read."""
        head = self._head
        if head is not None and not head.chunked:
            return len(data) <= head.length - self._body_size
        if len(data) > SLICE:
            return False
        if data[0] in b"\r\n" and END in self._seam + data[:3]:
            return END not in data
        return data.count(END) <= 1

    def _next_end(self, data: bytes, at: int) -> int:
        """Up to where `data` may be parsed from `at` on without meeting a second message."""
        head = self._head
        if head is not None and not head.chunked:
            return at + head.length - self._body_size
        if head is None and not self.begun and (empty := _empty_lines(data, at)) > at:
            return empty
        seam = self._seam
        if at < len(seam):
            found = (seam + data[at : at + SLICE]).find(END)
            end = at + found - len(seam) + len(END)
        else:
            found = data.find(END, at - len(seam), at + SLICE)
            end = found + len(END)
        return max(end, at + 1) if found >= 0 else at + SLICE

    def _feed(self, data: bytes) -> bytes:
        """Gives what llhttp left behind an upgrade."""
        self._quiet += len(data)
        if self._head is None:
            self._raw = self._raw + data if self._raw else data
        rest = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = self._after_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserInvalidMethodError:
            raise BadMessage(400, "the request method is not known") from None
        except httptools.HttpParserInvalidURLError:
            raise BadMessage(400, "the request target has bytes that no URI has") from None
        except httptools.HttpParserError as error:
            raise self._bad or _plain(error) from None
        limits = self._hop.limits
        if self._quiet > limits.head_bytes or len(self._fields) > limits.fields:
            raise BadMessage(self._quiet_status(), "the request head is too large")
        if self.begun and not self._raw:
            whole = self._seam + data
            self._raw = whole[whole.find(END) + len(END) + self._tail :]
        return rest

    def _quiet_status(self) -> int:
        if self._head is not None:  # of its trailers or chunk framing
            return 400
        return 431 if b"\n" in self._raw.lstrip(b"\r\n") else 414

    def _after_upgrade(self, more: bytes) -> bytes:
        """llhttp stops at an upgrade: a tunnel waits for its 101, any other goes on as HTTP."""
        head = self._head
        if head is None or self._ended:
            return more
        self._parser = httptools.HttpRequestParser(self)
        self._muted = True
        framing = b"content-length: %d" % head.length
        if head.chunked:
            framing = b"transfer-encoding: chunked"
        self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
        return more if self._ended or not more else self.read(more)

    # ---- what llhttp found

    def on_message_begin(self) -> None:
        self.begun = True

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        fields, target = self._fields, self._target
        self._fields, self._target, self.begun = [], b"", False
        if self._muted:
            self._muted = False
            return
        try:
            self._head = self._read_head(target, fields)
        except BadMessage as bad:
            self._bad = bad
            raise
        raw, self._raw = self._raw, b""
        self._quiet = self._body_size = 0
        whole = raw[0] not in b"\r\n"
        self._sink.request_head(self._head, raw if whole else b"")

    def _read_head(self, target: bytes, fields: Fields) -> RequestHead:
        if self._head is not None or self._ended:
            raise BadMessage(400, "a request began inside another")
        hop, parser, limits = self._hop, self._parser, self._hop.limits
        method, version = parser.get_method(), parser.get_http_version()
        self._sink.request_begun(method, target, version, fields)
        self._check_line(b"%b %b HTTP/1." % (method, target))
        if self._quiet > limits.head_bytes or len(fields) > limits.fields:
            self._check_size(target, fields)
        head = read_request(method, target, version, fields, hop.tunnels, hop.special)
        if head.length > limits.body_bytes:
            raise BadMessage(413, "the request body is larger than limits.body_bytes")
        return head

    def _check_line(self, line: bytes) -> None:
        if not self._raw.lstrip(b"\r\n").startswith(line):
            raise BadMessage(400, "the request line is not valid HTTP/1.1")

    def _check_size(self, target: bytes, fields: Fields) -> None:
        limits = self._hop.limits
        size = sum(len(n) + len(v) + 4 for n, v in fields) + len(target)
        if size > limits.head_bytes:
            status = 414 if len(target) > limits.head_bytes else 431
            raise BadMessage(status, "the request head is larger than limits.head_bytes")
        if len(fields) > limits.fields:
            raise BadMessage(431, "the request has more fields than limits.fields")

    def on_body(self, piece: bytes) -> None:
        self._quiet = 0
        self._body_size += len(piece)
        if self._body_size > self._hop.limits.body_bytes:
            self._bad = BadMessage(413, "the request body is larger than limits.body_bytes")
            raise self._bad
        if self._gathered is None:
            self._sink.request_piece(piece)
        else:
            self._gathered += piece

    def _tell_gathered(self) -> None:
        if self._gathered:
            self._sink.request_piece(bytes(self._gathered))
            self._gathered.clear()

    def on_message_complete(self) -> None:
        head, trailers = self._head, self._fields
        if head is None or (self._parser.should_upgrade() and not head.upgrade):
            return
        if trailers and not may_be_trailers(trailers):
            self._bad = BadMessage(400, "a trailer section has fields that may not stand there")
            raise self._bad
        self._fields = []
        self._quiet = 0
        self._tail = 0 if head.chunked else self._body_size
        self._head = None
        self._ended = True
        self._tell_gathered()
        self._sink.request_ended(trailers)


def _seam(seam: bytes, data: bytes) -> bytes:
    """What a later empty line may begin in: no message ends in one that overlaps another."""
    last = data[-4:] if len(data) > 3 else (seam + data)[-4:]
    return b"" if last == END else last[-3:]


def _empty_lines(data: bytes, at: int) -> int:
    """Up to where only empty lines follow `at`: no message is complete in them."""
    end = at + SLICE
    return min(end, len(data)) - len(data[at:end].lstrip(b"\r\n"))


def _plain(error: httptools.HttpParserError) -> BadMessage:
    text = str(error)
    if "PRI/Upgrade" in text:
        return BadMessage(400, "HTTP/2 is not spoken here; use HTTP/1.1")
    return BadMessage(400, f"the request is not valid HTTP/1.1: {text}")
