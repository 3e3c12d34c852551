"""One client connection: reads requests one at a time, in order, and writes their answers.

Rule: one request in flight; what a client pipelines behind it stays unparsed, and bounded.

Theory. llhttp parses; its callbacks fill the transaction. A read is given to it whole unless it
may hold more than one message; then it is cut where a message can end: behind a Content-Length
body, or behind an empty line (the end of a head or of a chunked body). So no message begins
before the one before it was answered. When a read is parsed, what it brought goes to the model
server in one write.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from contextlib import suppress
from enum import Enum
from time import monotonic, time_ns
from typing import cast

import httptools

from agent.exchange import Fields
from agent.proxy.answers import answer
from agent.proxy.head import (
    BadMessage,
    RequestHead,
    may_be_trailers,
    read_request,
    trailer_lines,
    valid_request_id,
)
from agent.proxy.hop import END_OF_HEAD, Hop
from agent.proxy.known import END, GIVE_UP, KnownRequest, is_plain_request
from agent.proxy.transaction import Transaction

HIGH_WATER = 64 << 10
"""Bytes waiting for the other side before this one stops being read; also of pipelined input."""
SLICE = 2 << 10
"""Bytes parsed at once where there is no Content-Length: so finely is a head, a trailer section
or a chunk's extension held to `limits.head_bytes`."""
LINGER = 2.0
LINGER_BYTES = 1 << 20
"""After an early answer: how long, and how much, is still read, so that the answer is not lost."""
_RESET = struct.pack("ii", 1, 0)


class State(Enum):
    """What the connection is about."""

    IDLE = "between requests"
    HEAD = "reading a head"
    BUSY = "a request is in flight"
    LINGER = "answered before the request ended: reading and dropping what comes"
    CLOSED = "closed"


