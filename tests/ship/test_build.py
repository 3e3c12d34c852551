"""The sinks that the settings ask for, and nothing imported for those they do not."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from aiohttp import web

from agent.config import Loki as LokiConfig
from agent.settings.units import Url
from agent.ship.build import Sinks, make_sinks
from agent.ship.queue import Record
from tests.ship.receivers import grpc_receiver, http_receiver
from tests.ship.sinks import run
from tests.ship.spans import as_record, make

LOG = logging.getLogger("test")


def test_nothing_is_asked_for() -> None:
    assert make_sinks({}, version="1", spans=None, stdout=False, lokis={}, log=LOG).all() == []


def test_every_kind_is_named_and_bad_variables_are_said(caplog: pytest.LogCaptureFixture) -> None:
    loki = LokiConfig(url=Url("http://loki:3100"))
    env = {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}

    async def main() -> Sinks:
        sinks = make_sinks(
            env, version="1", spans="grpc", stdout=True, lokis={"mine": loki}, log=LOG
        )
        for sender in sinks.all():
            await sender.stop(0)
        return sinks

    statuses = run(main()).statuses()
    assert [(s.name, s.kind) for s in statuses] == [
        ("otlp", "grpc"),
        ("stdout", "stdout"),
        ("mine", "loki"),
    ]
    assert "OTEL_EXPORTER_OTLP_TIMEOUT=soon" in caplog.text


def test_no_two_sinks_have_one_name() -> None:
    lokis = {name: LokiConfig(url=Url("http://loki:3100")) for name in ("otlp", "stdout")}

    async def main() -> list[str]:
        sinks = make_sinks({}, version="1", spans="grpc", stdout=True, lokis=lokis, log=LOG)
        for sender in sinks.all():
            await sender.stop(0)
        return [status.name for status in sinks.statuses()]

    assert len(set(run(main()))) == 4


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_spans_and_lines_arrive(protocol: str) -> None:
    async def main() -> tuple[int, int]:
        async with grpc_receiver() as grpc, http_receiver() as http:
            http.answer = lambda came: web.Response(status=204 if "loki" in came.path else 200)
            otlp = f"http://{grpc.address}" if protocol == "grpc" else http.url
            sinks = make_sinks(
                {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp},
                version="1",
                spans=protocol,
                stdout=False,
                lokis={"loki": LokiConfig(url=Url(http.url), labels={"cluster": "eu"})},
                log=LOG,
            )
            for sender in sinks.all():
                sender.start()
            sinks.spans[0].put([as_record(make())])
            sinks.logs[0].put([Record(1, b"{}", (("model", "m"),))])
            for sender in sinks.all():
                await sender.stop(20)
            assert [s.outcomes["sent"] for s in sinks.statuses()] == [2, 1]
            return len(grpc.requests), len(http.requests)

    assert run(main()) == ((1, 1) if protocol == "grpc" else (0, 2))


def imported(source: str) -> set[str]:
    """Top-level packages in a fresh interpreter after running this."""
    code = f"import sys\n{source}\nprint(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    return set(found)


def test_what_is_not_configured_is_not_imported() -> None:
    modules = imported("import agent.ship.build, agent.ship.otlp_http, agent.signals.traces")
    assert not {"grpc", "cramjam", "requests", "opentelemetry.sdk.metrics"} & modules
