"""What stands where in the ledger: the names of all counts, and the tables of one worker.

Rule: nothing here maps memory or knows how many workers there are (see `agent.ledger`, which has
the theory); given the bytes of one region it reads and writes them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

OTHER = "other"

REASONS = (
    "upstream_connect",
    "upstream_timeout",
    "upstream_reset",
    "upstream_protocol",
    "client_abort",
    "client_protocol",
    "limit",
)
"""Why a request failed, other than by the model's own answer."""

ABORTED_BY = {
    "upstream_connect": "upstream",
    "upstream_timeout": "timeout",
    "upstream_reset": "upstream",
    "upstream_protocol": "upstream",
    "client_abort": "client",
    "client_protocol": "client",
    "limit": "outrider",
}
"""Who ended a stream before its end, by the reason. `outrider`: a client took nothing of it for
`timeouts.idle`, or the sidecar itself had to end."""

DURATIONS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75,
    1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0, 120.0, 300.0,
)  # fmt: skip
OVERHEADS = tuple(25e-6 * 2**n for n in range(13))
SIZES = tuple(float(64 * 4**n) for n in range(12))

HISTOGRAMS = {
    "duration": DURATIONS,
    "request_size": SIZES,
    "response_size": SIZES,
    "connect": DURATIONS,
    "upstream": DURATIONS,
    "stream": DURATIONS,
    "overhead": OVERHEADS,
    "first_event": DURATIONS,
    "gap": DURATIONS,
}
"""Default bucket bounds of each histogram (upper, inclusive), in seconds or bytes."""

WORKER_COUNTERS = (
    "heartbeat",  # raised by the worker's loop; the supervisor sees from it that it lives
    "pid",
    "ready",  # 1 once it listens
    "connections",  # gauge: client connections open
    "upstream_up",  # gauge: 1 if the last attempt to reach the model server succeeded
    "draining",  # gauge: 1 after SIGTERM
    "observed",  # records made for the observer
    "handed",  # of those, given to the bus; also the sequence number of the next one
    "dropped_full",  # of those, not: the bus had no room
    "dropped_away",  # of those, not: no observer was connected
    "dropped_killed",  # of those, not: they died with the worker's process
    "unsampled",  # exchanges whose bodies the sampling left out
    "over_budget",  # exchanges whose bodies had no room in capture.budget
    "budget_used",  # gauge: bytes of capture.budget in use
    "unparsed",  # request heads that could not be parsed; counted as client_protocol
    "unparsed_limit",  # request heads too large or too slow to be parsed; counted as limit
    "refused_connections",  # over limits.connections
    "restarts",  # times the supervisor started this worker again
)

OBSERVER_COUNTERS = (
    "heartbeat",
    "pid",
    "ready",
    "received",  # records read from the bus
    "finished",  # records that went through the whole pipeline
    "failed",  # records that a fault in the pipeline lost
    "lost",  # handed over by a worker, but never finished: the gaps in sequence numbers
    "shed",  # gauge: 0 nothing, 1 sketches, 2 payload logs, 3 logs, 4 spans
    "shed_sketches",  # records whose rows were not sketched, by overload
    "shed_payload_logs",  # records whose log line was made without input and output
    "shed_logs",  # records whose log line was not made
    "shed_spans",  # records whose spans were not made
    "restarts",
    "reference_refused",  # gauge: 1 if a configured reference could not be used
)

STREAM_ENDS = tuple(f"aborted_{by}" for by in dict.fromkeys(ABORTED_BY.values()))
ROUTE_FIELDS = ("active", *REASONS, *STREAM_ENDS, "stalls")
ROUTE_HISTOGRAMS = (
    "request_size", "response_size", "connect", "upstream", "stream", "overhead",
    "first_event", "gap",
)  # fmt: skip

FORMAT = 1
"""Of the whole ledger: to be raised when words move without a name having changed."""
KEY_BYTES = 504
WORD = 8


class SeriesKey(NamedTuple):
    """Labels of one request series."""

    method: str
    route: str
    status: str
    error: str
    model: str


class RouteKey(NamedTuple):
    """Labels of one route's figures."""

    route: str
    model: str


class Histogram(NamedTuple):
    """Counts by bucket (not cumulative; one more than the bounds, the last for +Inf), and sum."""

    bounds: tuple[float, ...]
    counts: list[int]
    sum: float


class Caps(NamedTuple):
    """How many rows each worker's tables have, `other` included."""

    series: int = 1024
    routes: int = 256


CAPS = Caps()
SERIES_OTHER = SeriesKey("_OTHER", OTHER, "", "", OTHER)
ROUTE_OTHER = RouteKey(OTHER, OTHER)


