"""Real servers to send to, each under a test's control."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import cramjam
import grpc
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)


@dataclass
class Request:
    """What came: body as it was on the wire, and unpacked."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: tuple[str, int] = ("", 0)

    @property
    def unpacked(self) -> bytes:
        if self.headers.get("content-encoding") == "gzip":
            return gzip.decompress(self.body)
        if self.headers.get("content-type") == "application/x-protobuf" and "loki" in self.path:
            return bytes(cramjam.snappy.decompress_raw(self.body))
        return self.body


@dataclass
class HttpReceiver:
    """Answers by `answer`, keeps what came."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], web.Response] = lambda _: web.Response()

    async def handle(self, request: web.Request) -> web.Response:
        came = Request(
            request.path_qs,
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
            request.transport.get_extra_info("peername") if request.transport else ("", 0),
        )
        self.requests.append(came)
        return self.answer(came)


@asynccontextmanager
async def http_receiver(ssl_context: Any = None) -> AsyncIterator[HttpReceiver]:
    """An HTTP server that takes any path."""
    receiver = HttpReceiver()

    async def app(request: web.BaseRequest) -> web.StreamResponse:
        # The body is kept as it was on the wire: a middleware that unpacks would hide a fault.
        return await receiver.handle(request)  # type: ignore[arg-type]

    server = web.Server(app, auto_decompress=False)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
    scheme = "https" if ssl_context else "http"
    host = "localhost" if ssl_context else "127.0.0.1"
    receiver.url = f"{scheme}://{host}:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class GrpcReceiver(TraceServiceServicer):
    """Answers by `answer`, keeps what came."""

    address: str = ""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[grpc.aio.ServicerContext[Any, Any]], Any] | None = None

    async def Export(self, request: Any, context: Any) -> ExportTraceServiceResponse:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        if self.answer is not None:
            found = await self.answer(context)
            if found is not None:
                return found
        return ExportTraceServiceResponse()


@asynccontextmanager
async def grpc_receiver(
    credentials: grpc.ServerCredentials | None = None,
) -> AsyncIterator[GrpcReceiver]:
    """A TraceService."""
    receiver = GrpcReceiver()
    server = grpc.aio.server()
    add_TraceServiceServicer_to_server(receiver, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    receiver.address = f"{'localhost' if credentials else '127.0.0.1'}:{port}"
    await server.start()
    try:
        yield receiver
    finally:
        await server.stop(None)
