"""A model server of FastAPI, bare, or observed from within as each library's README says.

Served by uvicorn with its own environment's Python. The variable `BENCH_INSTRUMENTED` is empty,
`default`, or `lean`: without OpenTelemetry's spans of single ASGI messages, four a request.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel


class Row(BaseModel):
    """One row of features."""

    age: float
    income: float
    tenure: int
    segment: str
    score: float


class Rows(BaseModel):
    """A KServe V1 request."""

    instances: list[Row]


class Predictions(BaseModel):
    """And its response."""

    predictions: list[list[float]]


def _log_requests(app: FastAPI) -> None:
    """A JSON line of each request, by python-json-logger, in a middleware."""
    from pythonjsonlogger.json import JsonFormatter

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter("%(levelname)s %(message)s", timestamp=True))
    log = logging.getLogger("requests")
    log.addHandler(handler)
    log.setLevel(logging.INFO)

    @app.middleware("http")
    async def logged(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        began = time.perf_counter()
        response = await call_next(request)
        extra = {
            "http.request.method": request.method,
            "url.path": request.url.path,
            "http.response.status_code": response.status_code,
            "duration": time.perf_counter() - began,
            "http.request.body.size": request.headers.get("content-length"),
            "http.response.body.size": response.headers.get("content-length"),
            "client.address": request.client.host if request.client else None,
        }
        log.info("request", extra=extra)
        return response


def _trace(app: FastAPI, lean: bool) -> None:
    """Spans by OpenTelemetry's instrumentation, sent in batches by OTLP/HTTP."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"] if lean else None)


def _measure(app: FastAPI) -> None:
    """Metrics by prometheus-fastapi-instrumentator, on /metrics."""
    from prometheus_fastapi_instrumentator import Instrumentator

    Instrumentator().instrument(app).expose(app)


def create() -> FastAPI:
    """The application, for uvicorn's `--factory`."""
    app = FastAPI()

    @app.get("/ready")
    async def ready() -> str:
        return "ready"

    @app.post("/v1/models/{name}:predict")
    async def predict(name: str, rows: Rows) -> Predictions:
        return Predictions(predictions=[[0.73, 0.27] for _ in rows.instances])

    if instrumented := os.environ.get("BENCH_INSTRUMENTED"):
        _log_requests(app)
        _measure(app)
        _trace(app, instrumented == "lean")
    return app
