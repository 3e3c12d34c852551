"""What the sidecar says of itself: `/metrics`, `/api/v1/drift` and the last line of its log.

Rule: the demo learns nothing by another way than its users' tools could.
"""

from __future__ import annotations

import collections
import json
import math
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from agent.demo.histogram import Histogram, add, from_buckets, percentile, since
from agent.demo.processes import tail

RECENT = 5.0
"""Seconds over which rates and percentiles are taken."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """The last judgement of one column."""

    name: str
    side: str
    """"input" or "output"."""
    score: float
    threshold: float
    detected: bool | None
    """None while the evidence is insufficient."""

    @property
    def ratio(self) -> float:
        """Score in thresholds: 1 and more is an alarm."""
        return self.score / self.threshold if self.threshold > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of `/metrics`."""

    at: float
    """Seconds on the caller's clock."""
    errors: float
    duration: Histogram
    overhead: Histogram
    columns: tuple[ColumnDrift, ...]


@dataclass(frozen=True, slots=True)
class Signals:
    """The golden signals over the last seconds; percentiles in seconds, None without traffic."""

    requests: float
    """Since the start."""
    errors: float
    """Since the start."""
    rate: float
    p50: float | None
    p90: float | None
    p99: float | None
    overhead: float | None
    """Median of what the sidecar itself added."""


def _is_error(labels: dict[str, str]) -> bool:
    return labels.get("error_type", "") != "" or labels.get("http_response_status_code", "") >= "4"


def parse(text: str, at: float) -> Snapshot:
    """Read the Prometheus text format. Raises ValueError if it is not that."""
    duration: dict[float, float] = {}
    overhead: dict[float, float] = {}
    drift: dict[str, dict[tuple[str, str], float]] = collections.defaultdict(dict)
    errors = 0.0
    for family in text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            if name == "http_server_request_duration_seconds_bucket":
                add(duration, float(labels["le"]), value)
            elif name == "http_server_request_duration_seconds_count" and _is_error(labels):
                errors += value
            elif name == "outrider_overhead_seconds_bucket":
                add(overhead, float(labels["le"]), value)
            elif name in ("outrider_drift_score", "outrider_drift_threshold"):
                drift[name][labels["side"], labels["column"]] = value
            elif name == "outrider_drift_detected":
                drift[name][labels["side"], labels["column"]] = value
    return Snapshot(
        at, errors, from_buckets(duration), from_buckets(overhead), tuple(_columns(drift))
    )


def _columns(drift: dict[str, dict[tuple[str, str], float]]) -> list[ColumnDrift]:
    """All judged columns, the one nearest to its threshold (or furthest past it) first."""
    columns = []
    for (side, name), score in drift["outrider_drift_score"].items():
        detected = drift["outrider_drift_detected"].get((side, name))
        columns.append(
            ColumnDrift(
                name=name,
                side=side,
                score=score,
                threshold=drift["outrider_drift_threshold"].get((side, name), math.inf),
                detected=None if detected is None else detected == 1.0,
            )
        )
    return sorted(columns, key=lambda column: (-column.ratio, column.side, column.name))


class Watch:
    """Reads the admin port again and again and keeps the last seconds of it."""

    def __init__(self, session: aiohttp.ClientSession, admin: str) -> None:
        self._session = session
        self._admin = admin
        self._history: collections.deque[Snapshot] = collections.deque()

    async def poll(self, now: float) -> Snapshot:
        """Read `/metrics` once. Raises aiohttp.ClientError or ValueError if that fails."""
        async with self._session.get(f"{self._admin}/metrics", raise_for_status=True) as response:
            snapshot = parse(await response.text(), now)
        self._history.append(snapshot)
        while len(self._history) > 2 and self._history[1].at <= now - RECENT:
            self._history.popleft()
        return snapshot

    async def drift(self) -> object:
        """What `/api/v1/drift` answers. Raises aiohttp.ClientError or ValueError."""
        async with self._session.get(
            f"{self._admin}/api/v1/drift", raise_for_status=True
        ) as response:
            return await response.json()

    def signals(self) -> Signals:
        """Of the snapshots kept; there must be one."""
        first, last = self._history[0], self._history[-1]
        recent = since(last.duration, first.duration) if first is not last else last.duration
        overhead = since(last.overhead, first.overhead) if first is not last else last.overhead
        seconds = last.at - first.at
        return Signals(
            requests=last.duration.count,
            errors=last.errors,
            rate=recent.count / seconds if seconds > 0 else 0.0,
            p50=percentile(recent, 0.5),
            p90=percentile(recent, 0.9),
            p99=percentile(recent, 0.99),
            overhead=percentile(overhead, 0.5),
        )


def last_record(log: Path) -> dict[str, object] | None:
    """The last request that the sidecar logged, or None."""
    for line in reversed(tail(log, 10)):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "http.response.status_code" in record:
            return record
    return None
