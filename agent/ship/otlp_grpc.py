"""OTLP over gRPC: opentelemetry-proto's own stub, on grpc.aio.

Rule: imported only where it is configured, because gRPC costs 20 MB. The request goes out as the
bytes that it already is, so the stub's serializer is put aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc import StatusCode, aio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from agent.ship.otlp_settings import OtlpSettings
from agent.ship.outcome import Outcome, Verdict, reject, retry
from agent.ship.queue import Record

RETRYABLE = frozenset(
    (
        StatusCode.CANCELLED,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.ABORTED,
        StatusCode.OUT_OF_RANGE,
        StatusCode.UNAVAILABLE,
        StatusCode.DATA_LOSS,
    )
)
"""The specification's list; RESOURCE_EXHAUSTED is added where the server sends RetryInfo."""

RETRY_INFO = "google.rpc.retryinfo-bin"
STATUS_DETAILS = "grpc-status-details-bin"


class _RawChannel:
    """A channel whose unary calls take bytes that are serialized already."""

    def __init__(self, channel: aio.Channel) -> None:
        self._channel = channel

    def unary_unary(self, method: str, **options: object) -> object:
        options["request_serializer"] = None
        options.pop("_registered_method", None)
        return self._channel.unary_unary(method, **options)  # type: ignore[arg-type]


class OtlpGrpc:
    """Sink of one OTLP/gRPC endpoint."""

    def __init__(self, settings: OtlpSettings, user_agent: str) -> None:
        self._settings = settings
        self._options = [("grpc.primary_user_agent", user_agent)]
        self._metadata = tuple(settings.headers.items())
        self._credentials = _credentials(settings) if settings.secure else None
        self._channel: aio.Channel | None = None

    async def push(self, batch: Sequence[Record]) -> Outcome:
        """Sends one batch, once."""
        if self._channel is None:
            self._channel = self._open()
            self._stub = TraceServiceStub(_RawChannel(self._channel))  # type: ignore[no-untyped-call]
        try:
            answer: ExportTraceServiceResponse = await self._stub.Export(
                b"".join([record.data for record in batch]),
                metadata=self._metadata,
                timeout=self._settings.timeout,
            )
        except aio.AioRpcError as error:
            return verdict(error)
        partial = answer.partial_success
        return Outcome(Verdict.OK, partial.error_message, rejected=partial.rejected_spans)

    async def close(self) -> None:
        """Ends the channel."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    def _open(self) -> aio.Channel:
        packing = grpc.Compression.Gzip if self._settings.gzip else grpc.Compression.NoCompression
        target = self._settings.endpoint
        if self._credentials is None:
            return aio.insecure_channel(target, options=self._options, compression=packing)
        return aio.secure_channel(
            target, self._credentials, options=self._options, compression=packing
        )


def verdict(error: aio.AioRpcError) -> Outcome:
    """The specification's table of status codes."""
    code, after = error.code(), _retry_delay(error)
    reason = f"gRPC {code.name}"
    if code in RETRYABLE or (code is StatusCode.RESOURCE_EXHAUSTED and after is not None):
        return retry(reason, after)
    return reject(reason)


def _retry_delay(error: aio.AioRpcError) -> float | None:
    """Seconds of a RetryInfo, by itself or within the status details; or None."""
    for key, value in error.trailing_metadata() or ():
        data = value if isinstance(value, bytes) else value.encode("latin-1")
        info = RetryInfo()
        try:
            if key == RETRY_INFO:
                info.ParseFromString(data)
            elif key != STATUS_DETAILS or not _in_details(data, info):
                continue
        except DecodeError:
            continue
        return max(float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9), 0.0)
    return None


def _in_details(data: bytes, info: RetryInfo) -> bool:
    return any(detail.Unpack(info) for detail in Status.FromString(data).details)


def _credentials(settings: OtlpSettings) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(settings.ca),
        private_key=_pem(settings.key),
        certificate_chain=_pem(settings.cert),
    )


def _pem(path: str | None) -> bytes | None:
    return Path(path).read_bytes() if path else None
