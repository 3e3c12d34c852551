"""Connections to the model server: the idle ones, and the making of new ones.

Rule: the most recently used goes first, and none is used that has been idle for longer than the
model server can be trusted to keep it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from agent.proxy.hop import Hop
from agent.proxy.transaction import Transaction
from agent.proxy.upstream import Upstream

ADDRESS_TTL = 10.0
"""Seconds that a resolved address is used before the name is asked for again."""


CONNECT_ERRORS = (OSError, TimeoutError, UnicodeError)
"""What connecting raises; UnicodeError is of names that no resolver takes."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the model server is: host and port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""
    tls: ssl.SSLContext | None = None


class Pool:
    """See the module. Sets `hop.pool`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hop: Hop,
        address: Address,
        connect_timeout: float,
        idle_limit: float,
        seen: Callable[[bool], None] = lambda up: None,
    ) -> None:
        self._loop = loop
        self._hop = hop
        self._address = address
        self._timeout = connect_timeout
        self.idle_limit = idle_limit
        self._idle: deque[Upstream] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._resolved: tuple[float, str] | None = None
        self._seen = seen
        self.last_success = -1e9
        """`time.monotonic()` of the last connection or answer."""
        hop.pool = self

    def dispatch(self, tx: Transaction) -> None:
        """Gives the transaction a connection: an idle one at once, else a new one soon."""
        idle, now = self._idle, self._hop.now
        while idle:
            upstream = idle.pop()
            if upstream.closed or now - upstream.idle_since > upstream.idle_limit:
                self._discard(upstream)
                continue
            tx.reused = True
            upstream.tx = tx
            tx.upstream = upstream
            return
        self._open(tx)

    def release(self, upstream: Upstream) -> None:
        """Takes back a connection whose response is complete."""
        upstream.idle_since = self.last_success = self._hop.now
        self._idle.append(upstream)

    def forget(self, upstream: Upstream) -> None:
        """A connection closed or became a tunnel."""
        if upstream.tx is None:
            with suppress(ValueError):
                self._idle.remove(upstream)

    def resend(self, tx: Transaction) -> None:
        """Sends a request again, on a new connection, from its copy."""
        tx.resent = True
        tx.reused = False
        tx.out = [*tx.copy, *tx.out]
        tx.copy, tx.copy_size = [], 0
        tx.upstream = None
        self._open(tx)

    def expire(self) -> None:
        """Closes connections that have been idle for too long."""
        now = monotonic()
        while self._idle and now - self._idle[0].idle_since > self._idle[0].idle_limit:
            self._discard(self._idle.popleft())

    def close(self) -> None:
        """Closes all idle connections."""
        while self._idle:
            self._discard(self._idle.pop())

    def _discard(self, upstream: Upstream) -> None:
        if not upstream.closed:
            upstream.closed = True
            upstream.transport.abort()

    def _open(self, tx: Transaction) -> None:
        task = self._loop.create_task(self._connect(tx))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, tx: Transaction) -> None:
        before = monotonic()
        try:
            upstream = await self.connect()
        except CONNECT_ERRORS as error:
            if not tx.ended:
                timeout = isinstance(error, TimeoutError)
                status = 504 if timeout else 502
                tx.downstream.fail(tx, status, "upstream_connect", _explain(error, self._address))
            return
        tx.connect = monotonic() - before
        tx.waited += tx.connect
        if tx.ended:
            self.release(upstream)
            return
        upstream.tx = tx
        tx.upstream = upstream
        upstream.send(tx)
        if not upstream.write_paused:
            tx.downstream.resume_reading()

    async def connect(self) -> Upstream:
        """A new connection. Raises OSError, or TimeoutError after `timeouts.connect`."""
        address = self._address
        make: Any = lambda: Upstream(self, self._hop)  # noqa: E731
        try:
            async with asyncio.timeout(self._timeout):
                if address.path:
                    _, upstream = await self._loop.create_unix_connection(make, address.path)
                else:
                    _, upstream = await self._connect_tcp(make)
        except CONNECT_ERRORS:
            self._resolved = None
            self._seen(False)
            raise
        self._seen(True)
        self.last_success = monotonic()
        assert isinstance(upstream, Upstream)
        return upstream

    async def _connect_tcp(self, make: Any) -> tuple[Any, Any]:
        address = self._address
        host = self._resolved[1] if self._resolved and self._resolved[0] > monotonic() else ""
        extra: dict[str, Any] = {}
        if address.tls is not None:
            extra = {"ssl": address.tls, "server_hostname": address.host}
        transport, upstream = await self._loop.create_connection(
            make, host or address.host, address.port, **extra
        )
        if not host:
            peer = transport.get_extra_info("peername")
            self._resolved = (monotonic() + ADDRESS_TTL, peer[0]) if peer else None
        return transport, upstream


def _explain(error: Exception, address: Address) -> str:
    where = address.path or f"{address.host}:{address.port}"
    if isinstance(error, TimeoutError):
        return f"no connection to the model server at {where} in time"
    return f"no connection to the model server at {where}: {getattr(error, 'strerror', 0) or error}"
