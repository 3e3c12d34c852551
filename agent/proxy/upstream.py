"""One connection to the model server: writes a request's pieces, streams its response back.

Rule: nothing is held but what one read brought; what arrived in one read leaves in one write.

Theory. `response.py` says what the bytes are and what the client gets; here is the life of the
connection: what it writes, when its response began and is over, how it is lost, and whether it can
carry another request.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, cast

from agent.proxy.closing import reset, unsent
from agent.proxy.head import BadMessage
from agent.proxy.hop import END_OF_HEAD, UNSENT, Hop
from agent.proxy.known import END
from agent.proxy.resend import TcpCounts, may_resend, tcp_counts
from agent.proxy.response import ResponseReader
from agent.proxy.transaction import COPY_LIMIT, Transaction

if TYPE_CHECKING:
    from agent.proxy.pool import Pool

LOCAL_BUFFER = 128 << 10
"""The kernel's receive buffer where the model server is on this machine: as fast as the default
of megabytes, for there is no distance to bridge, and no read is larger (see `UNSENT`)."""
OUR_END = END_OF_HEAD["1.1"]
_KEEP_ALIVE = re.compile(rb"timeout\s*=\s*(\d{1,9})")


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
        self.paused = False
        """What was read waits: the model server is not to be read."""
        self._response = ResponseReader(hop)
        self._written = 0
        self._counts: TcpCounts | None = None

    # ---- life of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=UNSENT)
        _bound_reads(self.transport)
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
        if not self.paused and not self.closed:
            self.paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self.paused and not self.closed:
            self.paused = False
            self.transport.resume_reading()
            if self.tx is not None:
                self.tx.last_read = monotonic()  # until now the wait was the client's

    def abort(self) -> None:
        """Closes at once, also for a peer that takes nothing; what was under way is forgotten."""
        self.tx = None
        self.closed = True
        if unsent(self.transport):
            reset(self.transport)
        else:
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
        if exc is None and self._response.end_of_stream():
            self._write_out(tx)
            tx.downstream.response_over(tx)
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
        response = self._response
        try:
            tunnelled = response.feed(tx, data)
        except BadMessage as bad:
            self._refuse(tx, bad)
            return
        if tunnelled is not None:
            self._become_tunnel(tx, tunnelled)
            return
        if response.out:
            if not tx.first_piece and tx.response_size:
                tx.first_piece, tx.largest_gap = now, 0.0
            if not tx.first_out:
                tx.first_out = monotonic()
            self._write_out(tx)
        if response.over:
            self._over(tx, data)
        elif response.too_quiet():
            self._refuse(tx, BadMessage(502, "the model server's response head is too large"))

    def _write_out(self, tx: Transaction) -> None:
        out = self._response.out
        tx.downstream.transport.write(b"".join(out))
        out.clear()

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
        tx.last_read = tx.first_out = tx.first_piece = now
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

    def _over(self, tx: Transaction, data: bytes) -> None:
        """The response is complete: the connection goes back to the pool, or ends."""
        response = self._response
        head = response.next(data)
        self.tx = None
        self.resume_reading()
        unsent = self.transport.get_write_buffer_size()
        if response.reusable and not (head.close or unsent or self.closed) and tx.request_done:
            if head.keep_alive:
                self._set_idle_limit(head.keep_alive)
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
        self._response.out.clear()
        self.abort()
        tx.downstream.fail(tx, 502, "upstream_protocol", bad.message)

    def _become_tunnel(self, tx: Transaction, more: bytes) -> None:
        from agent.proxy.tunnel import join

        if self.closed:
            tx.downstream.fail(tx, 502, "upstream_reset", "the model server closed the connection")
            return
        self.pool.forget(self)
        self.tx = None
        self._write_out(tx)
        tx.first_out = monotonic()
        join(tx, self, more)


def _bound_reads(transport: asyncio.Transport) -> None:
    peer, sock = transport.get_extra_info("peername"), transport.get_extra_info("socket")
    if sock is not None and isinstance(peer, tuple) and peer[0].startswith(("127.", "::1")):
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LOCAL_BUFFER)
