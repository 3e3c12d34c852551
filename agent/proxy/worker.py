"""A worker process from its fork to its end: the composition of the data plane.

Rule: it knows bytes and time. It inherits its sockets and the ledger, starts serving before it
looks for anybody else, and ends when its requests have ended.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import resource
import signal
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import uvloop

from agent.certificates import upstream_tls
from agent.config import Config
from agent.ledger import OBSERVER, WORKER, Ledger
from agent.orders import QUICK_STOP, SWITCH, hear
from agent.proxy.account import Accountant
from agent.proxy.bus import Bus
from agent.proxy.capture import Budget
from agent.proxy.departures import Departures
from agent.proxy.downstream import Downstream
from agent.proxy.health import Answer, Handler, Health
from agent.proxy.hop import Hop, Limits, Sampling, networks
from agent.proxy.pool import CONNECT_ERRORS, Address, Pool
from agent.proxy.routes import Routes
from agent.settings.telemetry import Telemetry

TICK = 0.25
"""Seconds between looks at the deadlines; shorter where a timeout asks for it."""
PROBE_AGE = 2.0
"""Seconds for which the last contact with the model server answers a readiness probe."""
OBSERVER_AGE = 5.0
"""Seconds without a heartbeat after which the observer is called hung."""

BACKLOG_PAUSE, BACKLOG_ROUNDS = 0.05, 10
"""Seconds without a new connection after which the queue is taken for empty; and how often that
is waited for, for clients may never stop coming."""
ENDING_ROUNDS = 4
"""Such pauses for connections that were cut off to be gone, so that each has its record."""
MAX_HANDSHAKE = 60.0
"""Seconds; a TLS handshake has `timeouts.head`, but not for ever."""
OWN_FILES = 64
"""Descriptors that a worker needs beside its connections."""
KEPT = 1.0
"""Seconds, at least, that idle connections are kept after another generation has taken over: a
client's next request may be under way, and its answer tells the client to connect anew."""

