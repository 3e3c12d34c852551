"""The same metrics by OTLP, where OTEL_METRICS_EXPORTER=otlp asks for them.

Rule: nothing is measured twice: what /metrics shows is turned into the SDK's own metric data,
with OpenTelemetry's names, and given to its exporter, in a thread because that blocks.
Imported only where it is configured.

Temporality is cumulative, because the counts are the ledger's and start with the process.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

from agent.signals import catalog
from agent.signals.host import catalog as host_catalog

BY_NAME = {**catalog.BY_NAME, **host_catalog.BY_NAME}
UNITS = {
    "seconds": "s",
    "bytes": "By",
    "ratio": "1",
    "usage": "{token}",
    "watts": "W",
    "joules": "J",
    "celsius": "Cel",
    "cores": "{cpu}",
}
_CUMULATIVE = AggregationTemporality.CUMULATIVE
_UNKNOWN: Any = None
"""Smallest and largest value, which buckets do not keep; the encoder leaves them out."""


class MetricsPusher:
    """Exports every `interval` seconds, from a daemon thread of its own.

    What is exported is collected in the loop that `start` was called in, where all that is
    counted changes; only the sending, which blocks, is done in the thread.
    """

    def __init__(
        self,
        collect: Callable[[int], MetricsData],
        exporter: MetricExporter,
        interval: float,
        timeout: float,
        log: logging.Logger,
    ) -> None:
        self._collect = collect
        self._exporter = exporter
        self._interval = interval
        self._timeout = timeout
        self._log = log
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp metrics", daemon=True)
        self.exported = 0
        """Exports that were accepted."""
        self.failed = 0
        """Exports that were not; the next one carries the same counts."""

    def start(self) -> None:
        """Begins, in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self, deadline: float) -> None:
        """Exports once more and ends, within `deadline` seconds or not at all.

        Blocks, so it is called in another thread than the loop's.
        """
        self._stopped.set()
        self._thread.join(deadline)
        self._exporter.shutdown(timeout_millis=100)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            self._export()
        self._export()

    def _export(self) -> None:
        try:
            collected = asyncio.run_coroutine_threadsafe(self._collected(), self._loop)
            data = collected.result(self._timeout)
            result = self._exporter.export(data, timeout_millis=self._timeout * 1e3)
        except Exception:
            self._log.exception("metrics export failed")
            result = MetricExportResult.FAILURE
        if result is MetricExportResult.SUCCESS:
            self.exported += 1
        else:
            self.failed += 1

    async def _collected(self) -> MetricsData:
        return self._collect(time.time_ns())


def make_pusher(
    registry: CollectorRegistry,
    resource: Resource,
    version: str,
    env: Mapping[str, str],
    protocol: str,
    timeout: float,
    log: logging.Logger,
) -> MetricsPusher:
    """The pusher for this environment; `protocol` and `timeout` as `ship.otlp_settings` reads them.

    The exporter reads the rest of OTEL_EXPORTER_OTLP_* by itself.
    """
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
            OTLPMetricExporter as GrpcExporter,
        )

        exporter: MetricExporter = GrpcExporter(timeout=timeout)
    else:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
            OTLPMetricExporter as HttpExporter,
        )

        exporter = HttpExporter(timeout=timeout)
    interval = _interval(env.get("OTEL_METRIC_EXPORT_INTERVAL", ""), log)
    scope = InstrumentationScope("outrider", version)
    started = time.time_ns()

    def collect(now_ns: int) -> MetricsData:
        return metrics_data(registry.collect(), resource, scope, started, now_ns)

    return MetricsPusher(collect, exporter, interval, timeout, log)


def _interval(value: str, log: logging.Logger) -> float:
    """Seconds, of the variable's milliseconds."""
    try:
        milliseconds = float(value or 60_000)
    except ValueError:
        milliseconds = 0.0
    if milliseconds > 0:
        return milliseconds / 1e3
    log.warning(f"OTEL_METRIC_EXPORT_INTERVAL={value}: wanted milliseconds; 60000 is used")
    return 60.0


def metrics_data(
    families: Iterable[Family],
    resource: Resource,
    scope: InstrumentationScope,
    start_ns: int,
    now_ns: int,
) -> MetricsData:
    """Prometheus families as the SDK's metric data."""
    metrics = [metric for family in families for metric in _metric(family, start_ns, now_ns)]
    scope_metrics = ScopeMetrics(scope=scope, metrics=metrics, schema_url="")
    return MetricsData([ResourceMetrics(resource, [scope_metrics], schema_url="")])


def _metric(family: Family, start_ns: int, now_ns: int) -> Iterator[Metric]:
    spec = BY_NAME.get(family.name)
    name = (spec and spec.otel) or family.name
    unit = UNITS.get(family.name.rpartition("_")[2], "")
    data: Sum | Gauge | Histogram
    if family.type == "histogram":
        points = list(_histograms(family.samples, start_ns, now_ns))
        data = Histogram(points, _CUMULATIVE)
    else:
        numbers = [
            NumberDataPoint(attributes(s.labels), start_ns, now_ns, s.value)
            for s in family.samples
            if family.type != "counter" or s.name.endswith("_total")
        ]
        counts = family.type == "counter"
        data = Sum(numbers, _CUMULATIVE, is_monotonic=True) if counts else Gauge(numbers)
    if data.data_points:
        yield Metric(name, family.documentation, unit, data)


def _histograms(
    samples: Iterable[Sample], start_ns: int, now_ns: int
) -> Iterator[HistogramDataPoint]:
    """One point of each run of buckets, count and sum, which stand together."""
    edges: list[float] = []
    cumulative: list[int] = []
    count = 0
    for sample in samples:
        if sample.name.endswith("_bucket"):
            edges.append(float(sample.labels["le"]))
            cumulative.append(int(sample.value))
        elif sample.name.endswith("_count"):
            count = int(sample.value)
        elif sample.name.endswith("_sum"):
            counts = [b - a for a, b in zip([0, *cumulative], cumulative, strict=False)]
            yield HistogramDataPoint(
                attributes(sample.labels), start_ns, now_ns, count, sample.value,
                counts, edges[:-1], min=_UNKNOWN, max=_UNKNOWN,
            )  # fmt: skip
            edges, cumulative = [], []


def attributes(labels: Mapping[str, str]) -> dict[str, str | int]:
    """Labels under OpenTelemetry's names; an empty one is absent."""
    out: dict[str, str | int] = {}
    for label, value in labels.items():
        if value == "":
            continue
        dotted = OTEL_LABELS.get(label, label)
        out[dotted] = int(value) if dotted == STATUS and _CODE.fullmatch(value) else value
    return out


STATUS = "http.response.status_code"
_CODE = re.compile(r"[0-9]{3}")
OTEL_LABELS = {
    "http_request_method": "http.request.method",
    "http_route": "http.route",
    "http_response_status_code": STATUS,
    "error_type": "error.type",
    "gen_ai_operation_name": "gen_ai.operation.name",
    "gen_ai_provider_name": "gen_ai.provider.name",
    "gen_ai_request_model": "gen_ai.request.model",
    "gen_ai_token_type": "gen_ai.token.type",
    **host_catalog.OTEL_LABELS,
}
