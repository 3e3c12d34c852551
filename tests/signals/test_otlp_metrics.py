"""The metrics by OTLP are those of /metrics, under OpenTelemetry's names."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry, Counter

from agent.ledger import Ledger
from agent.signals.metrics import LedgerCollector, make_registry
from agent.signals.otlp_metrics import make_pusher, metrics_data
from tests.ship.sinks import run
from tests.signals.ledgers import KEY, ROUTE, count


@pytest.fixture
def registry() -> CollectorRegistry:
    ledger = Ledger(2)
    count(ledger, 0, times=3)
    count(ledger, 1, duration=1000.0)
    count(ledger, key=KEY._replace(status="502", error="upstream_connect"))
    return make_registry(LedgerCollector(ledger, None, "1"))


Receiver = tuple[str, queue.Queue[tuple[str, bytes]]]


def by_name(request: ExportMetricsServiceRequest) -> dict[str, Any]:
    [resource] = request.resource_metrics
    [scope] = resource.scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def attributes(point: Any) -> dict[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value for a in point.attributes}


def encoded(registry: CollectorRegistry) -> dict[str, Any]:
    data = metrics_data(
        registry.collect(), Resource({"service.name": "m"}), InstrumentationScope("o", "1"), 5, 9
    )
    return by_name(encode_metrics(data))


def test_histogram_has_the_same_counts(registry: CollectorRegistry) -> None:
    metric = encoded(registry)["http.server.request.duration"]
    assert metric.unit == "s"
    points = {attributes(p)["http.response.status_code"]: p for p in metric.histogram.data_points}
    ok = points[200]
    assert attributes(ok) == {
        "http.request.method": "POST",
        "http.route": ROUTE,
        "http.response.status_code": 200,
        "model": "iris",
    }
    assert (ok.count, ok.sum) == (4, pytest.approx(1000.0375))
    assert len(ok.bucket_counts) == len(ok.explicit_bounds) + 1
    assert sum(ok.bucket_counts) == 4
    assert ok.bucket_counts[-1] == 1
    assert ok.bucket_counts[list(ok.explicit_bounds).index(0.025)] == 3
    assert (ok.start_time_unix_nano, ok.time_unix_nano) == (5, 9)
    assert attributes(points[502])["error.type"] == "upstream_connect"
    assert not ok.HasField("min")


def test_counters_and_gauges(registry: CollectorRegistry) -> None:
    found = encoded(registry)
    failed = found["outrider_requests_failed"].sum
    assert failed.is_monotonic
    counts = {attributes(p).get("http.route", ""): p.as_int for p in failed.data_points}
    assert counts == {"": 0, ROUTE: 1}
    [active] = found["http.server.active_requests"].gauge.data_points
    assert attributes(active) == {"http.route": ROUTE, "model": "iris"}
    assert found["http.server.request.body.size"].unit == "By"


def test_collectors_of_others_pass_under_their_own_names() -> None:
    registry = CollectorRegistry()
    Counter("outrider_decode", "x", ["dialect"], registry=registry).labels("json").inc(2)
    [point] = encoded(registry)["outrider_decode"].sum.data_points
    assert (attributes(point), point.as_double) == ({"dialect": "json"}, 2)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    got: queue.Queue[tuple[str, bytes]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


def pushed(registry: CollectorRegistry, env: dict[str, str], sent: Callable[[], object]) -> Any:
    """A pusher that has run until `sent()`, which may block, came back."""
    pusher = make_pusher(
        registry,
        Resource({"service.name": "m"}),
        "1",
        env,
        "http/protobuf",
        5.0,
        logging.getLogger("test"),
    )

    async def main() -> None:
        pusher.start()
        await asyncio.to_thread(sent)
        await asyncio.to_thread(pusher.stop, 10.0)

    run(main())
    return pusher


def test_pusher_sends_by_the_library(
    registry: CollectorRegistry, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, got = receiver
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    came: list[tuple[str, bytes]] = []
    pusher = pushed(
        registry,
        {"OTEL_METRIC_EXPORT_INTERVAL": "20"},
        lambda: came.append(got.get(timeout=20)),
    )
    [(path, body)] = came
    assert path == "/v1/metrics"
    found = by_name(ExportMetricsServiceRequest.FromString(body))
    assert "http.server.request.duration" in found
    assert pusher.exported >= 1
    assert pusher.failed == 0


def test_pusher_exports_once_more_when_it_stops(
    registry: CollectorRegistry, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, got = receiver
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    pusher = pushed(registry, {}, lambda: None)
    assert got.get(timeout=1)[0] == "/v1/metrics"
    assert pusher.exported == 1


def test_a_collector_that_fails_is_counted(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def collect(self) -> Iterator[Any]:
            raise RuntimeError("bug")

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Broken())  # type: ignore[arg-type]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver[0])
    assert pushed(registry, {}, lambda: None).failed == 1


def test_a_bad_interval_is_said(
    registry: CollectorRegistry,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver[0])
    pushed(registry, {"OTEL_METRIC_EXPORT_INTERVAL": "often"}, lambda: None)
    assert "OTEL_METRIC_EXPORT_INTERVAL=often: wanted milliseconds" in caplog.text
