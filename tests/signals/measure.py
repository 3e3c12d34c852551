"""CPU µs an exchange of each signal, in batches of 512: `python -m tests.signals.measure`."""

from __future__ import annotations

import io
import logging
import os
import time
from collections.abc import Callable

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pythonjsonlogger.json import JsonFormatter

from agent.signals import resource
from agent.signals.exemplars import Exemplars
from agent.signals.logs import LogFormatter
from agent.signals.span_parts import Upstream
from agent.signals.traces import SpanEncoder
from tests.signals.factory import USUAL
from tests.signals.test_traces import trace

RESOURCE = resource.make("0")
UPSTREAM = Upstream.of("http://127.0.0.1:8000")
BATCH = [
    USUAL._replace(
        start_ns=USUAL.start_ns + n * 50_000,
        request_id=os.urandom(8).hex().encode(),
        target=bytes(bytearray(USUAL.target)),
        trace=(os.urandom(16), os.urandom(8), os.urandom(8), os.urandom(8) if n % 2 else b"", b""),
        request_size=150 + n % 20,
        response_size=60 + n % 9,
    )
    for n in range(512)
]


def best(name: str, work: Callable[[], object], rounds: int = 40) -> None:
    """The fastest of some rounds, so that what else runs on the machine counts least."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    print(f"{name:40} {min(times) / len(BATCH) * 1e6:6.2f} µs")


def spans_by_sdk() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("outrider", "0")
    for x in BATCH:
        trace(tracer, x, UPSTREAM)
    encode_spans(exporter.get_finished_spans()).SerializeToString()


def lines_through_logging(logs: LogFormatter) -> None:
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("plain")
    logger.addHandler(handler)
    for x in BATCH:
        logger.info(logs.fields(x, "info", ""))


def main() -> None:
    encoder = SpanEncoder(
        resource.serialize(RESOURCE), "0", UPSTREAM, "http", lambda: os.urandom(8)
    )
    exemplars = Exemplars()
    best("both spans", lambda: encoder.encode(BATCH))
    best("both spans by the SDK's tracer and encoder", spans_by_sdk, 5)
    logs = LogFormatter("outrider")
    best("log lines through logging", lambda: lines_through_logging(logs), 5)
    best("log lines", lambda: logs.lines(BATCH))
    best("log lines with labels and metadata", lambda: logs.records(BATCH))
    best("exemplars", lambda: exemplars.update(BATCH))


if __name__ == "__main__":
    main()
