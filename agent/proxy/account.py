"""What is written down when a request is over: exact counts at once, a record for the observer.

Rule: every transaction comes here exactly once, whatever became of it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from time import monotonic, time_ns

from agent.exchange import ABSENT, Exchange
from agent.ledger import (
    OTHER,
    REASONS,
    ROUTE_FIELDS,
    ROUTE_OTHER,
    WORKER,
    WorkerRegion,
)
from agent.proxy.bus import Bus
from agent.proxy.routes import Route
from agent.proxy.streamed import StreamCounts
from agent.proxy.transaction import Transaction

MAX_ROUTES = 64
MAX_MODELS = 64
"""Distinct label values a worker; further ones count as `other`."""
UNEARNED = (404, 405)
"""Answers by which a path earns no series of its own."""
METHODS = {
    m.encode(): m
    for m in ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
}

_REASON_AT = {reason: ROUTE_FIELDS.index(reason) for reason in REASONS}
_UNSAMPLED, _OVER_BUDGET = WORKER["unsampled"], WORKER["over_budget"]


class Accountant:
    """Adds finished transactions to the worker's region and hands records to the bus."""

    def __init__(self, region: WorkerRegion, bus: Bus | None, stall: float = math.inf) -> None:
        """`stall`: seconds, as `streams.stall`."""
        self._region = region
        self._bus = bus
        self._series, self._routes = region.series, region.routes
        self._other = self._routes.row(ROUTE_OTHER)
        self._rows: dict[tuple[bytes, Route, int, str], tuple[int, int]] = {}
        known = [key for _, key in self._routes.used()]
        self._known_routes = {key[0] for key in known}
        self._known_models = {key[1] for key in known}
        durations = region.layout.bounds["duration"]
        self._durations = (durations, len(durations) + 1)
        self._request_size = self._place("request_size")
        self._response_size = self._place("response_size")
        self._connect = self._place("connect")
        self._upstream = self._place("upstream")
        self._stream = self._place("stream")
        self._overhead = self._place("overhead")
        self._streams = StreamCounts(region, stall)

    def _place(self, name: str) -> tuple[int, tuple[float, ...], int]:
        """Of a route's histogram: its first bucket in the row, its bounds, its sum in the row."""
        layout = self._region.layout
        first, bounds = layout.histogram_at[name], layout.bounds[name]
        return first, bounds, first + len(bounds) + 1

    def begin(self, tx: Transaction) -> None:
        """Raises the gauge of active requests of the route, as far as it is known yet."""
        row = self._routes.find(tx.route)
        tx.active_row = row if row is not None else self._other
        self._routes.words[tx.active_row] += 1

    def unparsed(self, reason: str, status: int, request_id: bytes, client: str) -> None:
        """Counts a request head that could not be parsed, or was too large or too slow for it.

        Its record has no method and no target, nor any other word of a client that may have sent
        anything: `request_id` is ours, and in the answer, `status`.
        """
        name = "unparsed_limit" if reason == "limit" else "unparsed"
        self._region.counters[WORKER[name]] += 1
        if self._bus is not None:
            self._bus.put(_unparsed(reason, status, request_id, client), 0)

    def end(self, tx: Transaction) -> None:
        """Counts the transaction and makes its record; the second call for one does nothing.

        It comes after the answer's last write: a worker that is killed in between leaves that one
        answered request uncounted. The other way round all of this would delay every answer.

        The adding up of a histogram stands here in line six times over: as a function it cost
        1 µs a request more (`bench hop`).
        """
        if tx.ended:
            return
        tx.ended = True
        now = monotonic()
        duration = now - tx.start
        words, floats = self._routes.words, self._routes.floats
        words[tx.active_row] -= 1
        rows = self._rows.get((tx.method, tx.route, tx.status, tx.error))
        series, row = rows if rows is not None else self._find_rows(tx)
        bounds, total = self._durations
        self._series.words[series + bisect_left(bounds, duration)] += 1
        self._series.floats[series + total] += duration
        first, bounds, total = self._request_size
        size = tx.request_size
        words[row + first + bisect_left(bounds, size)] += 1
        floats[row + total] += size
        first, bounds, total = self._response_size
        size = tx.response_size
        words[row + first + bisect_left(bounds, size)] += 1
        floats[row + total] += size
        upstream = stream = overhead = first_piece = ABSENT
        if tx.first_read:
            sent = tx.request_written or tx.head_written
            upstream = max(tx.first_read - sent, 0.0)
            if size and tx.first_piece:
                first_piece = max(tx.first_piece - sent, 0.0)
            first, bounds, total = self._upstream
            words[row + first + bisect_left(bounds, upstream)] += 1
            floats[row + total] += upstream
            if tx.response_done:
                stream = tx.last_read - tx.first_read
                first, bounds, total = self._stream
                words[row + first + bisect_left(bounds, stream)] += 1
                floats[row + total] += stream
        if tx.head_written:
            overhead = max(tx.head_written - tx.start - tx.waited, 0.0)
            if tx.first_out:
                overhead += max(tx.first_out - tx.first_read, 0.0)
            first, bounds, total = self._overhead
            words[row + first + bisect_left(bounds, overhead)] += 1
            floats[row + total] += overhead
        if tx.connect >= 0:
            first, bounds, total = self._connect
            words[row + first + bisect_left(bounds, tx.connect)] += 1
            floats[row + total] += tx.connect
        if tx.error:
            words[row + _REASON_AT[tx.error]] += 1
        if tx.streamed:
            self._streams.add(row, first_piece, now, tx)
        if self._bus is not None:
            self._record(self._bus, tx, duration, upstream, stream, overhead, first_piece)

    def _find_rows(self, tx: Transaction) -> tuple[int, int]:
        """Rows of the series and of the route; makes them if the path earned that."""
        known = self._routes.find(tx.route) is not None
        route, model = tx.route
        if not known:
            if tx.status in UNEARNED or tx.error:
                route = OTHER
            if route not in self._known_routes and len(self._known_routes) >= MAX_ROUTES:
                route = OTHER
            if route == OTHER or (
                model not in self._known_models and len(self._known_models) >= MAX_MODELS
            ):
                model = OTHER
            self._known_routes.add(route)
            self._known_models.add(model)
        method = METHODS.get(tx.method, "_OTHER")
        rows = (
            self._series.row((method, route, str(tx.status), tx.error, model)),
            self._routes.row((route, model)),
        )
        if (route, model) == tx.route:
            self._rows[tx.method, tx.route, tx.status, tx.error] = rows
        else:
            tx.route = Route(route, model)
        return rows

    def _record(
        self,
        bus: Bus,
        tx: Transaction,
        duration: float,
        upstream: float,
        stream: float,
        overhead: float,
        first_piece: float,
    ) -> None:
        held = 0
        request_body = response_body = None
        request, response = tx.request_copy, tx.response_copy
        if request is not None and response is not None:
            if request.failed or response.failed:
                tx.capture = "budget"
                request.give_up()
                response.give_up()
            else:
                request_body, response_body = request.body(), response.body()
                held = request.held + response.held
        if tx.capture == "unsampled":
            self._region.counters[_UNSAMPLED] += 1
        elif tx.capture == "budget":
            self._region.counters[_OVER_BUDGET] += 1
        bus.put(
            (
                tx.start_ns,
                tx.request_id,
                tx.method,
                tx.target,
                tx.version,
                tx.route[0],
                tx.route[1],
                tx.status,
                tx.error,
                duration,
                tx.head_written - tx.start if tx.head_written else ABSENT,
                tx.connect,
                upstream,
                stream,
                overhead,
                tx.request_size,
                tx.response_size,
                tx.pieces,
                tx.largest_gap,
                first_piece,
                tx.streamed,
                tx.downstream.peer,
                tx.reused,
                tx.resent,
                tx.upgrade.decode("latin-1") if tx.status == 101 else "",
                tx.trace,
                tx.fields,
                tx.response_fields,
                tx.capture,
                request_body,
                response_body,
            ),
            held,
            max(tx.copy_size - tx.request_size, 0) + tx.response_head,
        )


_TIMINGS = ("sent", "connect", "upstream", "stream", "overhead", "first_piece")


def _unparsed(reason: str, status: int, request_id: bytes, client: str) -> tuple[object, ...]:
    never = dict.fromkeys(_TIMINGS, ABSENT)
    exchange = Exchange(
        start_ns=time_ns(),
        request_id=request_id,
        method=b"",
        target=b"",
        version="",
        route=OTHER,
        model="",
        status=status,
        error=reason,
        duration=0.0,
        request_size=0,
        response_size=0,
        pieces=0,
        largest_gap=0.0,
        streamed=False,
        client=client,
        upstream_reused=False,
        resent=False,
        upgrade="",
        trace=None,
        request_fields=[],
        response_fields=[],
        capture="full",
        request_body=None,
        response_body=None,
        **never,
    )
    return tuple(exchange)
