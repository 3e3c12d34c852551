"""After a 101: bytes both ways, counted, until both sides have ended.

Rule: no byte crosses before the model server's 101; what came with it goes on first.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from agent.proxy.transaction import Transaction

if TYPE_CHECKING:
    from agent.proxy.upstream import Upstream


class End(asyncio.Protocol):
    """One end of a tunnel; what it reads its peer writes."""

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport, from_client: bool) -> None:
        self.transport = transport
        self.peer: End
        self.closed = False
        self._tunnel = tunnel
        self._from_client = from_client

    def data_received(self, data: bytes) -> None:
        self._tunnel.count(len(data), self._from_client)
        self.peer.transport.write(data)

    def eof_received(self) -> bool:
        """An end of one side ends both, unless clients may end theirs and wait (`client_eof`)."""
        peer = self.peer.transport
        if self._tunnel.half_close and not peer.is_closing() and peer.can_write_eof():
            peer.write_eof()
            return True
        peer.close()
        return False

    def pause_writing(self) -> None:
        if not self.peer.closed:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if not self.peer.closed:
            self.peer.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        peer = self.peer.transport
        if exc is not None:
            peer.abort()
        elif not self.peer.closed:
            peer.close()
            asyncio.get_running_loop().call_later(self._tunnel.idle, peer.abort)
        self._tunnel.ended(self)


class Tunnel:
    """Both ends and the transaction that became a tunnel."""

    def __init__(self, tx: Transaction, upstream: Upstream) -> None:
        downstream = tx.downstream
        self._tx = tx
        self._hop = downstream.hop
        self.half_close = self._hop.half_close
        self.idle = self._hop.limits.idle
        """Seconds that what was sent to one side may take to leave once the other has ended."""
        self._hop.tunnels_open += 1
        self._downstream = downstream
        self.client = End(self, downstream.transport, True)
        self.server = End(self, upstream.transport, False)
        self.client.peer, self.server.peer = self.server, self.client
        tx.request_size = tx.response_size = 0

    def count(self, size: int, from_client: bool) -> None:
        tx = self._tx
        if from_client:
            tx.request_size += size
        else:
            tx.response_size += size
            tx.pieces += 1
            tx.last_read = monotonic()

    def ended(self, end: End) -> None:
        if end is self.client:
            self._hop.connections.discard(self._downstream)
        if self.client.closed and self.server.closed:
            self._hop.tunnels_open -= 1
            self._tx.response_done = True
            self._hop.accountant.end(self._tx)


def keep_alive(transport: asyncio.Transport) -> None:
    """Has the kernel find out when a peer has vanished without a word."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def join(tx: Transaction, upstream: Upstream, more: bytes) -> None:
    """Joins the two connections; `more` came behind the 101, the rest is what the client sent."""
    tunnel = Tunnel(tx, upstream)
    for end in (tunnel.client, tunnel.server):
        keep_alive(end.transport)
    early = tx.downstream.become_tunnel()
    tunnel.client.transport.set_protocol(tunnel.client)
    tunnel.server.transport.set_protocol(tunnel.server)
    if more:
        tunnel.server.data_received(more)
    if early:
        tunnel.client.data_received(early)
