"""One client connection: one request in flight, its answer, then the next.

Rule: what a client pipelines behind a request waits unparsed, and bounded; what a read brought
goes to the model server in one write.

Theory. `reader.py` says what the bytes are, `outgoing.py` makes the model server's request of them;
here is the life of the connection: its states, its deadlines, back-pressure, and the ways in which
a request ends.
A request is over when its response is complete and the kernel has taken all but a little of it.
"""

from __future__ import annotations

import asyncio
import math
from enum import Enum
from time import monotonic
from typing import cast

from agent.proxy.answers import answer
from agent.proxy.closing import has_input, reset
from agent.proxy.head import BadMessage
from agent.proxy.hop import UNSENT, Hop
from agent.proxy.known import END, GIVE_UP, KnownRequest
from agent.proxy.outgoing import Outgoing
from agent.proxy.reader import RequestReader
from agent.proxy.transaction import Transaction

HIGH_WATER = 64 << 10
"""Bytes of a body that waits for its connection, or of pipelined input, before this side stops
being read."""
LINGER = 2.0
LINGER_BYTES = 1 << 20
"""After an early answer: how long, and how much, is still read, so that the answer is not lost."""
LIMITS = (408, 413, 414, 431)
"""Answers that mean a bound of ours, not a fault in the message."""
MAPPED = "::ffff:"
"""How an IPv4 peer is shown on a socket of both families (RFC 4291 section 2.5.5.2)."""


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
        self._outgoing: Outgoing
        self._reader: RequestReader
        self.misses = 0
        """Heads in a row that were not known."""
        self._doomed: BadMessage | None = None
        """What a client sent behind the request in flight is no request."""
        self._rest = b""
        self._ended = False
        """The client has ended its side and waits for its answers."""
        self._lingered = 0
        self._write_paused = False
        self._stalled_at = 0.0
        self._read_paused = False

    # ---- life of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=UNSENT)
        hop = self.hop
        peer = transport.get_extra_info("peername")
        self.peer = peer[0].removeprefix(MAPPED) if isinstance(peer, tuple) else ""
        self._outgoing = Outgoing(hop, self, self.peer, self._scheme)
        self._reader = RequestReader(hop, self._outgoing)
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
        if self._unseen():
            self.hop.departures.unwatch(self.transport)
        self._client_left()

    def eof_received(self) -> bool:
        if self.state is State.BUSY and self.hop.half_close and self._request_whole():
            self._ended = True
            self._attend()
            return True
        self._client_left()
        return False

    def _unseen(self) -> bool:
        """Whether the loop would not tell if the client left (of TLS: neither while it flushes)."""
        flushing = self._write_paused and self._scheme == b"https"
        return self._read_paused or self._ended or flushing

    def _attend(self) -> None:
        if self._unseen():
            self.hop.departures.watch(self.transport, self._client_left)
        else:
            self.hop.departures.unwatch(self.transport)

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
        reset(self.transport)

    # ---- back-pressure

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self._write_paused = True
        self._attend()
        tx = self.tx
        if tx is not None and tx.upstream is not None:
            tx.upstream.pause_reading()
        self._stalled_at = monotonic()
        self.deadline = min(self.deadline, self._stalled_at + self.hop.limits.idle)

    def resume_writing(self) -> None:
        self._write_paused = False
        self._attend()
        tx = self.tx
        if tx is None:
            return
        if tx.response_done:
            self._conclude(tx)
            return
        self.deadline = self._deadline(tx)
        if tx.upstream is not None:
            tx.upstream.resume_reading()

    def pause_reading(self) -> None:
        if not self._read_paused and not self.transport.is_closing():
            self._read_paused = True
            self.transport.pause_reading()
            self._attend()

    def resume_reading(self) -> None:
        if self._read_paused and not self.transport.is_closing():
            self._read_paused = False
            self._attend()
            self.transport.resume_reading()
            if self.tx is not None:
                self.deadline = self._deadline(self.tx)

    # ---- reading

    def data_received(self, data: bytes) -> None:
        tx = self.tx
        if tx is None and self.state is State.IDLE and self.misses < GIVE_UP:
            end = data.find(END) + 4
            known = self.hop.requests.get(data[:end])
            if known is not None and len(data) - end == known.length:
                self.misses = 0
                self._start_known(known, data[end:])
                return
            self.misses += 1
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
        self.tx = tx = self._outgoing.known(known, body)
        self.state = State.BUSY
        self.hop.pool.dispatch(tx)
        if tx.upstream is not None:
            tx.upstream.send(tx)
        self.deadline = math.inf if self.hop.untimed else self._deadline(tx)

    def begin(self, tx: Transaction) -> None:
        """A request has begun: it is in flight from now on."""
        self.tx = tx
        self.state = State.BUSY

    def _hold(self, data: bytes) -> None:
        self._rest += data
        if len(self._rest) > HIGH_WATER:
            self.pause_reading()

    def _read(self, data: bytes) -> None:
        try:
            rest = self._reader.read(data)
        except BadMessage as bad:
            rest = b""
            self._refuse(bad)
        self._forward()
        if rest and self.tx is not None:
            self._hold(rest)
        elif rest and self.state is State.IDLE:
            self._read(rest)

    def _forward(self) -> None:
        """Sends on what a read brought, and sets the deadline for what comes next."""
        tx = self.tx
        if tx is None:
            if self.state is State.IDLE and self._reader.begun:
                self.state = State.HEAD
                self.deadline = monotonic() + self.hop.limits.head
            return
        if tx.out:
            if tx.upstream is not None:
                tx.upstream.send(tx)
            elif tx.out_size > HIGH_WATER:
                self.pause_reading()
        self.deadline = self._deadline(tx)

    # ---- deadlines

    def _deadline(self, tx: Transaction) -> float:
        """Until when that which is awaited now may take."""
        limits = self.hop.limits
        end = tx.start + limits.total
        if self._write_paused:
            return min(self._stalled_at + limits.idle, end)
        if not tx.request_done:
            return end if self._read_paused else min(monotonic() + limits.idle, end)
        if tx.first_read:
            return end
        return min((tx.request_written or monotonic()) + limits.first_byte, end)

    def expire(self) -> None:
        """The deadline has passed; what that means depends on what was going on."""
        tx, now = self.tx, monotonic()
        if tx is None:
            self._expire_between()
        elif self._write_paused:
            self._give_up_upstream(tx)
            self.tx = None
            tx.error = "limit"
            self.hop.accountant.end(tx)
            self.reset()
        elif now >= tx.start + self.hop.limits.total:
            self.fail(tx, 504, "upstream_timeout", "the request took longer than timeouts.total")
        elif tx.request_done and not tx.first_read:
            self.fail(tx, 504, "upstream_timeout", "the model server did not answer in time")
        elif not tx.request_done and now >= tx.last_read + self.hop.limits.idle:
            self.fail(tx, 408, "limit", "the request body stopped coming")
        else:
            self.deadline = self._deadline(tx)

    def _expire_between(self) -> None:
        if self.state is State.HEAD:
            self._refuse(BadMessage(408, "the request head did not come in time"))
        elif self.state is State.CLOSED:
            self.transport.abort()
        else:
            self._close()

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
        if self._reader.begun:
            self.state = State.HEAD
            self.deadline = monotonic() + self.hop.limits.head
        if self._doomed is not None:
            self._refuse(self._doomed)
        elif rest:
            self._read(rest)
        if self._ended and not self._request_whole():
            self._client_left()
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
        if tx.response_done or tx is not self.tx:
            return
        self._give_up_upstream(tx)
        tx.error = reason
        if tx.head_sent:
            self.tx = None
            self.hop.accountant.end(tx)
            self.reset()
            return
        tx.status = status
        tx.head_sent = True
        tx.request_id = tx.request_id or self.hop.new_id()
        tx.close = tx.close or status < 500 or not tx.request_done
        self.write(answer(status, reason, message, tx.request_id, tx.close, tx.method != b"HEAD"))
        self.response_over(tx)

    def _refuse(self, bad: BadMessage) -> None:
        """A request that must not go on: 4xx, the connection closed, nothing more is read."""
        tx = self.tx
        reason = "limit" if bad.status in LIMITS else "client_protocol"
        if self.state in (State.CLOSED, State.LINGER):
            return
        if tx is not None and tx.request_done:
            self._doomed = bad
        elif tx is not None:
            tx.close = True
            self.fail(tx, bad.status, reason, bad.message)
        else:
            request_id = self.hop.new_id()
            self.hop.accountant.unparsed(reason, bad.status, request_id, self.peer)
            self.write(answer(bad.status, reason, bad.message, request_id, True, True))
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
        if self.state is State.IDLE and not has_input(self.transport):
            self._close()
