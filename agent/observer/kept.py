"""Recent requests, and kept examples of errors, slow ones and outliers: for people, nothing else.

Rule: no metric and no sketch is made of what is kept. Bounded in number and bytes, and so that one
route with many errors does not push out the others'. What is kept has come as it was and is shown
only through redaction (`pages.exchanges`); bodies are kept only as the log record has them, where
payload logging is on.

Theory. All requests of a batch are compared with two numbers; the newest are kept, of each kind at
most so many of a batch and `A_SECOND` over time: a record that is kept costs some µs. Outliers are
found by drift (`drift.traffic.strange`), which looks at the first row of the first payload of each
batch, and of one in `STRIDE` after it: at low rates it sees all.

Measured (python -m tests.observer.measure): 0.2 µs a request at 10,000 a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from msgspec.structs import replace

from agent.decode.payload import Decoded, Payload
from agent.decode.registry import NONE
from agent.decode.rules.reading import whose
from agent.decode.rules.routes import Routes
from agent.exchange import Exchange
from agent.observer.slow import Slow

RECENT, KEPT = 200, 50
"""Recent requests; kept ones of each reason."""
REASONS = ("error", "slow", "outlier", "sample")
"""Those of `sample` are requests that drift shows as examples, or may."""
A_BATCH = 8
RECENT_A_BATCH = 16
A_SECOND = 100
STRIDE = 64
"""Exchanges that one more outlier is looked for in."""
MAX_BYTES = 4 << 20
MAX_TARGET = 4096
"""Bytes kept of a target."""
_OVERHEAD = 1024
"""Bytes that a kept one is taken for beside its texts."""

_UNREAD = Decoded(None, NONE, "unsupported")

Strange = Sequence[tuple[str, str]]
"""Columns, and what is strange of each."""
_NO_BODIES: dict[str, Any] = {
    "request_fields": [], "response_fields": [], "request_body": None, "response_body": None,
}  # fmt: skip


@dataclass(slots=True)
class Kept:
    """One request."""

    exchange: Exchange
    """Without bodies and fields."""
    decoded: Decoded | None
    """Without its payload; None: it was not looked at."""
    model: str
    version: str
    payload: Mapping[str, object]
    """`input` and `output`, redacted, if payload logging is on."""
    size: int
    reasons: list[str] = field(default_factory=list)
    strange: Strange = ()


class Shelf:
    """Kept ones of one reason: of the route that has most the oldest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._routes: dict[str, deque[Kept]] = {}
        self.count = 0

    def add(self, one: Kept) -> Kept | None:
        """Gives what had to go."""
        self._routes.setdefault(one.exchange.route, deque()).append(one)
        self.count += 1
        return self.pop() if self.count > self._most else None

    def pop(self) -> Kept:
        """Takes the oldest of the route that has most."""
        route = max(self._routes, key=lambda name: len(self._routes[name]))
        gone = self._routes[route].popleft()
        if not self._routes[route]:
            del self._routes[route]
        self.count -= 1
        return gone

    def all(self) -> Iterable[Kept]:
        """In no order."""
        return [one for kept in self._routes.values() for one in kept]


class Allowance:
    """So many a second, and as many at once."""

    def __init__(self) -> None:
        self._left = float(A_SECOND)
        self._at_ns = 0

    def take(self, wanted: int, now_ns: int) -> int:
        """How many of `wanted` may be kept now."""
        passed = max(now_ns - self._at_ns, 0) / 1e9
        self._at_ns = now_ns
        self._left = min(self._left + passed * A_SECOND, float(A_SECOND))
        given = min(wanted, int(self._left))
        self._left -= given
        return given


