"""Receivers of spans and log pushes, cheap enough not to be what is measured.

Rule: while load runs, keep the bytes and answer; decode and count only when asked. Three doors:
OTLP over HTTP and Loki's push API on one port, OTLP over gRPC on another. `GET /counts` on the
first says in JSON what came. Started as `python -m bench.receivers HTTP_PORT GRPC_PORT`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc.aio
import httptools
import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Decode = Callable[[bytes], int]


class Counter:
    """Bodies of one kind, counted late."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._waiting: list[bytes] = []
        self._counted = 0
        self.pushes = 0

    def add(self, body: bytes) -> None:
        """Keep a body."""
        self._waiting.append(body)
        self.pushes += 1

    def count(self) -> int:
        """Records in all bodies so far; the bodies are let go."""
        waiting, self._waiting = self._waiting, []
        self._counted += sum(map(self._decode, waiting))
        return self._counted


def spans(body: bytes) -> int:
    """Spans in an ExportTraceServiceRequest."""
    request = ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for each in request.resource_spans for scope in each.scope_spans)


def loki_lines(body: bytes) -> int:
    """Lines in a push to Loki, JSON or snappy-compressed protobuf."""
    if body[:1] in (b"{", b" ", b"\n"):
        return sum(len(stream["values"]) for stream in json.loads(body)["streams"])
    import cramjam

    push = bytes(cramjam.snappy.decompress_raw(body))
    return sum(_fields(stream, 2) for stream in _messages(push, 1))


def _messages(message: bytes, wanted: int) -> list[bytes]:
    """Length-delimited fields numbered `wanted`; Loki's messages have no other wire type here."""
    found = []
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        if key & 7 == 0:
            _, position = _varint(message, position)
            continue
        size, position = _varint(message, position)
        if key >> 3 == wanted:
            found.append(message[position : position + size])
        position += size
    return found


def _fields(message: bytes, wanted: int) -> int:
    return len(_messages(message, wanted))


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


class Received:
    """All that came, by kind."""

    def __init__(self) -> None:
        self.spans = Counter(spans)
        self.loki = Counter(loki_lines)
        self.other = Counter(lambda body: 1)

    def counts(self) -> dict[str, int]:
        """Records by kind, and the number of span pushes."""
        return {
            "spans": self.spans.count(),
            "loki": self.loki.count(),
            "other": self.other.count(),
            "span_pushes": self.spans.pushes,
        }

    def of(self, path: bytes) -> Counter:
        """Where a body that was pushed to `path` belongs."""
        if path == b"/v1/traces":
            return self.spans
        return self.loki if path.startswith(b"/loki") else self.other


class Door(asyncio.Protocol):
    """The HTTP port: one message after the other, answered when it is complete."""

    def __init__(self, received: Received) -> None:
        self._received = received
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._gzip = False
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """asyncio's."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """httptools'."""
        self._path, self._gzip, self._body = b"", False, []

    def on_url(self, url: bytes) -> None:
        """httptools'."""
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools'."""
        if name.lower() == b"content-encoding":
            self._gzip = value == b"gzip"

    def on_body(self, body: bytes) -> None:
        """httptools'."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """httptools'."""
        if self._path == b"/counts":
            return self._answer(json.dumps(self._received.counts()).encode(), b"application/json")
        body = b"".join(self._body)
        self._received.of(self._path).add(gzip.decompress(body) if self._gzip else body)
        self._answer(b"", b"application/x-protobuf")

    def _answer(self, body: bytes, kind: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % (kind, len(body)) + body)


class Handlers(grpc.GenericRpcHandler):
    """The gRPC port: any unary method, bytes in, an empty message out."""

    def __init__(self, received: Received) -> None:
        self._received = received

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        """gRPC's: neither side is (de)serialised."""
        trace = "TraceService" in handler_call_details.method
        counter = self._received.spans if trace else self._received.other

        async def export(body: bytes, _: Any) -> bytes:
            counter.add(body)
            return b""

        handler = cast(Callable[[bytes, Any], Awaitable[bytes]], export)
        return grpc.unary_unary_rpc_method_handler(cast(Any, handler))


async def serve(http: int, grpc_port: int) -> None:
    """Serve on both ports of loopback until ended."""
    received = Received()
    loop = asyncio.get_running_loop()
    collector = grpc.aio.server(options=[("grpc.max_receive_message_length", 64 << 20)])
    collector.add_generic_rpc_handlers((Handlers(received),))
    collector.add_insecure_port(f"127.0.0.1:{grpc_port}")
    await collector.start()
    server = await loop.create_server(lambda: Door(received), "127.0.0.1", http)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
