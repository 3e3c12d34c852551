"""What one would write to see payloads behind Envoy: an ext_proc service that reads both bodies.

Each is decoded, five columns of the request and the predictions of the response are kept, a
thousand rows at a time. Nothing is changed: Envoy gets an empty answer to each body, or none in
its `observability_mode`. `GET /counts` on the second port says how many rows there were.

Started with its own environment's Python: `body_observer.py SOCKET COUNTS_PORT`.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import grpc.aio
import msgspec
from envoy.service.ext_proc.v3 import external_processor_pb2 as messages
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as service

WINDOW = 1000
COLUMNS = ("age", "income", "tenure", "segment", "score")


class Request(msgspec.Struct):
    """A KServe V1 request."""

    instances: list[dict[str, float | int | str]]


class Response(msgspec.Struct):
    """And its response."""

    predictions: list[list[float]]


class Window:
    """The columns of the last rows."""

    def __init__(self) -> None:
        self.rows = 0
        self._columns: dict[str, list[float | int | str]] = {name: [] for name in COLUMNS}
        self._predictions: list[list[float]] = []
        self._decode_request = msgspec.json.Decoder(Request).decode
        self._decode_response = msgspec.json.Decoder(Response).decode

    def add_request(self, body: bytes) -> None:
        """Keep the columns of a request's rows."""
        for row in self._decode_request(body).instances:
            for name, kept in self._columns.items():
                kept.append(row[name])

    def add_response(self, body: bytes) -> None:
        """Keep its predictions; a row counts when both sides of it were seen."""
        predictions = self._decode_response(body).predictions
        self._predictions += predictions
        self.rows += len(predictions)
        if len(self._predictions) >= WINDOW:
            self._predictions.clear()
            for kept in self._columns.values():
                kept.clear()


ANSWER_REQUEST = messages.ProcessingResponse(request_body=messages.BodyResponse())
ANSWER_RESPONSE = messages.ProcessingResponse(response_body=messages.BodyResponse())


class Observer(service.ExternalProcessorServicer):
    """A stream a request."""

    def __init__(self, window: Window) -> None:
        self._window = window

    async def Process(  # noqa: N802 (gRPC's name)
        self,
        request_iterator: AsyncIterator[messages.ProcessingRequest],
        context: grpc.aio.ServicerContext,
    ) -> AsyncIterator[messages.ProcessingResponse]:
        """gRPC's."""
        asked, answered = [], []
        async for message in request_iterator:
            if message.HasField("request_body"):
                asked.append(message.request_body.body)
                if message.request_body.end_of_stream:
                    self._add(self._window.add_request, asked)
                if not message.observability_mode:
                    yield ANSWER_REQUEST
            elif message.HasField("response_body"):
                answered.append(message.response_body.body)
                if message.response_body.end_of_stream:
                    self._add(self._window.add_response, answered)
                if not message.observability_mode:
                    yield ANSWER_RESPONSE

    def _add(self, add: Callable[[bytes], None], pieces: list[bytes]) -> None:
        with suppress(msgspec.DecodeError):  # it is no prediction, then
            add(pieces[0] if len(pieces) == 1 else b"".join(pieces))


async def serve(path: str, counts_port: int) -> None:
    """Serve until ended."""
    window = Window()

    async def counts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"rows": window.rows}).encode()
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        writer.close()

    server = grpc.aio.server()
    service.add_ExternalProcessorServicer_to_server(Observer(window), server)
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    await asyncio.start_server(counts, "127.0.0.1", counts_port)
    await server.wait_for_termination()


if __name__ == "__main__":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # Envoy is the parent
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
