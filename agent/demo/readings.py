"""One reading of the sidecar's ports, as the few numbers that the demo shows.

Rule: pure; text in, values out. The names are those of the contract with users.
"""

from __future__ import annotations

import collections
import math
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from agent.demo.histogram import Histogram, add, from_buckets

DRIFT = ("outrider_drift_score", "outrider_drift_threshold", "outrider_drift_detected")
Moves = dict[tuple[str, str], float | None]
"""By side and name of the column."""


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
    moved: float | None = None
    """Signed, in standard deviations of the reference; None for categories."""

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


def moves(document: object) -> Moves:
    """How far each column moved, of what `/api/v1/drift` answered.

    Raises KeyError or TypeError if it is not that.
    """
    models: Any = document
    return {
        (column["side"], column["name"]): column.get("shift")
        for model in models["models"]
        for column in model["columns"]
    }


def parse(text: str, at: float, moved: Moves | None = None) -> Snapshot:
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
            elif name in DRIFT and labels.get("method") in (None, "evidence"):
                drift[name][labels["side"], labels["column"]] = value
    return Snapshot(
        at,
        errors,
        from_buckets(duration),
        from_buckets(overhead),
        tuple(_columns(drift, moved or {})),
    )


def _columns(drift: dict[str, dict[tuple[str, str], float]], moved: Moves) -> list[ColumnDrift]:
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
                moved=moved.get((side, name)),
            )
        )
    return sorted(columns, key=lambda column: (-column.ratio, column.side, column.name))
