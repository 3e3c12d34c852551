"""Answers that come event by event: which they are, and what is counted of them.

Rule: only they pay for it.
"""

from __future__ import annotations

from agent.exchange import STREAMS, Fields, field
from agent.ledger import ABORTED_BY, ROUTE_FIELDS, WorkerRegion, observe
from agent.proxy.transaction import Transaction

_STALLS = ROUTE_FIELDS.index("stalls")
_ABORTED_AT = {reason: ROUTE_FIELDS.index(f"aborted_{by}") for reason, by in ABORTED_BY.items()}


def is_stream(fields: Fields) -> bool:
    """Whether an answer whose head says no length comes event by event."""
    kind = field(fields, b"content-type")
    return kind is not None and kind.partition(b";")[0].strip().lower() in STREAMS


class StreamCounts:
    """Adds finished streams to the rows of their routes."""

    def __init__(self, region: WorkerRegion, stall: float) -> None:
        """A gap of more than `stall` seconds counts as one."""
        layout = region.layout
        self._routes = region.routes
        self._first_event = layout.histogram_at["first_event"], layout.bounds["first_event"]
        self._gap = layout.histogram_at["gap"], layout.bounds["gap"]
        self._stall = stall

    def add(self, row: int, first_piece: float, end: float, tx: Transaction) -> None:
        """`row`: of its route; `first_piece` as in `Exchange`; `end`: when it was over."""
        routes = self._routes
        if tx.error:
            routes.words[row + _ABORTED_AT[tx.error]] += 1
        if first_piece < 0:
            return
        if tx.error and tx.upstream is not None and not tx.upstream.paused:
            tx.largest_gap = max(tx.largest_gap, end - tx.last_read)
        at, bounds = self._first_event
        observe(routes, row + at, bounds, first_piece)
        at, bounds = self._gap
        observe(routes, row + at, bounds, tx.largest_gap)
        if tx.largest_gap > self._stall:
            routes.words[row + _STALLS] += 1
