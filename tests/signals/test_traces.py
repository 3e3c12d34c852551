"""Spans by bytes are the spans that the SDK would have made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from agent.exchange import ABSENT, Exchange
from agent.signals import resource, stages
from agent.signals.span_parts import Upstream
from agent.signals.traces import SpanEncoder
from tests.signals.factory import TRACE, USUAL

NEW_ID = b"\x77" * 8
ROOT = (*TRACE[:3], b"", b"")
WITH_STATE = (*TRACE[:4], b"vendor=1,other=a:b")


class FixedIds(IdGenerator):
    """Gives the ids that the worker has chosen."""

    def __init__(self, trace_id: bytes, span_ids: list[bytes]) -> None:
        self.trace_id = trace_id
        self.span_ids = span_ids

    def generate_trace_id(self) -> int:
        return int.from_bytes(self.trace_id)

    def generate_span_id(self) -> int:
        return int.from_bytes(self.span_ids.pop(0))


def by_sdk(x: Exchange, upstream: Upstream, made_of: Resource) -> ExportTraceServiceRequest:
    """The same two spans, by the library's tracer and encoder."""
    assert x.trace is not None
    trace_id, server_id, client_id, _, _ = x.trace
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        resource=made_of, id_generator=FixedIds(trace_id, [server_id, client_id, NEW_ID, NEW_ID])
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace(provider.get_tracer("outrider", "1.2"), x, upstream)
    return encode_spans(exporter.get_finished_spans())


def trace(tracer: Tracer, x: Exchange, upstream: Upstream) -> None:
    """One exchange's spans, as a program that uses the SDK would make them."""
    assert x.trace is not None
    trace_id, _, _, parent_id, tracestate = x.trace
    context = None
    if parent_id:
        carrier = {"traceparent": f"00-{trace_id.hex()}-{parent_id.hex()}-01"}
        if tracestate:
            carrier["tracestate"] = tracestate.decode()
        context = TraceContextTextMapPropagator().extract(carrier)
    times = stages.of(x)
    method = x.method.decode()
    known = method if method in ("GET", "POST", "PUT", "DELETE") else "HTTP"
    path, _, query = x.target.decode("latin-1").partition("?")
    fields = {name.lower(): value.decode("latin-1") for name, value in x.request_fields}
    server = tracer.start_span(
        f"{known} {x.route}", context, SpanKind.SERVER, start_time=x.start_ns
    )
    name = {"http.request.method": known}
    if known == "HTTP":
        name = {"http.request.method": "_OTHER", "http.request.method_original": method}
    server.set_attributes(
        {
            **name,
            "url.scheme": "http",
            "url.path": path,
            "http.route": x.route,
            "http.response.status_code": x.status,
            "network.protocol.version": x.version,
            "client.address": x.client,
            "http.request.body.size": x.request_size,
            "http.response.body.size": x.response_size,
            "outrider.request_id": x.request_id.decode(),
        }
    )
    if query:
        server.set_attribute("url.query", query)
    if x.model:
        server.set_attribute("outrider.model", x.model)
    if b"user-agent" in fields:
        server.set_attribute("user_agent.original", fields[b"user-agent"])
    if b"host" in fields:
        host, _, port = fields[b"host"].partition(":")
        server.set_attributes({"server.address": host, "server.port": int(port or 80)})
    if x.error or x.status >= 500:
        server.set_attribute("error.type", x.error or str(x.status))
    if x.status >= 500 or x.error.startswith("upstream"):
        server.set_status(StatusCode.ERROR)
    server.add_event("request received", timestamp=times.received)
    if times.first_byte is not None:
        server.add_event("first byte", timestamp=times.first_byte)
    if times.first_event is not None:
        server.add_event("first event", timestamp=times.first_event)
    if times.answered:
        server.add_event("response sent", timestamp=times.end)
    if x.streamed and x.first_piece >= 0:
        server.set_attribute("outrider.stream.time_to_first_event", x.first_piece)
        server.set_attribute("outrider.stream.largest_gap", x.largest_gap)
    if x.streamed and x.error:
        who = {"client_abort": "client", "upstream_reset": "upstream"}[x.error]
        server.set_attribute("outrider.stream.aborted_by", who)
    server.end(times.end)
    if times.client_start is not None:
        inside = set_span_in_context(server)
        client = tracer.start_span(
            "inference", inside, SpanKind.CLIENT, start_time=times.client_start
        )
        client.set_attributes(
            {
                **name,
                "server.address": upstream.address,
                "server.port": upstream.port or 0,
                "network.protocol.version": "1.1",
                "url.full": upstream.url + x.target.decode("latin-1"),
            }
        )
        if not x.error:
            client.set_attribute("http.response.status_code", x.status)
        if x.error or x.status >= 400:
            client.set_attribute("error.type", x.error or str(x.status))
            client.set_status(StatusCode.ERROR)
        if x.resent:
            client.set_attribute("http.request.resend_count", 1)
        client.end(times.end)
        timing = stages.server_timing(x.response_fields)
        for stage, start, end in stages.spans(times, timing) if timing else ():
            child = tracer.start_span(stage, set_span_in_context(client), start_time=start)
            child.end(end)