Servers = list[asyncio.Server]


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a worker gets from the supervisor with its fork."""

    number: int
    listeners: Sequence[socket.socket]
    health: Sequence[socket.socket]
    bus: str
    ledger: Ledger


def run(config: Config, telemetry: Telemetry, inherited: Inherited, waits: bool) -> None:
    """Serves until SIGTERM and the drain that follows. Raises on a fault that it cannot mend.

    If it `waits`, it is ready but takes no connection before SWITCH.
    """
    uvloop.run(_Worker(config, telemetry, inherited).serve(waits))


def connections_that_fit(limit: int) -> int:
    """`limit`, or fewer if the process may not open two descriptors for each of so many."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return limit
    return min(limit, max((soft - OWN_FILES) // 2, 1))


def client_tls(config: Config) -> ssl.SSLContext | None:
    """The context for the listening side. Raises OSError or ssl.SSLError on a bad file."""
    tls = config.tls
    if tls.cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(tls.cert, tls.key)
    if tls.client_ca is not None:
        context.load_verify_locations(tls.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Worker:
    def __init__(self, config: Config, telemetry: Telemetry, inherited: Inherited) -> None:
        self._config = config
        self._inherited = inherited
        self._ledger = inherited.ledger
        self._region = self._ledger.worker(inherited.number)
        self._tls = client_tls(config)
        self._hop = _hop(config, telemetry)
        self._hop.refused = self._count_refused
        self._go: asyncio.Future[None]
        self._stop: asyncio.Future[int]
        self._replaced = False
        """Another generation has taken over."""
        self._observer = (-1, 0.0)
        self._accepted = 0

    async def serve(self, waits: bool) -> None:
        loop = asyncio.get_running_loop()
        self._go, self._stop = loop.create_future(), loop.create_future()
        for number in (signal.SIGTERM, QUICK_STOP):
            loop.add_signal_handler(number, self._ask_stop, number)
        loop.add_signal_handler(SWITCH, self._switch)
        hear()
        bus = self._compose(loop)
        counters = self._region.counters
        counters[WORKER["pid"]] = os.getpid()
        if bus is not None:
            bus.start()
        if waits:
            counters[WORKER["ready"]] = 1
            await asyncio.wait((self._go, self._stop), return_when=asyncio.FIRST_COMPLETED)
            if not self._go.done():
                return
        else:
            self._go.set_result(None)
        listeners, probes = await self._listen(loop)
        counters[WORKER["ready"]] = 1
        gc.freeze()
        ticking = loop.create_task(self._tick())
        await self._drain(listeners, probes, await self._stop)
        if bus is not None:
            await bus.close(self._config.drain.flush)
        ticking.cancel()
        _close(probes)

    async def _listen(self, loop: asyncio.AbstractEventLoop) -> tuple[Servers, Servers]:
        """Takes connections from now on: clients', and those of probes."""
        inherited = self._inherited
        listeners = [
            await loop.create_server(self._accept, sock=sock, backlog=4096, **self._tls_options())
            for sock in inherited.listeners
        ]
        answers: dict[str, Handler] = {"/healthz": self._healthz, "/readyz": self._readyz}
        probes = [
            await loop.create_server(lambda: Health(answers), sock=sock)
            for sock in inherited.health
        ]
        return listeners, probes

    def _compose(self, loop: asyncio.AbstractEventLoop) -> Bus | None:
        config, hop, inherited = self._config, self._hop, self._inherited
        bus = None
        if config.observe != "off":
            bus = Bus(loop, inherited.bus, inherited.number, self._region, hop.budget)
        self._bus = bus
        hop.accountant = Accountant(self._region, bus, config.streams.stall)
        Departures(loop, hop)
        upstream = config.upstream
        address = Address(upstream.host, upstream.port, upstream.socket, upstream_tls(config))
        self._pool = Pool(
            loop, hop, address, config.timeouts.connect, config.timeouts.pool, self._seen_upstream
        )
        return bus

    def _accept(self) -> Downstream:
        self._accepted += 1
        return Downstream(self._hop, b"https" if self._tls else b"http")

    def _count_refused(self) -> None:
        self._region.counters[WORKER["refused_connections"]] += 1

    def _seen_upstream(self, up: bool) -> None:
        self._region.counters[WORKER["upstream_up"]] = int(up)

    # ---- the tick

    async def _tick(self) -> None:
        hop, counters = self._hop, self._region.counters
        timeouts = self._config.timeouts
        shortest = min(timeouts.head, timeouts.idle, timeouts.first_byte, timeouts.total)
        period = min(TICK, max(shortest / 8, 0.02))
        while True:
            hop.now = now = monotonic()
            counters[WORKER["heartbeat"]] += 1
            counters[WORKER["connections"]] = len(hop.connections)
            counters[WORKER["budget_used"]] = hop.budget.used + hop.budget.unsent
            for connection in [c for c in hop.connections if c.deadline < now]:
                connection.expire()
            self._pool.expire()
            if self._bus is not None:
                self._bus.refresh()
            beat = self._ledger.observer[OBSERVER["heartbeat"]]
            if beat != self._observer[0]:
                self._observer = (beat, now)
            await asyncio.sleep(period)

    # ---- probes

    async def _healthz(self) -> Answer:
        return 200, {"status": "ok", "observer": self._observer_state()}

    async def _readyz(self) -> Answer:
        up = await self._upstream_reachable()
        draining = self._hop.draining and not self._replaced
        ready = up and not draining
        body: dict[str, object] = {
            "status": "ready" if ready else "not ready",
            "upstream": "ok" if up else "unreachable",
            "draining": draining,
            "observer": self._observer_state(),
        }
        if self._ledger.observer[OBSERVER["reference_refused"]]:
            body["reference"] = "refused: see the log and /api/v1/status; drift is not judged by it"
        return (200 if ready else 503), body

    def _observer_state(self) -> str:
        if self._config.observe == "off":
            return "off"
        beat, seen = self._observer
        if monotonic() - seen > OBSERVER_AGE:
            return "hung"
        if self._bus is None or self._bus.away:
            return "down"
        return "ok" if beat else "starting"

    async def _upstream_reachable(self) -> bool:
        if monotonic() - self._pool.last_success < PROBE_AGE:
            return True
        try:
            upstream = await self._pool.connect()
        except CONNECT_ERRORS:
            return False
        upstream.transport.close()
        return True

    # ---- the end

    def _ask_stop(self, number: int) -> None:
        if not self._stop.done():
            self._stop.set_result(number)

    def _switch(self) -> None:
        if self._go.done():
            self._ask_stop(SWITCH)
        else:
            self._go.set_result(None)

    async def _drain(self, listeners: Servers, probes: Servers, told: int) -> None:
        """Not ready, but serving; then no new connections; then until all requests have ended.

        One that was replaced takes no new connections from the start: its successor does.
        """
        hop, drain = self._hop, self._config.drain
        self._replaced = told == SWITCH
        hop.draining = True
        self._region.counters[WORKER["draining"]] = 1
        if self._replaced:
            _close(listeners)
            _close(probes)
            await self._keep_idle(drain.delay)
        elif told == signal.SIGTERM:
            await asyncio.sleep(drain.delay)
        if not self._replaced:
            await self._empty_backlog()
            _close(listeners)
        deadline = monotonic() + drain.grace
        while hop.connections and monotonic() < deadline:
            for connection in list(hop.connections):
                connection.close_if_idle()
            await asyncio.sleep(0.02)
        for connection in list(hop.connections):
            connection.abandon()
        self._pool.close()
        for _ in range(ENDING_ROUNDS):
            if hop.connections or hop.tunnels_open:
                await asyncio.sleep(BACKLOG_PAUSE)

    async def _keep_idle(self, delay: float) -> None:
        """Waits for what idle connections still ask: at least KEPT, then while there are any."""
        await asyncio.sleep(KEPT)
        until = monotonic() + delay - KEPT
        while self._hop.connections and monotonic() < until:
            await asyncio.sleep(0.02)

    async def _empty_backlog(self) -> None:
        """Accepts what waits in the listening socket's queue, until nothing has come for a bit."""
        before = -1
        for _ in range(BACKLOG_ROUNDS):
            if self._accepted == before:
                return
            before = self._accepted
            await asyncio.sleep(BACKLOG_PAUSE)

    def _tls_options(self) -> dict[str, Any]:
        if self._tls is None:
            return {}
        handshake = min(self._config.timeouts.head, MAX_HANDSHAKE)
        return {"ssl": self._tls, "ssl_handshake_timeout": handshake}


def _close(servers: Servers) -> None:
    for server in servers:
        server.close()


def _hop(config: Config, telemetry: Telemetry) -> Hop:
    limits, timeouts, upstream = config.limits, config.timeouts, config.upstream
    observing = config.observe != "off"
    return Hop(
        limits=Limits(
            head_bytes=limits.head_bytes,
            fields=limits.fields,
            body_bytes=limits.body_bytes,
            connections=connections_that_fit(limits.connections),
            head=timeouts.head,
            idle=timeouts.idle,
            first_byte=timeouts.first_byte,
            total=timeouts.total,
        ),
        sampling=Sampling(
            traces=telemetry.traces and observing,
            parent_based=telemetry.parent_based,
            ratio=telemetry.ratio,
            capture=config.observe == "all",
            bodies=config.capture.sample_ratio,
            body_bytes=config.capture.max_body_bytes,
        ),
        routes=Routes([(route.path, route.model or "") for route in config.routes]),
        budget=Budget(config.capture.budget),
        base_path=upstream.path.encode("ascii"),
        upstream_host=_host_field(config),
        tunnels=frozenset(name.lower().encode() for name in config.tunnel.protocols),
        half_close=config.client_eof == "half_close",
        server_timing=config.server_timing,
        trusted=networks(config.trusted_proxies),
        random=random.Random(os.urandom(32)),
    )


def _host_field(config: Config) -> bytes:
    upstream = config.upstream
    if not upstream.host:
        return b"localhost"
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    return f"{host}:{upstream.port}".encode()