class KeptExchanges:
    """See the module."""

    def __init__(self, strange: Callable[[Payload], Strange], shelves: int = KEPT) -> None:
        """`strange` looks for outliers, `shelves` is how many are kept of each reason."""
        self._strange = strange
        self.recent: deque[Kept] = deque()
        self.shelves = {reason: Shelf(shelves) for reason in REASONS}
        self.slow = Slow()
        self.bytes = 0
        self._outliers: dict[bytes, Strange] = {}
        self._samples: set[bytes] = set()
        self._pass = 0
        self._allowances = {reason: Allowance() for reason in ("", *REASONS)}

    def look(self, payload: Payload) -> None:
        """Looks whether a payload's first row is an outlier, if it is one's turn."""
        self._pass -= payload.rows if payload.sizes[0] is not None else 1
        if self._pass >= 0:
            return
        self._pass = STRIDE
        if payload.first[0] and (strange := self._strange(payload)):
            self._outliers[payload.first[0]] = strange

    def sample(self, payload: Payload) -> None:
        """Keeps the payload's first request, when its batch is added."""
        self._samples.add(payload.first[0])

    def add(
        self,
        batch: Sequence[Exchange],
        decoded: Sequence[Decoded | None],
        payloads: Sequence[Mapping[str, object] | None],
        routes: Routes,
    ) -> None:
        """Takes a batch; `decoded` and `payloads` go with it one to one, the latter may be empty.

        `routes`: what the settings say of paths.
        """
        limit = self.slow.limits.get
        errors, slow, outliers = [], [], []
        for n, x in enumerate(batch):
            if x.status >= 400 or x.error:
                errors.append(n)
            elif x.duration > limit(x.route, inf):
                slow.append(n)
        if self._outliers:
            outliers = [n for n, x in enumerate(batch) if x.request_id in self._outliers]
        samples: list[int] = []
        if self._samples:
            samples = [n for n, x in enumerate(batch) if x.request_id in self._samples]
        now = batch[-1].start_ns
        newest = range(len(batch))[-RECENT_A_BATCH:]
        chosen: dict[str, Sequence[int]] = {
            "error": errors, "slow": slow, "outlier": outliers, "sample": samples,
        }  # fmt: skip
        made: dict[int, Kept] = {}
        for reason, places in (*chosen.items(), ("", newest)):
            most = len(newest) if not reason else A_BATCH
            allowed = self._allowances[reason].take(min(len(places), most), now) if places else 0
            for n in places[len(places) - allowed :]:
                one = made.get(n)
                if one is None:
                    payload = payloads[n] if payloads else None
                    one = made[n] = _kept(batch[n], decoded[n], payload or {}, routes)
                self._keep(one, reason)
                if not reason:
                    self.slow.learn(batch[n].route, batch[n].duration)
        self._outliers.clear()
        self._samples.clear()
        self._pass = 0

    def all(self) -> list[Kept]:
        """The newest first."""
        shelves = [one for shelf in self.shelves.values() for one in shelf.all()]
        found = {id(one): one for one in (*self.recent, *shelves)}
        return sorted(found.values(), key=lambda one: -one.exchange.start_ns)

    def _keep(self, one: Kept, reason: str) -> None:
        self.bytes += one.size
        if reason:
            one.reasons.append(reason)
            if reason == "outlier":
                one.strange = self._outliers[one.exchange.request_id]
            self._forget(self.shelves[reason].add(one))
        else:
            self.recent.append(one)
            if len(self.recent) > RECENT:
                self._forget(self.recent.popleft())
        while self.bytes > MAX_BYTES:
            self._forget(self._oldest())

    def _oldest(self) -> Kept:
        if len(self.recent) > 1:
            return self.recent.popleft()
        return max(self.shelves.values(), key=lambda shelf: shelf.count).pop()

    def _forget(self, one: Kept | None) -> None:
        if one is not None:
            self.bytes -= one.size


def _kept(
    x: Exchange,
    decoded: Decoded | None,
    payload: Mapping[str, object],
    routes: Routes,
) -> Kept:
    model, version = whose(x, decoded or _UNREAD, routes)
    if decoded is not None and decoded.payload is not None:
        decoded = replace(decoded, payload=None)
    target = x.target[:MAX_TARGET]
    size = len(target) + sum(len(str(text)) for text in payload.values()) + _OVERHEAD
    return Kept(x._replace(target=target, **_NO_BODIES), decoded, model, version, payload, size)