def in_order(request: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
    """The same, with what has no order of its own sorted."""
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            scope_spans.spans.sort(key=lambda span: (span.name, span.span_id))
            for span in scope_spans.spans:
                span.attributes.sort(key=lambda pair: pair.key)
    return request


UPSTREAM = Upstream.of("http://user:secret@10.0.0.7:8000/base/")


def encoder(made_of: Resource) -> SpanEncoder:
    return SpanEncoder(resource.serialize(made_of), "1.2", UPSTREAM, "http", lambda: NEW_ID)


def decoded(batch: list[Exchange], made_of: Resource) -> ExportTraceServiceRequest:
    made = encoder(made_of).encode(batch)
    assert made is not None
    return ExportTraceServiceRequest.FromString(made.data)


STREAM = USUAL._replace(
    streamed=True, duration=0.25, upstream=0.010, stream=0.2, first_piece=0.060, largest_gap=0.125
)

CASES = {
    "usual": USUAL,
    "root": USUAL._replace(trace=ROOT),
    "tracestate": USUAL._replace(trace=WITH_STATE),
    "model error": USUAL._replace(status=500),
    "not found": USUAL._replace(status=404, method=b"GET", model=""),
    "connect failed": USUAL._replace(
        status=502, error="upstream_connect", sent=ABSENT, upstream=ABSENT, stream=ABSENT
    ),
    "reset in the middle": USUAL._replace(error="upstream_reset"),
    "client left": USUAL._replace(status=499, error="client_abort", stream=ABSENT),
    "refused": USUAL._replace(
        status=413, error="limit", sent=ABSENT, upstream=ABSENT, stream=ABSENT
    ),
    "query, latin-1, no fields": USUAL._replace(
        target=b"/p\xe4th/x?a=1&b=\xff", request_fields=[(b"X", b"y")]
    ),
    "unknown method": USUAL._replace(method=b"BREW"),
    "resent, connected": USUAL._replace(resent=True, connect=0.0002),
    "http/1.0 and large": USUAL._replace(
        version="1.0", request_size=200_000_000, response_size=1 << 40, request_id=b"i" * 128
    ),
    "stream": STREAM,
    "stream that the client left": STREAM._replace(status=499, error="client_abort", stream=ABSENT),
    "stream without an event": STREAM._replace(
        error="upstream_reset", stream=ABSENT, first_piece=ABSENT
    ),
    "stages": USUAL._replace(
        response_fields=[(b"Server-Timing", b"cache, Preprocessing;dur=1.5, postprocessing;dur=2")]
    ),
}


@pytest.mark.parametrize("x", CASES.values(), ids=CASES.keys())
def test_bytes_decode_to_what_the_sdk_would_have_sent(x: Exchange) -> None:
    made_of = Resource.create({"service.name": "model", "n": 3, "on": True, "f": 0.5})
    assert in_order(decoded([x], made_of)) == in_order(by_sdk(x, UPSTREAM, made_of))


def test_exchanges_without_a_trace_are_passed_over() -> None:
    unsampled = USUAL._replace(trace=None)
    made_of = Resource.create({})
    assert encoder(made_of).encode([unsampled]) is None
    made = encoder(made_of).encode([unsampled, USUAL, unsampled])
    assert made is not None
    assert made.spans == 2
    assert made.timestamp_ns == USUAL.start_ns


def test_requests_one_after_another_are_one_request() -> None:
    made_of = Resource.create({})
    one = encoder(made_of).encode([USUAL])
    other = encoder(made_of).encode([USUAL._replace(trace=ROOT)])
    assert one is not None
    assert other is not None
    both = ExportTraceServiceRequest.FromString(one.data + other.data)
    assert [len(r.scope_spans[0].spans) for r in both.resource_spans] == [2, 2]


def test_what_is_kept_does_not_leak_into_the_next() -> None:
    batch = [*CASES.values()]
    together = decoded(batch + batch, Resource.create({})).resource_spans[0].scope_spans[0].spans
    alone = [
        span
        for x in batch + batch
        for span in decoded([x], Resource.create({})).resource_spans[0].scope_spans[0].spans
    ]
    assert list(together) == alone


def test_password_of_the_upstream_is_not_shown() -> None:
    made = encoder(Resource.create({})).encode([USUAL])
    assert made is not None
    assert b"secret" not in made.data
    assert b"http://10.0.0.7:8000/base/v1/models" in made.data


def test_signatures_in_a_query_are_not_shown() -> None:
    target = b"/p?a=1&sig=secret1&Signature=secret2&signal=3&X-Goog-Signature=secret3"
    server, client = (
        {a.key: a.value.string_value for a in span.attributes}
        for span in decoded([USUAL._replace(target=target)], Resource.create({}))
        .resource_spans[0]
        .scope_spans[0]
        .spans
    )
    shown = "a=1&sig=REDACTED&Signature=REDACTED&signal=3&X-Goog-Signature=REDACTED"
    assert server["url.query"] == shown
    assert client["url.full"] == f"http://10.0.0.7:8000/base/p?{shown}"


def test_long_texts_are_cut() -> None:
    made = encoder(Resource.create({})).encode([USUAL._replace(target=b"/" + b"a" * 60_000)])
    assert made is not None
    assert len(made.data) < 5_000


@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.sampled_from([b"Host", b"user-agent", b"x"]), st.binary(max_size=40))),
    st.integers(0, 2**63 - 1),
    st.integers(100, 999),
)
def test_any_bytes_of_a_client_make_spans_that_decode(
    target: bytes, fields: list[tuple[bytes, bytes]], size: int, status: int
) -> None:
    x = USUAL._replace(target=target, request_fields=fields, request_size=size, status=status)
    spans = decoded([x], Resource.create({})).resource_spans[0].scope_spans[0].spans
    assert [span.kind for span in spans] == [Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT]
    sizes = [a.value.int_value for a in spans[0].attributes if a.key == "http.request.body.size"]
    assert sizes == [size]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000", Upstream("http://127.0.0.1:8000", "127.0.0.1", 8000)),
        ("https://model.example/a", Upstream("https://model.example/a", "model.example", 443)),
        ("http://[::1]:9/", Upstream("http://[::1]:9", "::1", 9)),
        ("unix:///run/model.sock", Upstream("http://localhost", "/run/model.sock", None)),
    ],
)
def test_upstream_by_its_setting(url: str, expected: Upstream) -> None:
    assert Upstream.of(url) == expected


def test_service_name_is_by_the_environment_or_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)
    assert resource.make("1").attributes["service.name"] == "outrider"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-attributes,team=a%20b")
    assert resource.make("1").attributes["service.name"] == "from-attributes"
    assert resource.make("1").attributes["team"] == "a b"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "iris")
    assert resource.make("1").attributes["service.name"] == "iris"
