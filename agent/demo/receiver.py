"""The least OpenTelemetry collector there is: it keeps the last trace that the sidecar sent.

Rule: it takes what any collector takes, OTLP over HTTP in protobuf, so the sidecar is set up for
it by the standard variables alone. Where the user's own `OTEL_…` variables name a collector,
spans go there and this one is not started.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agent.demo.processes import HOST

USERS_OWN = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
)


@dataclass(frozen=True, slots=True)
class Trace:
    """The two spans of a request. Durations in seconds."""

    trace_id: str
    """32 hex digits."""
    name: str
    duration: float
    inference: float
    """The child span: the model server's part."""


def user_has_a_collector() -> bool:
    """Whether the environment already says where spans go."""
    return any(os.environ.get(name) for name in USERS_OWN)


def variables(port: int) -> dict[str, str]:
    """What makes an OpenTelemetry exporter send its spans to this receiver."""
    return {
        "OTEL_SERVICE_NAME": "wine",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{HOST}:{port}/v1/traces",
    }


def seconds(span: Span) -> float:
    """Length of a span."""
    return (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9


class Receiver:
    """Counts spans and keeps the last trace whose two spans came in one request."""

    def __init__(self) -> None:
        self.spans = 0
        self.last: Trace | None = None
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/traces", self._traces)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, port: int) -> None:
        """Listen. Raises OSError if the port was taken meanwhile."""
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()

    async def stop(self) -> None:
        """Close the port."""
        await self._runner.cleanup()

    async def _traces(self, request: web.Request) -> web.Response:
        message = ExportTraceServiceRequest.FromString(await request.read())
        spans = [
            span
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        self.spans += len(spans)
        self.last = newest(spans) or self.last
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )


def newest(spans: list[Span]) -> Trace | None:
    """The last server span that has its child among `spans`."""
    children = {span.parent_span_id: span for span in spans if span.kind == Span.SPAN_KIND_CLIENT}
    for span in reversed(spans):
        if span.kind == Span.SPAN_KIND_SERVER and span.span_id in children:
            return Trace(
                span.trace_id.hex(), span.name, seconds(span), seconds(children[span.span_id])
            )
    return None