class Downstream(asyncio.Protocol):
    """See the module."""

    def __init__(self, hop: Hop, scheme: bytes) -> None:
        self.hop = hop
        self.transport: asyncio.Transport
        self.peer = ""
        self.state = State.IDLE
        self.deadline = math.inf
        self.tx: Transaction | None = None
        self._scheme = scheme
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._fields: Fields = []
        self._quiet = 0
        self._in_body = False
        self._begun = False
        """A head has begun and is not complete."""
        self._muted = False
        """llhttp is being told again what it parsed already."""
        self._raw = b""
        """The bytes of a head that is not complete; `_shared`: and of the message before it."""
        self._shared = False
        self._misses = 0
        """Heads in a row that were not known."""
        self._bad: BadMessage | None = None
        self._doomed: BadMessage | None = None
        """What a client sent behind the request in flight is no request."""
        self._rest = b""
        self._ended = False
        """The client has ended its side and waits for its answers."""
        self._seam = b""
        self._lingered = 0
        self._write_paused = False
        self._read_paused = False
        self._trusted = False
        self._forwarded = b""
        self._forwarded_host = (b"", b"")

    # ---- life of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER)
        hop = self.hop
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self._trusted = hop.trusts(self.peer)
        shown = f"[{self.peer}]" if ":" in self.peer else self.peer
        self._forwarded = b"x-forwarded-for: %b\r\nx-forwarded-proto: %b\r\n" % (
            (shown or "unknown").encode(),
            self._scheme,
        )
        hop.connections.add(self)
        if len(hop.connections) > hop.limits.connections:
            hop.refused()
            self.write(answer(503, "limit", "too many connections", b"", True, True))
            self._close()
            return
        self.deadline = monotonic() + hop.limits.idle

    def connection_lost(self, exc: Exception | None) -> None:
        self.state = State.CLOSED
        self.hop.connections.discard(self)
        self._client_left()

    def eof_received(self) -> bool:
        if self.state is State.BUSY and self.hop.half_close and self._request_whole():
            self._ended = True
            return True
        self._client_left()
        return False

    def _request_whole(self) -> bool:
        return self.tx is not None and self.tx.request_done

    def _client_left(self) -> None:
        tx = self.tx
        if tx is None:
            return
        self.tx = None
        self._give_up_upstream(tx)
        tx.status, tx.error = 499, "client_abort"
        self.hop.accountant.end(tx)
        self.transport.abort()

    @staticmethod
    def _give_up_upstream(tx: Transaction) -> None:
        upstream = tx.upstream
        if upstream is not None and upstream.tx is tx:
            upstream.abort()

    def _close(self) -> None:
        self.state = State.CLOSED
        self.deadline = self.hop.now + self.hop.limits.idle
        self.transport.close()

    def reset(self) -> None:
        """Ends the connection so that the client cannot take what it got for the whole."""
        self.state = State.CLOSED
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    # ---- back-pressure

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self._write_paused = True
        tx = self.tx
        if tx is not None and tx.upstream is not None:
            tx.upstream.pause_reading()
        self.deadline = min(self.deadline, monotonic() + self.hop.limits.idle)

    def resume_writing(self) -> None:
        self._write_paused = False
        tx = self.tx
        if tx is None:
            return
        if tx.response_done:
            self._conclude(tx)
            return
        self.deadline = self._response_deadline(tx)
        if tx.upstream is not None:
            tx.upstream.resume_reading()

    def pause_reading(self) -> None:
        if not self._read_paused and not self.transport.is_closing():
            self._read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self._read_paused and not self.transport.is_closing():
            self._read_paused = False
            self.transport.resume_reading()

    # ---- reading

    def data_received(self, data: bytes) -> None:
        tx = self.tx
        if tx is None and self.state is State.IDLE and self._misses < GIVE_UP:
            end = data.find(END) + 4
            known = self.hop.requests.get(data[:end])
            if known is not None and len(data) - end == known.length:
                self._misses = 0
                self._start_known(known, data[end:])
                return
            self._misses += 1
        if tx is not None and (tx.request_done or tx.response_done):
            self._hold(data)
        elif self.state is State.LINGER:
            self._lingered += len(data)
            if self._lingered > LINGER_BYTES:
                self._close()
        elif self.state is not State.CLOSED:
            self._read(data)

    def _start_known(self, known: KnownRequest, body: bytes) -> None:
        """A whole request whose head was parsed before: on with it at once."""
        hop = self.hop
        tx = Transaction(
            self, known.method, known.target, "1.1", known.fields, monotonic(), time_ns()
        )
        self.tx = tx
        self.state = State.BUSY
        tx.route = known.route
        hop.accountant.begin(tx)
        tx.length = known.length
        tx.out = out = [known.start]
        self._add_own(tx, out, known.host, b"", b"")
        if hop.sampling.capture:
            hop.sample(tx)
        if body:
            out.append(body)
            tx.request_size = len(body)
            if tx.request_copy is not None:
                tx.request_copy.add(body)
        tx.request_done = True
        hop.pool.dispatch(tx)
        if tx.upstream is not None:
            tx.upstream.send(tx)
        self.deadline = math.inf if hop.untimed else self._response_deadline(tx)

    def _add_own(
        self, tx: Transaction, out: list[bytes], host: bytes, traceparent: bytes, tracestate: bytes
    ) -> None:
        """The fields that every request gets from us, and the end of its head."""
        hop = self.hop
        if not tx.request_id:
            tx.request_id = b"%016x" % hop.random.getrandbits(64)
        if hop.sampling.traces:
            out += hop.trace(tx, traceparent, tracestate)
        known, line = self._forwarded_host
        if known != host:
            line = b"x-forwarded-host: %b\r\n" % host
            self._forwarded_host = (host, line)
        out += (
            self._forwarded,
            line,
            b"x-request-id: ",
            tx.request_id,
            b"\r\n",
            END_OF_HEAD[tx.version],
        )

    def _hold(self, data: bytes) -> None:
        self._rest += data
        if len(self._rest) > HIGH_WATER:
            self.pause_reading()

    def _read(self, data: bytes) -> None:
        """Parses what came, up to the end of one request; holds what lies behind it."""
        if self._one_message(data):
            self._feed(data)
            self._seam = data[-3:]
            return
        while data and self.state not in (State.CLOSED, State.LINGER):
            cut = self._next_end(data)
            piece, data = data[:cut], data[cut:]
            self._feed(piece)
            self._seam = piece[-3:]
            if data and self._request_whole():
                self._hold(data)
                return

    def _one_message(self, data: bytes) -> bool:
        """Whether no two messages can be complete in this read."""
        tx = self.tx
        if tx is not None and not tx.chunked:
            return len(data) <= tx.length - tx.request_size
        if len(data) > SLICE:
            return False
        if data[0] in b"\r\n" and END in self._seam + data[:3]:
            return END not in data
        return data.count(END) <= 1

    def _next_end(self, data: bytes) -> int:
        """How many bytes may be parsed without meeting a second message."""
        tx = self.tx
        if tx is not None and not tx.chunked:
            return tx.length - tx.request_size
        seam = self._seam
        at = (seam + data[:SLICE]).find(END)
        return max(at + 4 - len(seam), 1) if at >= 0 else SLICE

    def _feed(self, data: bytes) -> None:
        self._quiet += len(data)
        if not self._in_body:
            self._raw = self._raw + data if self._raw else data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._after_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserInvalidMethodError:
            self._refuse(BadMessage(400, "the request method is not known"))
        except httptools.HttpParserInvalidURLError:
            self._refuse(BadMessage(400, "the request target has bytes that no URI has"))
        except httptools.HttpParserError as error:
            self._refuse(self._bad or _plain(error))
        if self._quiet > self.hop.limits.head_bytes and self.state is not State.CLOSED:
            self._too_quiet()
        if self._begun and not self._raw:
            self._raw, self._shared = data, True
        tx = self.tx
        if tx is None:
            if self.state is State.IDLE:
                self.state = State.HEAD
                self.deadline = monotonic() + self.hop.limits.head
            return
        if tx.out:
            if tx.upstream is not None:
                tx.upstream.send(tx)
            elif tx.out_size > HIGH_WATER:
                self.pause_reading()
        if not tx.request_done:
            self.deadline = self._request_deadline(tx)
        elif self.hop.untimed:
            self.deadline = math.inf
        else:
            self.deadline = self._response_deadline(tx)

    def _too_quiet(self) -> None:
        if self._in_body:
            status = 400
        else:
            status = 431 if b"\n" in self._raw.lstrip(b"\r\n") else 414
        self._refuse(BadMessage(status, "the request head is too large"), "limit")

    # ---- what llhttp found

    def on_message_begin(self) -> None:
        self._begun = True

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        fields, target = self._fields, self._target
        self._fields, self._target, self._begun = [], b"", False
        if self._muted:
            self._muted = False
            return
        start = monotonic()
        if self.tx is not None:
            self._bad = BadMessage(400, "a request began inside another")
            raise self._bad
        hop, parser = self.hop, self._parser
        method, version = parser.get_method(), parser.get_http_version()
        tx = Transaction(self, method, target, version, fields, start, time_ns())
        self.tx = tx
        self.state = State.BUSY
        tx.route = hop.routes.find(target)
        hop.accountant.begin(tx)
        try:
            limits = hop.limits
            line = b"%b %b HTTP/1." % (method, target)
            if not self._raw.startswith(line):
                self._check_line(line)
            if self._quiet > limits.head_bytes or len(fields) > limits.fields:
                self._check_size(target, fields)
            head = read_request(method, target, version, fields, hop.tunnels, hop.special)
            if head.length > limits.body_bytes:
                raise BadMessage(413, "the request body is larger than limits.body_bytes")
        except BadMessage as bad:
            self._bad = bad
            raise
        self._quiet = 0
        raw, self._raw, self._shared = self._raw, b"", False
        self._in_body = True
        self._start(tx, head, raw if raw.startswith(line) and self._misses < GIVE_UP else b"")

    def _check_line(self, line: bytes) -> None:
        """llhttp takes spaces before the method, and protocols such as RTSP; we do not."""
        raw, shared = self._raw, self._shared
        if not raw.lstrip(b"\r\n").startswith(line) and not (shared and line in raw):
            raise BadMessage(400, "the request line is not valid HTTP/1.1")

    def _check_size(self, target: bytes, fields: Fields) -> None:
        limits = self.hop.limits
        size = sum(len(n) + len(v) + 4 for n, v in fields) + len(target)
        if size > limits.head_bytes:
            status = 414 if len(target) > limits.head_bytes else 431
            raise BadMessage(status, "the request head is larger than limits.head_bytes")
        if len(fields) > limits.fields:
            raise BadMessage(431, "the request has more fields than limits.fields")

    def _start(self, tx: Transaction, head: RequestHead, raw: bytes) -> None:
        hop = self.hop
        tx.length, tx.close = head.length, head.close
        if head.chunked or head.upgrade:
            tx.chunked, tx.upgrade = head.chunked, head.upgrade
        if head.request_id and valid_request_id(head.request_id):
            tx.request_id = head.request_id
        target = self._upstream_target(tx.target) if hop.base_path else tx.target
        tx.out = out = [tx.method, b" ", target, b" HTTP/1.1\r\n", *head.lines]
        if raw and is_plain_request(tx.version, head):
            start = b"".join(out)
            hop.requests.keep(
                raw,
                KnownRequest(
                    tx.length, tx.method, tx.target, tx.fields, tx.route, start, head.host
                ),
            )
        if not head.host:
            out += (b"host: ", hop.upstream_host, b"\r\n")
        if self._trusted and head.forwarded:
            self._add_trusted(tx, out, head)
        else:
            self._add_own(tx, out, head.host, head.traceparent, head.tracestate)
        if hop.sampling.capture:
            hop.sample(tx)
        hop.pool.dispatch(tx)

    def _upstream_target(self, target: bytes) -> bytes:
        base = self.hop.base_path
        if not base or target == b"*":
            return target
        if target.startswith(b"/"):
            return base + target
        scheme, _, rest = target.partition(b"://")
        authority, slash, path = rest.partition(b"/")
        return scheme + b"://" + authority + base + slash + path

    def _add_trusted(self, tx: Transaction, out: list[bytes], head: RequestHead) -> None:
        """As `_add_own`, for a trusted client: its X-Forwarded-* are believed and continued."""
        told = dict(head.forwarded)
        chain = [value for name, value in head.forwarded if name == b"x-forwarded-for"]
        chain.append(self.peer.encode())
        ours = self._forwarded
        self._forwarded = b"x-forwarded-for: %b\r\nx-forwarded-proto: %b\r\n" % (
            b", ".join(chain),
            told.get(b"x-forwarded-proto", self._scheme),
        )
        host = told.get(b"x-forwarded-host", head.host)
        self._add_own(tx, out, host, head.traceparent, head.tracestate)
        self._forwarded = ours

    def on_body(self, piece: bytes) -> None:
        tx = self.tx
        if tx is None or tx.request_done:
            return
        size = len(piece)
        self._quiet = 0
        tx.request_size += size
        if tx.request_size > self.hop.limits.body_bytes:
            self._bad = BadMessage(413, "the request body is larger than limits.body_bytes")
            raise self._bad
        if tx.request_copy is not None:
            tx.request_copy.add(piece)
        if tx.chunked:
            tx.out += (b"%x\r\n" % size, piece, b"\r\n")
        else:
            tx.out.append(piece)
        tx.out_size += size

    def on_message_complete(self) -> None:
        tx = self.tx
        if tx is None or tx.request_done or (self._parser.should_upgrade() and not tx.upgrade):
            return
        if tx.chunked:
            if self._fields and not may_be_trailers(self._fields):
                self._bad = BadMessage(400, "a trailer section has fields that may not stand there")
                raise self._bad
            tx.out += (b"0\r\n", *trailer_lines(self._fields), b"\r\n")
        tx.request_done = True
        self._in_body = False
        self._quiet = 0
        self._fields = []

    def _after_upgrade(self, more: bytes) -> None:
        """llhttp stops at an upgrade: a tunnel waits for its 101, any other goes on as HTTP."""
        tx = self.tx
        if tx is None:
            return
        if tx.upgrade:
            if more:
                self._hold(more)
            return
        self._parser = httptools.HttpRequestParser(self)
        self._muted = True
        framing = b"transfer-encoding: chunked" if tx.chunked else b"content-length: %d" % tx.length
        self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
        if more and tx.request_done:
            self._hold(more)
        elif more:
            self._read(more)

    # ---- deadlines

    def _request_deadline(self, tx: Transaction) -> float:
        limits = self.hop.limits
        return min(max(self.hop.now, tx.start) + limits.idle, tx.start + limits.total)

    def _response_deadline(self, tx: Transaction) -> float:
        limits = self.hop.limits
        if limits.first_byte == limits.total == math.inf:
            return math.inf
        first = math.inf if tx.first_read else monotonic() + limits.first_byte
        return min(first, tx.start + limits.total)

    def expire(self) -> None:
        """The deadline has passed; what that means depends on what was going on."""
        tx = self.tx
        if self._write_paused and not (tx and not tx.head_sent):
            self._expire_stalled(tx)
        elif tx is not None and not tx.request_done and not self._total_over(tx):
            self.fail(tx, 408, "limit", "the request body stopped coming")
        elif tx is not None and tx.first_read and not self._total_over(tx):
            self.deadline = self._response_deadline(tx)
        elif tx is not None:
            self.fail(tx, 504, "upstream_timeout", "the model server did not answer in time")
        elif self.state is State.HEAD:
            self._refuse(BadMessage(408, "the request head did not come in time"), "limit")
        else:
            self._close()
            if self.hop.now > self.deadline:
                self.transport.abort()

    def _total_over(self, tx: Transaction) -> bool:
        return monotonic() >= tx.start + self.hop.limits.total

    def _expire_stalled(self, tx: Transaction | None) -> None:
        if tx is not None:
            self._give_up_upstream(tx)
            self.tx = None
            tx.error = "limit"
            self.hop.accountant.end(tx)
        self.reset()

    # ---- ends

    def response_over(self, tx: Transaction) -> None:
        """The response is complete; it is over once the kernel has taken all but a little of it."""
        tx.response_done = True
        if not self._write_paused:
            self._conclude(tx)

    def _conclude(self, tx: Transaction) -> None:
        """On to the next request, or the end."""
        self.tx = None
        self.hop.accountant.end(tx)
        if not tx.request_done:
            self._linger()
        elif tx.close or tx.upgrade:
            self._close()
        else:
            self._next()

    def _next(self) -> None:
        self.state = State.IDLE
        self.deadline = self.hop.now + self.hop.limits.idle
        rest, self._rest = self._rest, b""
        self.resume_reading()
        if self._begun:
            self.state = State.HEAD
            self.deadline = monotonic() + self.hop.limits.head
        if self._doomed is not None:
            self._refuse(self._doomed)
        elif rest:
            self._read(rest)
        elif self._ended:
            self._close()

    def _linger(self) -> None:
        """Says that no more is coming, and reads on for a while: a close would lose the answer."""
        self.state = State.LINGER
        self.deadline = monotonic() + LINGER
        self._rest = b""
        self.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self._close()

    def fail(self, tx: Transaction, status: int, reason: str, message: str) -> None:
        """The request cannot be served: an answer of ours if none has begun, else an abort."""
        if tx.ended or tx is not self.tx:
            return
        self._give_up_upstream(tx)
        tx.error = reason
        if tx.head_sent:
            self.tx = None
            self.hop.accountant.end(tx)
            self.reset()
            return
        tx.status = status
        tx.close = tx.close or status < 500 or not tx.request_done
        self.write(answer(status, reason, message, tx.request_id, tx.close, tx.method != b"HEAD"))
        self.response_over(tx)

    def _refuse(self, bad: BadMessage, reason: str = "client_protocol") -> None:
        """A request that must not go on: 4xx, the connection closed, nothing more is read."""
        tx = self.tx
        if bad.status in (413, 414, 431):
            reason = "limit"
        if self.state in (State.CLOSED, State.LINGER):
            return
        if tx is not None and tx.request_done:
            self._doomed = bad
        elif tx is not None:
            tx.close = True
            self.fail(tx, bad.status, reason, bad.message)
        else:
            self.hop.accountant.unparsed(reason)
            self.write(answer(bad.status, reason, bad.message, b"", True, True))
            self._linger()

    def become_tunnel(self) -> bytes:
        """Lets go of the connection; gives what the client sent behind the upgrade request."""
        self.tx = None
        self.state = State.CLOSED
        self.deadline = math.inf
        self.resume_reading()
        rest, self._rest = self._rest, b""
        return rest

    def abandon(self) -> None:
        """For the end of the drain's grace: what has not ended by now is cut off."""
        tx = self.tx
        if tx is not None:
            self.fail(tx, 503, "limit", "the server is shutting down")
        self.transport.abort()

    def close_if_idle(self) -> None:
        """For the drain: a connection without a request in flight has nothing to wait for."""
        if self.state is State.IDLE:
            self._close()


def _plain(error: httptools.HttpParserError) -> BadMessage:
    text = str(error)
    if "PRI/Upgrade" in text:
        return BadMessage(400, "HTTP/2 is not spoken here; use HTTP/1.1")
    return BadMessage(400, f"the request is not valid HTTP/1.1: {text}")
