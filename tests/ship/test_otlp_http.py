"""What we post is what opentelemetry-exporter-otlp posts in the same environment."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme
from aiohttp import web
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace.export import SpanExportResult

from agent.ship.otlp_http import OtlpHttp
from agent.ship.otlp_settings import HTTP, read
from agent.ship.outcome import Outcome, Verdict
from tests.ship import spans
from tests.ship.receivers import HttpReceiver, Request, http_receiver
from tests.ship.sinks import run

OWN = {"user-agent", "accept", "accept-encoding", "connection", "host", "content-length"}
"""Fields in which two HTTP clients may differ."""


async def push(env: dict[str, str], names: tuple[str, ...] = ("a", "b")) -> Outcome:
    sink = OtlpHttp(read(env, "TRACES", HTTP), "outrider/1")
    outcome = await sink.push([spans.as_record(spans.make(names))])
    await sink.close()
    return outcome


@pytest.mark.parametrize(
    "env",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}/base/"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{url}/as/it/is?x=1"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{url}/general",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{url}/own",
        },
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{url}",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b,X-Two=c=d, bad header=x,,tail=1",
        },
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{url}",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer general",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=Bearer own",
        },
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{url}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none",
        },
    ],
)
def test_path_headers_and_spans_are_the_exporters(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> list[Request]:
        made = spans.make()
        async with http_receiver() as receiver:
            here = {name: value.format(url=receiver.url) for name, value in env.items()}
            for name, value in here.items():
                monkeypatch.setenv(name, value)
            exporter = OTLPSpanExporter()
            assert await asyncio.to_thread(exporter.export, made) is SpanExportResult.SUCCESS
            exporter.shutdown()
            sink = OtlpHttp(read(here, "TRACES", HTTP), "outrider/1")
            outcome = await sink.push([spans.as_record(made)])
            await sink.close()
            assert outcome.verdict is Verdict.OK
            return receiver.requests

    theirs, ours = run(main())
    assert ours.path == theirs.path
    assert {k: v for k, v in ours.headers.items() if k not in OWN} == {
        k: v for k, v in theirs.headers.items() if k not in OWN
    }
    assert ours.unpacked == theirs.unpacked
    assert ours.headers["user-agent"] == "outrider/1"


def test_records_are_joined_to_one_request() -> None:
    async def main() -> HttpReceiver:
        async with http_receiver() as receiver:
            sink = OtlpHttp(
                read({"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}, "TRACES", HTTP), "o"
            )
            await sink.push([spans.as_record(spans.make((name,))) for name in "abc"])
            await sink.close()
            return receiver

    [request] = run(main()).requests
    decoded = ExportTraceServiceRequest.FromString(request.body)
    assert [r.scope_spans[0].spans[0].name for r in decoded.resource_spans] == ["a", "b", "c"]


def answered(response: web.Response) -> Outcome:
    async def main() -> Outcome:
        async with http_receiver() as receiver:
            receiver.answer = lambda _: response
            return await push({"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})

    return run(main())


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.OK),
        (202, Verdict.OK),
        (301, Verdict.REJECT),
        (400, Verdict.REJECT),
        (401, Verdict.REJECT),
        (413, Verdict.REJECT),
        (429, Verdict.RETRY),
        (500, Verdict.REJECT),
        (502, Verdict.RETRY),
        (503, Verdict.RETRY),
        (504, Verdict.RETRY),
    ],
)
def test_the_specifications_table(status: int, verdict: Verdict) -> None:
    headers = {"Location": "/elsewhere"} if status == 301 else {}
    assert answered(web.Response(status=status, headers=headers)).verdict is verdict


def test_retry_after_is_passed_on() -> None:
    outcome = answered(web.Response(status=503, headers={"Retry-After": "7"}))
    assert outcome == Outcome(Verdict.RETRY, "HTTP 503", 7.0)


def test_partial_success_is_counted_and_not_sent_again() -> None:
    body = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
    ).SerializeToString()
    assert answered(web.Response(body=body)) == Outcome(Verdict.OK, "too old", rejected=1)


@pytest.mark.parametrize("body", [b"{}", b"\xff" * 40, b"x" * 1_000_000])
def test_a_success_that_we_cannot_read_is_one(body: bytes) -> None:
    assert answered(web.Response(body=body)).verdict is Verdict.OK


def test_nobody_there_is_tried_again() -> None:
    async def main() -> Outcome:
        async with http_receiver() as receiver:
            url = receiver.url
        return await push({"OTEL_EXPORTER_OTLP_ENDPOINT": url})

    assert run(main()).verdict is Verdict.RETRY


def test_tls_with_their_certificate_and_ours(tmp_path: object) -> None:
    ca = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    client = ca.issue_cert("client")

    async def main() -> tuple[Outcome, Outcome]:
        async with http_receiver(context) as receiver:
            with (
                ca.cert_pem.tempfile() as ca_file,
                client.private_key_and_cert_chain_pem.tempfile() as own,
            ):
                env = {
                    "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
                    "OTEL_EXPORTER_OTLP_CERTIFICATE": ca_file,
                }
                without = await push(env)
                env["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = own
                env["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = own
                return without, await push(env)

    without, with_ours = run(main())
    assert without.verdict is Verdict.RETRY
    assert with_ours.verdict is Verdict.OK


def test_connections_are_kept() -> None:
    async def main() -> HttpReceiver:
        async with http_receiver() as receiver:
            env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
            sink = OtlpHttp(read(env, "TRACES", HTTP), "o")
            for _ in range(3):
                await sink.push([spans.as_record(spans.make())])
            await sink.close()
            return receiver

    requests = run(main()).requests
    assert len(requests) == 3
    assert len({request.peer for request in requests}) == 1
