"""One connection to the model server: writes a request's pieces, streams its response back.

Rule: nothing is held but what one read brought; what arrived in one read leaves in one write.

Theory. llhttp parses the response; its callbacks append pieces to `_out`, and `data_received`
writes them to the client once the read is parsed. llhttp cannot be told that a response answers
HEAD, so such a response is over at its head, the parser is replaced, and the connection is kept
only if that read ended exactly there. Bytes that nobody asked for end the connection.
"""

from __future__ import annotations

import asyncio
import os
import re
from time import monotonic
from typing import TYPE_CHECKING, cast

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
from agent.proxy.known import END, KnownResponse, is_plain_response
from agent.proxy.resend import TcpCounts, may_resend, tcp_counts
from agent.proxy.transaction import COPY_LIMIT, Transaction

if TYPE_CHECKING:
    from agent.proxy.pool import Pool

HIGH_WATER = 64 << 10
"""Bytes written and not yet taken by the kernel before the other side stops being read."""
OUR_END = END_OF_HEAD["1.1"]
MAX_INTERIM = 64
"""1xx responses to one request."""
_KEEP_ALIVE = re.compile(rb"timeout\s*=\s*(\d+)")


class Upstream(asyncio.Protocol):
    """See the module. At most one transaction at a time."""

    def __init__(self, pool: Pool, hop: Hop) -> None:
        self.hop = hop
        self.pool = pool
        self.transport: asyncio.Transport
        self.tx: Transaction | None = None
        self.idle_since = 0.0
        self.idle_limit = pool.idle_limit
        self.closed = False
        self.write_paused = False
        """What was written waits: the client is not to be read."""
        self._parser = httptools.HttpResponseParser(self)
        self._reason = b""
        self._fields: Fields = []
        self._head: ResponseHead | None = None
        self._quiet = 0
        """Bytes read since the last one of a body: heads, trailers and chunk framing so far."""
        self._bad: BadMessage | None = None
        self._out: list[bytes] = []
        self._rechunk = False
        self._message_over = False
        self._reusable = True
        self._paused = False
        self._first = b""
        """The read that a response begins with, while it is parsed."""
        self._written = 0
        self._counts: TcpCounts | None = None

    # ---- life of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER)
        self._counts = tcp_counts(self.transport)

    def send(self, tx: Transaction) -> None:
        """Writes the pieces that the downstream side has put into `tx.out`."""
        data = b"".join(tx.out)
        tx.out.clear()
        tx.out_size = 0
        size = len(data)
        self._written += size
        tx.copy_size += size
        if tx.copy_size <= COPY_LIMIT:
            tx.copy.append(data)
        now = monotonic()  # before the write: its reader may take the core at once
        self.transport.write(data)
        if not tx.head_written:
            tx.head_written = now
        if tx.request_done:
            tx.request_written = now

    def pause_writing(self) -> None:
        self.write_paused = True
        if self.tx is not None:
            self.tx.downstream.pause_reading()

    def resume_writing(self) -> None:
        self.write_paused = False
        if self.tx is not None:
            self.tx.downstream.resume_reading()

    def pause_reading(self) -> None:
        """The client does not take what was read."""
        if not self._paused and not self.closed:
            self._paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self._paused and not self.closed:
            self._paused = False
            self.transport.resume_reading()

    def abort(self) -> None:
        """Closes at once; whatever was under way is forgotten here."""
        self.tx = None
        self.closed = True
        self.transport.abort()

    def eof_received(self) -> None:
        self._lost(None)
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(exc)

    def _lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.pool.forget(self)
        tx = self.tx
        if tx is None:
            return
        if isinstance(exc, OSError) and self._rescue():
            return
        self.tx = None
        head = self._head
        if exc is None and head is not None and head.framing == "close" and not self._out:
            self._end_close_delimited(tx)
        elif self._may_resend(tx, exc):
            self.pool.resend(tx)
        else:
            tx.downstream.fail(tx, 502, "upstream_reset", "the model server closed the connection")

    def _rescue(self) -> bool:
        """Reads what the model server sent before a write of ours failed: an early answer, say.

        True if the response turned out whole.
        """
        sock = self.transport.get_extra_info("socket")
        if sock is None or self.transport.get_extra_info("ssl_object") is not None:
            return False
        tx = self.tx
        try:
            while data := os.read(sock.fileno(), 65536):
                self.data_received(data)
                if self.tx is None:
                    return True
        except (OSError, ValueError):
            pass
        return tx is not self.tx

    def _end_close_delimited(self, tx: Transaction) -> None:
        if self._rechunk:
            tx.downstream.write(b"0\r\n\r\n")
        tx.downstream.response_over(tx)

    def _may_resend(self, tx: Transaction, exc: Exception | None) -> bool:
        if tx.first_read or tx.resent or not tx.reused:
            return False
        now = tcp_counts(self.transport)
        return may_resend(tx, exc, self._counts, now, self._written - tx.copy_size)

    # ---- the response

    def data_received(self, data: bytes) -> None:
        tx = self.tx
        if tx is None:
            self.abort()
            return
        now = monotonic()
        if tx.pieces:
            tx.largest_gap = max(tx.largest_gap, now - tx.last_read)
        else:
            tx.first_read = now
            if self._is_known(tx, data, now):
                return
        tx.last_read = now
        tx.pieces += 1
        self._quiet += len(data)
        self._first = data if tx.pieces == 1 else b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if tx.status == 101:
                self._become_tunnel(tx, data[upgrade.args[0] :])
                return
            self._reusable = False
        except httptools.HttpParserError as error:
            self._reusable = False
            if not self._message_over:
                self._refuse(tx, self._bad or BadMessage(502, str(error)))
                return
        out = self._out
        if out:
            if not tx.first_out:
                tx.first_out = monotonic()
            tx.downstream.transport.write(b"".join(out))
            out.clear()
        if self._message_over:
            self._over(tx, data)
        elif self._quiet > self.hop.limits.head_bytes:
            self._refuse(tx, BadMessage(502, "the model server's response head is too large"))

    def _is_known(self, tx: Transaction, data: bytes, now: float) -> bool:
        """A whole response whose head was parsed before: on with it at once."""
        hop = self.hop
        end = data.find(END) + 4
        known = hop.responses.get(data[:end])
        if (
            known is None
            or len(data) - end != known.length
            or not tx.request_done
            or self.transport.get_write_buffer_size()
            or tx.close
            or hop.draining
            or hop.server_timing
            or tx.upgrade
            or tx.version != "1.1"
            or tx.method == b"HEAD"
        ):
            return False
        body = data[end:]
        tx.last_read = tx.first_out = now
        tx.pieces = 1
        tx.status = known.status
        tx.response_fields = known.fields
        tx.response_head = end
        tx.response_size = known.length
        tx.head_sent = True
        if tx.response_copy is not None:
            tx.response_copy.add(body)
        tx.downstream.transport.write(b"%b%b\r\n%b%b" % (known.start, tx.request_id, OUR_END, body))
        self.tx = None
        self.resume_reading()
        self.pool.release(self)
        tx.downstream.response_over(tx)
        return True

    def on_message_begin(self) -> None:
        if self._message_over:
            self._reusable = False

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        tx = self.tx
        assert tx is not None
        parser, fields, reason = self._parser, self._fields, self._reason
        self._fields, self._reason = [], b""
        status = parser.get_status_code()
        to_head = tx.method == b"HEAD"
        try:
            if self._message_over:
                raise BadMessage(502, "the model server sent more than it was asked for")
            if self._quiet > self.hop.limits.head_bytes or len(fields) > self.hop.limits.fields:
                self._check_size(fields)
            head = read_response(status, reason, parser.get_http_version(), fields, to_head)
            if status == 101 and (not tx.upgrade or head.upgrade.lower() != tx.upgrade):
                raise BadMessage(502, "the model server switched to a protocol nobody asked for")
            line = status_line(status, reason)
        except BadMessage as bad:
            self._bad = bad
            raise
        tx.response_head = self._quiet
        self._quiet = 0
        if status >= 200 or status == 101:
            self._head = head
            tx.status = status
            tx.response_fields = fields
            first = self._first
            if first.startswith(line) and not to_head and is_plain_response(status, head):
                start = b"".join((line, *head.lines, b"x-request-id: "))
                known = KnownResponse(head.length, status, fields, start)
                self.hop.responses.keep(first, known)
            self._out += (line, *head.lines)
            self._write_own(tx, head, status)
            if to_head and status != 101:
                self._message_over = True
        elif tx.interim >= MAX_INTERIM:
            self._bad = BadMessage(502, "the model server sends interim responses without end")
            raise self._bad
        elif tx.version == "1.1":
            tx.interim += 1
            self._out += (line, *head.lines, b"\r\n")

    def _check_size(self, fields: Fields) -> None:
        limits = self.hop.limits
        size = sum(len(n) + len(v) + 4 for n, v in fields)
        if size > limits.head_bytes or len(fields) > limits.fields:
            raise BadMessage(502, "the model server's response head is too large")

    def _write_own(self, tx: Transaction, head: ResponseHead, status: int) -> None:
        """The fields that are ours: framing, identity, the fate of the client's connection."""
        out = self._out
        if head.framing == "chunked" or head.framing == "close":
            if tx.version == "1.1":
                self._rechunk = True
                out.append(b"transfer-encoding: chunked\r\n")
            else:
                tx.close = True
        if not head.request_id:
            out += (b"x-request-id: ", tx.request_id, b"\r\n")
        if self.hop.server_timing:
            out.append(self._server_timing(tx))
        if status != 101:
            if not tx.request_done or tx.upgrade or self.hop.draining:
                tx.close = True
            if tx.close:
                out.append(b"connection: close\r\n")
            elif tx.version == "1.0":
                out.append(b"connection: keep-alive\r\n")
        out.append(END_OF_HEAD[head.version])
        tx.head_sent = True

    @staticmethod
    def _server_timing(tx: Transaction) -> bytes:
        ours = (tx.head_written - tx.start - tx.waited) * 1e3
        theirs = (tx.first_read - tx.head_written) * 1e3
        return b"server-timing: outrider;dur=%.3f, upstream;dur=%.3f\r\n" % (ours, theirs)

    def on_body(self, piece: bytes) -> None:
        tx = self.tx
        assert tx is not None
        if self._message_over or self._head is None:
            self._reusable = False
            return
        size = len(piece)
        self._quiet = 0
        tx.response_size += size
        if tx.response_copy is not None:
            tx.response_copy.add(piece)
        if self._rechunk:
            self._out += (b"%x\r\n" % size, piece, b"\r\n")
        else:
            self._out.append(piece)

    def on_message_complete(self) -> None:
        if self._head is None or self._message_over:
            return
        if self._rechunk:
            self._out += (b"0\r\n", *trailer_lines(self._fields), b"\r\n")
            self._fields = []
        self._message_over = self.tx is not None and self.tx.status != 101

    def _over(self, tx: Transaction, data: bytes) -> None:
        """The response is complete: the connection goes back to the pool, or ends."""
        head = self._head
        assert head is not None
        if tx.method == b"HEAD":
            exact = data.endswith(b"\r\n\r\n") and data.count(b"\r\n\r\n") == 1
            self._reusable = self._reusable and exact
            self._parser = httptools.HttpResponseParser(self)
        self.tx = None
        self._first = b""
        self.resume_reading()
        unsent = self.transport.get_write_buffer_size()
        if self._reusable and not (head.close or unsent or self.closed) and tx.request_done:
            if head.keep_alive:
                self._set_idle_limit(head.keep_alive)
            self._head = None
            self._message_over = self._rechunk = False
            self._quiet = 0
            self.pool.release(self)
        else:
            self.closed = True
            self.transport.abort()
        tx.downstream.response_over(tx)

    def _set_idle_limit(self, keep_alive: bytes) -> None:
        """The model server's own Keep-Alive timeout less a second, if that is sooner."""
        found = _KEEP_ALIVE.search(keep_alive)
        limit = max(int(found[1]) - 1.0, 0.0) if found else self.pool.idle_limit
        self.idle_limit = min(limit, self.pool.idle_limit)

    def _refuse(self, tx: Transaction, bad: BadMessage) -> None:
        self._out.clear()
        self.abort()
        tx.downstream.fail(tx, 502, "upstream_protocol", bad.message)

    def _become_tunnel(self, tx: Transaction, more: bytes) -> None:
        from agent.proxy.tunnel import join

        if self.closed:
            tx.downstream.fail(tx, 502, "upstream_reset", "the model server closed the connection")
            return
        self.pool.forget(self)
        self.tx = None
        tx.downstream.write(b"".join(self._out))
        self._out.clear()
        tx.first_out = monotonic()
        join(tx, self, more)