class Table:
    """Rows of one kind in one region: a key, then fields of 8 bytes each.

    `words` are the same bytes as unsigned integers, `floats` as doubles; each of the `rows` is
    `stride` words. `row(key)` gives the offset, in words, of a row's first field.
    """

    def __init__(self, memory: memoryview, rows: int, fields: int) -> None:
        self.words = memory.cast("Q")
        self.floats = memory.cast("d")
        self._bytes = memory
        self.rows = rows
        self.stride = 1 + KEY_BYTES // WORD + fields
        self._index: dict[tuple[str, ...], int] = {}
        self._load()

    def _load(self) -> None:
        for row, key in self.used():
            self._index[key] = row
        self._next = len(self._index)

    def used(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Offset and key of each row in use, in the order in which they were made."""
        for n in range(self.rows):
            start = n * self.stride
            length = self.words[start]
            if not length:
                return
            at = (start + 1) * WORD
            key = bytes(self._bytes[at : at + length - 1]).decode()
            yield start + 1 + KEY_BYTES // WORD, tuple(key.split("\0"))

    def find(self, key: tuple[str, ...]) -> int | None:
        """Offset of the row with this key, or None."""
        return self._index.get(key)

    def row(self, key: tuple[str, ...]) -> int:
        """Offset of the row with this key, made if there is room, else that of `other`."""
        at = self._index.get(key)
        return at if at is not None else self._make(key)

    @property
    def full(self) -> bool:
        return self._next >= self.rows

    def _make(self, key: tuple[str, ...]) -> int:
        text = "\0".join(part.replace("\0", "") for part in key).encode("utf-8", "replace")
        start = self._next * self.stride
        fields = start + 1 + KEY_BYTES // WORD
        if self.full or len(text) > KEY_BYTES:
            return 1 + KEY_BYTES // WORD
        at = (start + 1) * WORD
        self._bytes[at : at + len(text)] = text
        self.words[start] = len(text) + 1
        self._index[key] = fields
        self._next += 1
        return fields


class Layout:
    """Where each thing stands, the same in every process because config decides it.

    `digest` is the same for two layouts only if the one's bytes can be read by the other.
    """

    def __init__(self, buckets: Mapping[str, tuple[float, ...]], caps: Caps) -> None:
        self.bounds = {name: tuple(buckets.get(name, HISTOGRAMS[name])) for name in HISTOGRAMS}
        self.caps = caps
        self.series_fields = len(self.bounds["duration"]) + 2
        self.histogram_at: dict[str, int] = {}
        at = len(ROUTE_FIELDS)
        for name in ROUTE_HISTOGRAMS:
            self.histogram_at[name] = at
            at += len(self.bounds[name]) + 2
        self.route_fields = at
        key = 1 + KEY_BYTES // WORD
        self.counters_size = len(WORKER_COUNTERS) * WORD
        self.series_size = caps.series * (key + self.series_fields) * WORD
        self.routes_size = caps.routes * (key + self.route_fields) * WORD
        self.worker_size = self.counters_size + self.series_size + self.routes_size
        names = (FORMAT, WORKER_COUNTERS, OBSERVER_COUNTERS, ROUTE_FIELDS, ROUTE_HISTOGRAMS)
        told = repr((names, KEY_BYTES, caps, sorted(self.bounds.items())))
        self.digest = sha256(told.encode()).hexdigest()[:16]


class WorkerRegion:
    """The writer's side of one worker's counts.

    `counters[WORKER[name]] += 1` counts; `observe` adds a value to a histogram whose first bucket
    stands at `at` in `table`.
    """

    def __init__(self, memory: memoryview, layout: Layout) -> None:
        a, b = layout.counters_size, layout.counters_size + layout.series_size
        self.layout = layout
        self.counters = memory[:a].cast("Q")
        self.series = Table(memory[a:b], layout.caps.series, layout.series_fields)
        self.routes = Table(
            memory[b : b + layout.routes_size], layout.caps.routes, layout.route_fields
        )

    def zero_gauges(self) -> None:
        """For the supervisor, before it starts the worker again."""
        for name in ("ready", "connections", "draining", "budget_used"):
            self.counters[WORKER[name]] = 0
        for row, _ in self.routes.used():
            self.routes.words[row] = 0


def observe(table: Table, at: int, bounds: tuple[float, ...], value: float) -> None:
    """Adds one value to the histogram whose first bucket is word `at` of `table`."""
    table.words[at + bisect_left(bounds, value)] += 1
    table.floats[at + len(bounds) + 1] += value


WORKER = {name: n for n, name in enumerate(WORKER_COUNTERS)}
OBSERVER = {name: n for n, name in enumerate(OBSERVER_COUNTERS)}
