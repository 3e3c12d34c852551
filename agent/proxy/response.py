"""From the model server's bytes to the bytes that its client gets.

Rule: no sockets, no clocks; what a read brought is in `out` once it was fed, framed anew, and
`BadMessage` is what a model server did wrong.

Theory. llhttp parses; its callbacks append pieces to `out`. llhttp cannot be told that a response
answers HEAD, so such a response is over at its head, the parser is replaced, and the connection is
reusable only if that read ended exactly there. Bytes that nobody asked for make it unusable.
"""

from __future__ import annotations

import httptools

from agent.exchange import Fields
from agent.proxy.head import (
    BadMessage,
    ResponseHead,
    read_response,
    status_line,
    trailer_lines,
)
from agent.proxy.hop import END_OF_HEAD, Hop
from agent.proxy.known import KnownResponse, is_plain_response
from agent.proxy.streamed import is_stream
from agent.proxy.transaction import Transaction

MAX_INTERIM = 64
"""1xx responses to one request."""
LAST_CHUNK = b"0\r\n"


class ResponseReader:
    """Reads the responses of one connection to the model server."""

    def __init__(self, hop: Hop) -> None:
        self.out: list[bytes] = []
        """Pieces for the client that are not written yet."""
        self.head: ResponseHead | None = None
        """Of the response under way."""
        self.over = False
        """The response is complete."""
        self.reusable = True
        """Nothing came that belongs to no response."""
        self._hop = hop
        self._tx: Transaction
        self._parser = httptools.HttpResponseParser(self)
        self._reason = b""
        self._fields: Fields = []
        self._first = b""
        """The read that a response begins with, while it is parsed."""
        self._quiet = 0
        """Bytes read since the last one of a body: heads, trailers and chunk framing so far."""
        self._rechunk = False
        self._bad: BadMessage | None = None

    def feed(self, tx: Transaction, data: bytes) -> bytes | None:
        """Parses a read. Gives what lies behind a 101, None if there was none.

        Raises BadMessage.
        """
        self._tx = tx
        self._quiet += len(data)
        self._first = data if tx.pieces == 1 else b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if tx.status == 101:
                return data[upgrade.args[0] :]
            self.reusable = False
        except httptools.HttpParserError as error:
            self.reusable = False
            if not self.over:
                raise self._bad or BadMessage(502, str(error)) from None
        return None

    def too_quiet(self) -> bool:
        """More of a head, of trailers or of chunk framing came than may come."""
        return self._quiet > self._hop.limits.head_bytes

    def end_of_stream(self) -> bool:
        """The connection ended: whether that ends the response as it should. See `out`."""
        head = self.head
        if head is None or head.framing != "close" or self.out:
            return False
        if self._rechunk:
            self.out += (LAST_CHUNK, b"\r\n")
        return True

    def next(self, data: bytes) -> ResponseHead:
        """Makes ready for the next response; `data` is the read that this one ended in."""
        head = self.head
        assert head is not None
        if self._tx.method == b"HEAD":
            exact = data.endswith(b"\r\n\r\n") and data.count(b"\r\n\r\n") == 1
            self.reusable = self.reusable and exact
            self._parser = httptools.HttpResponseParser(self)
        self._first = b""
        self.head = None
        self.over = self._rechunk = False
        self._quiet = 0
        return head

    # ---- what llhttp found

    def on_message_begin(self) -> None:
        if self.over:
            self.reusable = False

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        tx, parser, fields, reason = self._tx, self._parser, self._fields, self._reason
        self._fields, self._reason = [], b""
        status = parser.get_status_code()
        try:
            head = self._read_head(status, reason, fields)
            line = status_line(status, reason)
        except BadMessage as bad:
            self._bad = bad
            raise
        tx.response_head = self._quiet
        self._quiet = 0
        if status >= 200 or status == 101:
            self._final(head, status, line, fields)
        elif tx.interim >= MAX_INTERIM:
            self._bad = BadMessage(502, "the model server sends interim responses without end")
            raise self._bad
        else:
            tx.interim += 1
            if tx.version == "1.1":
                self.out += (line, *head.lines, b"\r\n")

    def _read_head(self, status: int, reason: bytes, fields: Fields) -> ResponseHead:
        tx, limits = self._tx, self._hop.limits
        if self.over:
            raise BadMessage(502, "the model server sent more than it was asked for")
        if self._quiet > limits.head_bytes or len(fields) > limits.fields:
            self._check_size(fields)
        version = self._parser.get_http_version()
        head = read_response(status, reason, version, fields, tx.method == b"HEAD")
        if status == 101 and (not tx.upgrade or head.upgrade.lower() != tx.upgrade):
            raise BadMessage(502, "the model server switched to a protocol nobody asked for")
        if status < 200 and status != 101 and _has_framing(head, fields):
            raise BadMessage(502, "the model server sends an interim response with a body")
        return head

    def _check_size(self, fields: Fields) -> None:
        limits = self._hop.limits
        size = sum(len(n) + len(v) + 4 for n, v in fields)
        if size > limits.head_bytes or len(fields) > limits.fields:
            raise BadMessage(502, "the model server's response head is too large")

    def _final(self, head: ResponseHead, status: int, line: bytes, fields: Fields) -> None:
        tx, first = self._tx, self._first
        to_head = tx.method == b"HEAD"
        self.head = head
        tx.status = status
        tx.response_fields = fields
        if head.framing == "chunked" or head.framing == "close":
            tx.streamed = is_stream(fields)
        if first.startswith(line) and not to_head and is_plain_response(status, head):
            start = b"".join((line, *head.lines, b"x-request-id: "))
            self._hop.responses.keep(first, KnownResponse(head.length, status, fields, start))
        self.out += (line, *head.lines)
        self._write_own(tx, head, status)
        if to_head and status != 101:
            self.over = True

    def _write_own(self, tx: Transaction, head: ResponseHead, status: int) -> None:
        """The fields that are ours: framing, identity, the fate of the client's connection."""
        out = self.out
        if head.framing == "chunked" or head.framing == "close":
            if tx.version == "1.1":
                self._rechunk = True
                out.append(b"transfer-encoding: chunked\r\n")
            else:
                tx.close = True
        if not head.request_id:
            out += (b"x-request-id: ", tx.request_id, b"\r\n")
        if self._hop.server_timing:
            out.append(_server_timing(tx))
        if status != 101:
            if not tx.request_done or tx.upgrade or self._hop.draining:
                tx.close = True
            if tx.close:
                out.append(b"connection: close\r\n")
            elif tx.version == "1.0":
                out.append(b"connection: keep-alive\r\n")
        out.append(END_OF_HEAD[head.version])
        tx.head_sent = True

    def on_body(self, piece: bytes) -> None:
        if self.over or self.head is None:
            self.reusable = False
            return
        tx, size = self._tx, len(piece)
        self._quiet = 0
        tx.response_size += size
        if tx.response_copy is not None:
            tx.response_copy.add(piece)
        if self._rechunk:
            self.out += (b"%x\r\n" % size, piece, b"\r\n")
        else:
            self.out.append(piece)

    def on_message_complete(self) -> None:
        if self.head is None or self.over:
            return
        trailers, self._fields = self._fields, []
        if self._rechunk:
            self.out += (LAST_CHUNK, *trailer_lines(trailers), b"\r\n")
        self.over = self._tx.status != 101


def _has_framing(head: ResponseHead, fields: Fields) -> bool:
    """Of a 1xx, which has no body (RFC 9112 6.3): llhttp reads and hides one behind, say, a 199."""
    return head.length > 0 or any(name.lower() == b"transfer-encoding" for name, _ in fields)


def _server_timing(tx: Transaction) -> bytes:
    ours = (tx.head_written - tx.start - tx.waited) * 1e3
    theirs = (tx.first_read - tx.head_written) * 1e3
    return b"server-timing: outrider;dur=%.3f, upstream;dur=%.3f\r\n" % (ours, theirs)
