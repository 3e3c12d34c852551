"""For each latency bucket the last request that fell into it and has a trace.

Rule: fed in batches by the pipeline, read at a scrape; bounded, and no count depends on it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from prometheus_client.samples import Exemplar

from agent.exchange import Exchange
from agent.ledger import DURATIONS, SeriesKey

LIMIT = 8192
"""Buckets that may have an exemplar; of further ones none is kept."""

_Key = tuple[bytes, str, int, str, str, int]
METHODS = frozenset(
    (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")
)
"""OpenTelemetry's known methods, with PATCH; any other is `_OTHER` in a label."""


class Exemplars:
    """The last sampled trace of each (series, bucket)."""

    def __init__(self, bounds: tuple[float, ...] = DURATIONS) -> None:
        self._bounds = bounds
        self._last: dict[_Key, tuple[bytes, float, int]] = {}

    def update(self, batch: Sequence[Exchange]) -> None:
        """Takes the traces of a batch; 0.5 µs an exchange (python -m tests.signals.measure)."""
        last, bounds = self._last, self._bounds
        for x in batch:
            if x.trace is None:
                continue
            method = x.method if x.method in METHODS else b"_OTHER"
            bucket = bisect_left(bounds, x.duration)
            key = (method, x.route, x.status, x.error, x.model, bucket)
            if key in last or len(last) < LIMIT:
                last[key] = (x.trace[0], x.duration, x.start_ns)

    def get(self, series: SeriesKey, bucket: int) -> Exemplar | None:
        """The exemplar of one bucket (by its index) of one series, if there is one."""
        if not series.status.isdigit():
            return None
        found = self._last.get(
            (
                series.method.encode("latin-1"),
                series.route,
                int(series.status),
                series.error,
                series.model,
                bucket,
            )
        )
        if found is None:
            return None
        trace_id, value, start_ns = found
        return Exemplar({"trace_id": trace_id.hex()}, value, round(start_ns / 1e9, 3))
