"""Spans of the SDK, and the bytes of their export request."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent.ship.queue import Record


def make(names: Sequence[str] = ("a", "b")) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "m"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for name in names:
        provider.get_tracer("t").start_span(name).end()
    return list(exporter.get_finished_spans())


def as_record(spans: Sequence[ReadableSpan]) -> Record:
    return Record(1, encode_spans(spans).SerializeToString(), units=len(spans))
