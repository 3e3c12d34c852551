"""The demo's collector takes what an OTLP exporter sends."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from agent.demo.processes import HOST, pick_port
from agent.demo.receiver import Receiver, newest, user_has_a_collector

SERVER = Span(
    trace_id=b"t" * 16,
    span_id=b"s" * 8,
    name="POST /v1/models/{model}:predict",
    kind=Span.SPAN_KIND_SERVER,
    start_time_unix_nano=1_000_000_000,
    end_time_unix_nano=1_003_000_000,
)
CLIENT = Span(
    trace_id=b"t" * 16,
    span_id=b"c" * 8,
    parent_span_id=b"s" * 8,
    name="inference",
    kind=Span.SPAN_KIND_CLIENT,
    start_time_unix_nano=1_000_500_000,
    end_time_unix_nano=1_002_500_000,
)


async def _push(spans: list[Span]) -> tuple[int, Receiver]:
    receiver = Receiver()
    port = pick_port(0, ())
    await receiver.start(port)
    body = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])]
    ).SerializeToString()
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://{HOST}:{port}/v1/traces", data=body) as response,
        ):
            return response.status, receiver
    finally:
        await receiver.stop()


def test_counts_spans_and_keeps_the_last_trace() -> None:
    status, receiver = asyncio.run(_push([SERVER, CLIENT]))
    assert status == 200
    assert receiver.spans == 2
    assert receiver.last is not None
    assert receiver.last.duration == pytest.approx(0.003)
    assert receiver.last.inference == pytest.approx(0.002)


def test_a_span_without_its_child_is_no_trace() -> None:
    assert newest([SERVER]) is None


def test_a_users_own_collector_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert user_has_a_collector()
