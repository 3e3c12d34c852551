"""The whole way: a model server, the real sidecar, clients, collectors and Prometheus.

One run a protocol of OTLP. Everything that one request becomes must be there, must agree, and
must name the same trace: two spans, a log line, a pushed line, metrics, rows judged for drift.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.harness import Outrider, free_ports
from tests.ship.receivers import Request, grpc_receiver, http_receiver
from tests.ship.sinks import run, until

PATH = "/v1/models/churn:predict"
QUIET, SHIFTED = 900, 300
LEARNED, WINDOW = 500, 100
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SETTINGS = {
    "drift": {
        "reference": {"learn": {"rows": LEARNED}},
        "window": {"rows": WINDOW, "seconds": "1h"},
        "false_alarms": "1 per 1h",
    }
}
CONFIG = """\
global: {{scrape_interval: 500ms}}
scrape_configs: [{{job_name: outrider, static_configs: [{{targets: ["{target}"]}}]}}]
"""


async def predict(_: web.Request) -> web.Response:
    return web.json_response({"predictions": [0.5]})


@asynccontextmanager
async def model_server() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/{tail:.*}", predict)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def send(url: str, count: int, age: float) -> None:
    numbers = random.Random(count)
    async with aiohttp.ClientSession() as session:
        for n in range(count):
            row = {"age": numbers.gauss(age, 10), "plan": numbers.choice("abc")}
            headers = {"traceparent": PARENT} if n == 0 else {}
            body = {"instances": [row]}
            async with session.post(url + PATH, json=body, headers=headers) as got:
                assert got.status == 200


def query(prometheus: str, promql: str) -> float | None:
    try:
        url = f"http://{prometheus}/api/v1/query?" + urlencode({"query": promql})
        with urllib.request.urlopen(url, timeout=5) as got:
            found = json.load(got)["data"]["result"]
    except OSError:
        return None
    return float(found[0]["value"][1]) if found else None


def spans_of(requests: list[ExportTraceServiceRequest]) -> list[Span]:
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def lines_of(requests: list[Request]) -> list[dict[str, Any]]:
    found = []
    for request in requests:
        for stream in json.loads(gzip.decompress(request.body))["streams"]:
            assert stream["stream"]["service_name"] == "churn-api"
            found += [json.loads(value[1]) for value in stream["values"]]
    return found


def requests_of(requests: list[Request]) -> list[dict[str, Any]]:
    """The lines of requests, without those of drift."""
    return [line for line in lines_of(requests) if "request_id" in line]


@pytest.mark.slow
@pytest.mark.needs("prometheus")
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_one_request_is_one_thing_everywhere(protocol: str, tmp_path: Path) -> None:
    run(_whole_way(protocol, tmp_path))


async def _whole_way(protocol: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(model_server())
        loki = await stack.enter_async_context(http_receiver())
        loki.answer = lambda _: web.Response(status=204)
        by_http = await stack.enter_async_context(http_receiver())
        by_grpc = await stack.enter_async_context(grpc_receiver())
        grpc = protocol == "grpc"
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{by_grpc.address}" if grpc else by_http.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_SERVICE_NAME": "churn-api",
        }
        settings = {**SETTINGS, "sinks": {"loki": {"type": "loki", "url": loki.url}}}
        outrider = await asyncio.to_thread(Outrider, model, settings, env=env)
        try:
            await send(outrider.url, QUIET, 40)
            await asyncio.to_thread(_prometheus_agrees, outrider, tmp_path, QUIET, 0.0)
            await send(outrider.url, SHIFTED, 60)
            total = QUIET + SHIFTED
            await asyncio.to_thread(_prometheus_agrees, outrider, tmp_path, total, 1.0)

            def spans() -> list[Span]:
                sent = [ExportTraceServiceRequest.FromString(r.unpacked) for r in by_http.requests]
                return spans_of(by_grpc.requests if grpc else sent)

            await until(lambda: len(spans()) == 2 * total)
            await until(lambda: len(requests_of(loki.requests)) == total)
            _spans_and_lines_agree(spans(), requests_of(loki.requests), outrider.stdout())
            [alarm] = [x for x in lines_of(loki.requests) if x.get("after") == "drift"]
            assert (alarm["column"], alarm["level"]) == ("age", "warning")
            sent = {line["request_id"] for line in requests_of(loki.requests)}
            assert set(alarm["examples"]) <= sent
        finally:
            assert await asyncio.to_thread(outrider.stop) == 0


def _prometheus_agrees(outrider: Outrider, folder: Path, requests: int, drifted: float) -> None:
    config = folder / "prometheus.yml"
    config.write_text(CONFIG.format(target=f"127.0.0.1:{outrider.admin[1]}"))
    address = f"127.0.0.1:{free_ports(1)[0]}"
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / str(requests)}",
            f"--web.listen-address={address}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wanted = {
        'sum(http_server_request_duration_seconds_count{model="churn",error_type="",'
        'http_route="/v1/models/{model}:predict"})': requests,
        'outrider_decode_total{dialect="kserve_v1",outcome="ok"}': requests,
        'outrider_drift_detected{model="churn",column="age",side="input"}': drifted,
        'outrider_drift_detected{model="churn",column="plan",side="input"}': 0.0,
        "sum(outrider_records_dropped_total)": 0.0,
    }
    try:
        got: dict[str, float | None] = {}
        while got != wanted:
            assert process.poll() is None, "Prometheus ended"
            got = {promql: query(address, promql) for promql in wanted}
    finally:
        process.terminate()
        process.wait()


def _spans_and_lines_agree(spans: list[Span], lines: list[dict[str, Any]], stdout: str) -> None:
    servers = {span.span_id.hex(): span for span in spans if span.kind == Span.SPAN_KIND_SERVER}
    clients = {span.parent_span_id.hex(): span for span in spans if span.name == "inference"}
    assert servers.keys() == clients.keys()
    assert all(servers[key].trace_id == clients[key].trace_id for key in servers)
    assert {span.name for span in servers.values()} == {"POST /v1/models/{model}:predict"}
    continued = [s for s in servers.values() if s.trace_id.hex() == PARENT.split("-")[1]]
    assert [s.parent_span_id.hex() for s in continued] == [PARENT.split("-")[2]] * 2
    for line in lines:
        span = servers[line["span_id"]]
        assert span.trace_id.hex() == line["trace_id"]
        milliseconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
        assert abs(milliseconds - line["duration_ms"]) < 0.002
    printed = [json.loads(text) for text in stdout.splitlines()]
    assert {line["request_id"] for line in printed} == {line["request_id"] for line in lines}
    assert len(printed) == len(lines)
