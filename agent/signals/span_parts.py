"""The parts of a span that many requests share, made by opentelemetry-proto.

Rule: what the attributes of each span are is decided here; names and values are those of
OpenTelemetry's semantic conventions for HTTP.
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agent.exchange import Exchange
from agent.ledger import ABORTED_BY
from agent.signals.attributes import (
    MAX_TEXT,
    Value,
    host_attributes,
    number_attribute,
    seconds_attribute,
    text_attribute,
    utf8,
)
from agent.signals.exemplars import METHODS
from agent.signals.targets import shown

UNSET, ERROR = b"\x7a\x00", b"\x7a\x02\x18\x02"
"""Field 15, a Status; the second's code is STATUS_CODE_ERROR."""

RESENT = number_attribute("http.request.resend_count", 1)


class Upstream(NamedTuple):
    """The model server, as the CLIENT spans name it."""

    url: str
    """Scheme, host and base path; user and password are not shown."""
    address: str
    port: int | None

    @classmethod
    def of(cls, url: str) -> Upstream:
        """From the setting `upstream`."""
        parts = urlsplit(url)
        if parts.scheme == "unix":
            return cls("http://localhost", parts.path, None)
        name = parts.hostname or ""
        host = f"[{name}]" if ":" in name else name
        shown = host if parts.port is None else f"{host}:{parts.port}"
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(f"{parts.scheme}://{shown}{parts.path.rstrip('/')}", name, port)


class Kind(NamedTuple):
    """What the worker bounds: requests that are alike in this share most of their spans."""

    method: bytes
    route: str
    status: int
    error: str
    model: str
    version: str


class Facts(NamedTuple):
    """What clients send: not bounded, but often the same again."""

    target: bytes
    client: str
    agent: bytes
    host: bytes


kind_of = itemgetter(*map(Exchange._fields.index, Kind._fields))
"""The `Kind` of an exchange as a plain tuple, which is a third of the time."""


def facts_of(x: Exchange) -> tuple[bytes, str, bytes, bytes]:
    """Its `Facts` as a plain tuple, each cut at `MAX_TEXT` bytes."""
    agent = host = b""
    for name, value in x.request_fields:
        size = len(name)
        if size == 10 and name.lower() == b"user-agent":
            agent = value[:MAX_TEXT]
        elif size == 4 and name.lower() == b"host":
            host = value[:MAX_TEXT]
    return x.target[:MAX_TEXT], x.client, agent, host


def server_constant(kind: Kind, scheme: str) -> bytes:
    """Of the SERVER span: name, kind, status and the attributes that follow from `kind`."""
    shown = kind.method.decode("latin-1") if kind.method in METHODS else "HTTP"
    attributes: dict[str, Value] = {
        **_method(kind.method),
        "url.scheme": scheme,
        "http.route": kind.route,
        "http.response.status_code": kind.status,
        "network.protocol.version": kind.version,
    }
    if kind.model:
        attributes["outrider.model"] = kind.model
    failed = kind.error or (str(kind.status) if kind.status >= 500 else "")
    if failed:
        attributes["error.type"] = failed
    constant = span_bytes(f"{shown} {kind.route}", Span.SPAN_KIND_SERVER, attributes)
    # An error of the client's alone (4xx, 499) is none of the server's.
    own = kind.status >= 500 or kind.error[:8] == "upstream"
    return constant + (ERROR if own else UNSET)


def client_constant(kind: Kind, upstream: Upstream) -> bytes:
    """Of the CLIENT span, likewise."""
    attributes: dict[str, Value] = {
        **_method(kind.method),
        "server.address": upstream.address,
        "network.protocol.version": "1.1",
    }
    if upstream.port is not None:
        attributes["server.port"] = upstream.port
    if not kind.error:
        attributes["http.response.status_code"] = kind.status
    failed = kind.error or (str(kind.status) if kind.status >= 400 else "")
    if failed:
        attributes["error.type"] = failed
    constant = span_bytes("inference", Span.SPAN_KIND_CLIENT, attributes)
    return constant + (ERROR if failed else UNSET)


def server_facts(facts: Facts, scheme: str) -> bytes:
    """Attributes of the SERVER span that follow from what the client sent."""
    path, query = shown(facts.target)
    out = text_attribute("url.path", utf8(path))
    out += text_attribute("client.address", facts.client.encode())
    if query is not None:
        out += text_attribute("url.query", utf8(query))
    if facts.agent:
        out += text_attribute("user_agent.original", utf8(facts.agent))
    if facts.host:
        out += host_attributes(facts.host.decode("latin-1"), scheme)
    return out


def client_facts(facts: Facts, upstream: Upstream) -> bytes:
    """Attributes of the CLIENT span, likewise."""
    path, query = shown(facts.target)
    target = path if query is None else path + b"?" + query
    return text_attribute("url.full", upstream.url.encode() + utf8(target))


def of_stream(x: Exchange) -> bytes:
    """Attributes of the SERVER span of an answer that came event by event."""
    out = b""
    if x.first_piece >= 0:
        out = seconds_attribute("outrider.stream.time_to_first_event", x.first_piece)
        out += seconds_attribute("outrider.stream.largest_gap", x.largest_gap)
    if x.error:
        out += text_attribute("outrider.stream.aborted_by", ABORTED_BY[x.error].encode())
    return out


def stage_constant(name: str) -> bytes:
    """Of the INTERNAL span of a stage inside the model server."""
    return span_bytes(name, Span.SPAN_KIND_INTERNAL, {}) + UNSET


def before_id(size: int) -> bytes:
    """What stands before a request id of `size` bytes, which are ASCII by the contract."""
    whole = text_attribute("outrider.request_id", bytes(size))
    return whole[: len(whole) - size]


def span_bytes(name: str, kind: Span.SpanKind.ValueType, attributes: dict[str, Value]) -> bytes:
    """A span without identity and times."""
    pairs = [
        KeyValue(key=key, value=AnyValue(int_value=value))
        if isinstance(value, int)
        else KeyValue(key=key, value=AnyValue(string_value=value))
        for key, value in attributes.items()
    ]
    return bytes(Span(name=name, kind=kind, attributes=pairs).SerializeToString())


def _method(method: bytes) -> dict[str, Value]:
    if method in METHODS:
        return {"http.request.method": method.decode("latin-1")}
    return {
        "http.request.method": "_OTHER",
        "http.request.method_original": method.decode("latin-1"),
    }
