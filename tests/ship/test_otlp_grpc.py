"""What we send by gRPC is what opentelemetry-exporter-otlp sends in the same environment."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
import trustme
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace.export import SpanExportResult

from agent.ship.otlp_grpc import OtlpGrpc
from agent.ship.otlp_settings import GRPC, read
from agent.ship.outcome import Outcome, Verdict
from tests.ship import spans
from tests.ship.receivers import GrpcReceiver, grpc_receiver
from tests.ship.sinks import run

OWN = {"user-agent"}


async def push(env: dict[str, str]) -> Outcome:
    sink = OtlpGrpc(read(env, "TRACES", GRPC), "outrider/1")
    outcome = await sink.push([spans.as_record(spans.make())])
    await sink.close()
    return outcome


@pytest.mark.parametrize(
    "env",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://{address}"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://{address}/path/is/nothing"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{address}",
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b,X-Two=c=d",
        },
        {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://{address}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        },
    ],
)
def test_metadata_and_spans_are_the_exporters(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> GrpcReceiver:
        made = spans.make()
        async with grpc_receiver() as receiver:
            here = {k: v.format(address=receiver.address) for k, v in env.items()}
            for name, value in here.items():
                monkeypatch.setenv(name, value)
            exporter = OTLPSpanExporter()
            assert await asyncio.to_thread(exporter.export, made) is SpanExportResult.SUCCESS
            exporter.shutdown()
            sink = OtlpGrpc(read(here, "TRACES", GRPC), "outrider/1")
            assert (await sink.push([spans.as_record(made)])).verdict is Verdict.OK
            await sink.close()
            return receiver

    receiver = run(main())
    theirs, ours = receiver.requests
    assert ours == theirs
    their_fields, our_fields = (
        {k: v for k, v in metadata.items() if k not in OWN} for metadata in receiver.metadata
    )
    assert our_fields == their_fields
    assert receiver.metadata[1]["user-agent"].startswith("outrider/1")


def refused(code: StatusCode, trailing: tuple[tuple[str, bytes], ...] = ()) -> Outcome:
    async def answer(context: Any) -> None:
        await context.abort(code, "no", trailing_metadata=trailing)

    async def main() -> Outcome:
        async with grpc_receiver() as receiver:
            receiver.answer = answer
            return await push({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.address}"})

    return run(main())


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (StatusCode.CANCELLED, Verdict.RETRY),
        (StatusCode.DEADLINE_EXCEEDED, Verdict.RETRY),
        (StatusCode.ABORTED, Verdict.RETRY),
        (StatusCode.OUT_OF_RANGE, Verdict.RETRY),
        (StatusCode.UNAVAILABLE, Verdict.RETRY),
        (StatusCode.DATA_LOSS, Verdict.RETRY),
        (StatusCode.RESOURCE_EXHAUSTED, Verdict.REJECT),
        (StatusCode.INVALID_ARGUMENT, Verdict.REJECT),
        (StatusCode.UNAUTHENTICATED, Verdict.REJECT),
        (StatusCode.UNIMPLEMENTED, Verdict.REJECT),
        (StatusCode.INTERNAL, Verdict.REJECT),
    ],
)
def test_the_specifications_table(code: StatusCode, verdict: Verdict) -> None:
    outcome = refused(code)
    assert outcome.verdict is verdict
    assert outcome.reason == f"gRPC {code.name}"


def test_exhausted_is_tried_again_where_the_server_says_when() -> None:
    info = RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000))
    details = AnyMessage()
    details.Pack(info)
    status = Status(code=StatusCode.RESOURCE_EXHAUSTED.value[0], details=[details])
    for trailing in (
        (("google.rpc.retryinfo-bin", info.SerializeToString()),),
        (("grpc-status-details-bin", status.SerializeToString()),),
    ):
        outcome = refused(StatusCode.RESOURCE_EXHAUSTED, trailing)
        assert (outcome.verdict, outcome.after) == (Verdict.RETRY, 2.5)


@pytest.mark.parametrize("key", ["google.rpc.retryinfo-bin", "grpc-status-details-bin"])
@pytest.mark.parametrize("junk", [b"`", b"\xff" * 9, b"\x0a\x05"])
def test_details_that_cannot_be_read_lose_nothing(key: str, junk: bytes) -> None:
    outcome = refused(StatusCode.UNAVAILABLE, ((key, junk),))
    assert (outcome.verdict, outcome.after) == (Verdict.RETRY, None)


def test_a_delay_that_is_over_is_none() -> None:
    info = RetryInfo(retry_delay=Duration(seconds=-5)).SerializeToString()
    assert refused(StatusCode.UNAVAILABLE, (("google.rpc.retryinfo-bin", info),)).after == 0.0


def test_partial_success_is_counted() -> None:
    partial = ExportTracePartialSuccess(rejected_spans=2, error_message="no")

    async def answer(_: Any) -> ExportTraceServiceResponse:
        return ExportTraceServiceResponse(partial_success=partial)

    async def main() -> Outcome:
        async with grpc_receiver() as receiver:
            receiver.answer = answer
            return await push({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.address}"})

    assert run(main()) == Outcome(Verdict.OK, "no", rejected=2)


def test_nobody_there_is_tried_again() -> None:
    async def main() -> Outcome:
        async with grpc_receiver() as receiver:
            address = receiver.address
        return await push({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}"})

    assert run(main()).verdict is Verdict.RETRY


def test_tls_with_their_certificate_and_ours() -> None:
    ca = trustme.CA()
    server, client = ca.issue_cert("localhost"), ca.issue_cert("client")
    chain = b"".join(blob.bytes() for blob in server.cert_chain_pems)
    credentials = grpc.ssl_server_credentials(
        [(server.private_key_pem.bytes(), chain)], ca.cert_pem.bytes(), require_client_auth=True
    )

    async def main() -> Outcome:
        async with grpc_receiver(credentials) as receiver:
            with (
                ca.cert_pem.tempfile() as ca_file,
                client.private_key_and_cert_chain_pem.tempfile() as own,
            ):
                return await push(
                    {
                        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://{receiver.address}",
                        "OTEL_EXPORTER_OTLP_CERTIFICATE": ca_file,
                        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": own,
                        "OTEL_EXPORTER_OTLP_CLIENT_KEY": own,
                    }
                )

    assert run(main()).verdict is Verdict.OK
