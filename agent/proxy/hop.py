"""What all connections of one worker share: limits, timeouts, identity, and the parts they use."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from agent.proxy.capture import Budget, Capture
from agent.proxy.head import REQUEST_FIELDS, TRACED_FIELDS, read_traceparent
from agent.proxy.known import Known, KnownRequest, KnownResponse
from agent.proxy.routes import Routes
from agent.proxy.transaction import Transaction

if TYPE_CHECKING:
    from agent.proxy.account import Accountant
    from agent.proxy.departures import Departures
    from agent.proxy.downstream import Downstream
    from agent.proxy.pool import Pool

END_OF_HEAD = {v: b"via: %b outrider\r\n\r\n" % v.encode() for v in ("1.1", "1.0")}
"""Our Via line, with the version that was received, and the empty line: the end of every head."""
UNSENT = 4 << 10
"""Bytes that may wait for a peer before the other side is no longer read. With them waits the
rest of the read in which they came: it is this that a peer that takes nothing costs."""
_64_BITS = (1 << 64) - 1

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


@dataclass(slots=True)
class Limits:
    """Bounds on what a peer may send; bytes, counts and seconds (`math.inf`: off)."""

    head_bytes: int = 64 << 10
    fields: int = 256
    body_bytes: int = (1 << 63) - 1
    connections: int = 10_000
    head: float = 10.0
    idle: float = 75.0
    first_byte: float = float("inf")
    total: float = float("inf")


@dataclass(slots=True)
class Sampling:
    """What is decided by a random number in the worker.

    `traces`: spans are exported. `ratio` of traces without a parent (all, if not
    `parent_based`) is sampled. `bodies` of exchanges are captured, at most `body_bytes` a body.
    """

    traces: bool = False
    parent_based: bool = True
    ratio: float = 1.0
    capture: bool = True
    bodies: float = 1.0
    body_bytes: int = 1 << 20


@dataclass(slots=True)
class Hop:
    """One a worker; connections hold a reference to it."""

    limits: Limits
    sampling: Sampling
    routes: Routes
    budget: Budget
    base_path: bytes = b""
    upstream_host: bytes = b""
    tunnels: frozenset[bytes] = frozenset({b"websocket"})
    half_close: bool = False
    server_timing: bool = False
    trusted: Networks = ()
    draining: bool = False
    connections: set[Downstream] = field(default_factory=set)
    tunnels_open: int = 0
    now: float = field(default_factory=monotonic)
    """`time.monotonic()` of the last tick: precise enough for idle timeouts, and free."""
    random: random.Random = field(default_factory=random.SystemRandom)
    refused: Callable[[], None] = lambda: None
    requests: Known[KnownRequest] = field(default_factory=Known)
    responses: Known[KnownResponse] = field(default_factory=Known)
    pool: Pool = field(init=False)
    accountant: Accountant = field(init=False)
    departures: Departures = field(init=False)
    special: frozenset[bytes] = field(init=False)
    """Request fields that are read, see `head.read_request`."""
    untimed: bool = field(init=False)
    """Neither the first byte nor the whole of a response has a timeout."""

    def __post_init__(self) -> None:
        self.special = TRACED_FIELDS if self.sampling.traces else REQUEST_FIELDS
        self.untimed = self.limits.first_byte == self.limits.total == float("inf")

    def new_id(self) -> bytes:
        """A request id of ours."""
        return b"%016x" % self.random.getrandbits(64)

    def trusts(self, address: str) -> bool:
        """Whether `address` is one of `trusted_proxies`."""
        if not self.trusted:
            return False
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self.trusted)

    def sample(self, tx: Transaction) -> None:
        """Decides whether copies of the bodies are kept, and gives them their room."""
        s = self.sampling
        if s.bodies < 1.0 and self.random.random() >= s.bodies:
            tx.capture = "unsampled"
            return
        tx.capture = "full"
        tx.request_copy = Capture(self.budget, s.body_bytes)
        tx.response_copy = Capture(self.budget, s.body_bytes)

    def trace(self, tx: Transaction, traceparent: bytes, tracestate: bytes) -> list[bytes]:
        """Continues the client's trace or starts one; gives the lines to send on.

        Sets `tx.trace` if the trace is sampled, by the rules of the OpenTelemetry SDK's samplers
        ParentBased and TraceIdRatioBased. A trace context that is not valid is not continued, nor
        is its tracestate (W3C Trace Context section 4.3).
        """
        s = self.sampling
        parent = read_traceparent(traceparent) if traceparent else None
        raw = self.random.getrandbits(256).to_bytes(32, "big")
        if parent is not None:
            trace_id, parent_id, flags = parent
        else:
            trace_id, parent_id, flags, tracestate = raw[:16], b"", 0, b""
        if parent is not None and s.parent_based:
            sampled = bool(flags & 1)
        else:
            low = int.from_bytes(trace_id[8:], "big")
            sampled = low < round(s.ratio * (_64_BITS + 1))
        if sampled:
            tx.trace = (trace_id, raw[16:24], raw[24:], parent_id, tracestate)
        flag = b"1" if sampled else b"0"
        ids = (trace_id.hex().encode(), raw[24:].hex().encode())
        lines = [b"traceparent: 00-%b-%b-0%b\r\n" % (*ids, flag)]
        if tracestate:
            lines += (b"tracestate: ", tracestate, b"\r\n")
        return lines


def networks(names: Sequence[str]) -> Networks:
    """Addresses and CIDR ranges of `trusted_proxies`. Raises ValueError naming the bad one."""
    return tuple(ipaddress.ip_network(name, strict=False) for name in names)
