"""A real model server (uvicorn) killed and started again under load."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.load import Load
from tests.harness import ROOT, eventually, free_ports

pytestmark = pytest.mark.slow

COUNT = "http_server_request_duration_seconds_count"
ROUTE = {"http_request_method": "POST"}
CONNECTIONS = 16


async def app(scope, receive, send) -> None:
    """The model: reads the request, answers a prediction."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = b'{"predictions": [0.25]}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def uvicorn(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The model server, once it takes connections; killed at the end."""
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level", "error"]
    command += ["tests.faults.test_model_restarts:app"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        eventually(listens, "uvicorn to listen", 30)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
@pytest.mark.parametrize(
    ("rounds", "total"),
    [(1, 3000), pytest.param(10, 10_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])],
)
def test_only_what_was_in_flight_or_came_meanwhile_fails(start, rounds, total, how):
    """Each fails with a 502 or an abort, and all are counted; then it is served again by itself."""
    port = free_ports(1)[0]
    proxy = start(f"http://127.0.0.1:{port}", ready="/healthz")
    done = failed = aborted = 0
    for _ in range(rounds):
        with uvicorn(port) as process:
            eventually(lambda: proxy.probe("/readyz") == 200, "ready by itself")
            with Load(proxy.address, total, CONNECTIONS) as whole:
                pass
            assert (whole.answered, whole.lost, whole.errors) == (total, 0, {})
            with Load(proxy.address, total, CONNECTIONS) as cut:
                eventually(lambda: cut.done > 200, "the load to get on", 60)
                before = cut.answered
                os.kill(process.pid, how)
                process.wait()
        print(f"{before} answered before the end, {cut.answered - before} during it, {cut.errors}")
        assert cut.refused == 0
        assert cut.done == total
        assert set(cut.errors) == {502}, "while it is away each request is told so"
        assert cut.lost <= CONNECTIONS, "an abort is for an answer that had begun"
        done += whole.done + cut.done
        failed += cut.errors[502]
        aborted += cut.lost
    eventually(lambda: proxy.metric(COUNT, **ROUTE) >= done, "all counted", 30)
    scrape = proxy.metrics()
    assert scrape.value(COUNT, **ROUTE) == done
    assert scrape.value(COUNT, http_response_status_code="502", **ROUTE) == failed
    assert scrape.value("outrider_requests_failed_total") == failed + aborted
    assert scrape.value("http_server_active_requests") == 0
    reset = scrape.value("outrider_requests_failed_total", reason="upstream_reset")
    assert reset <= rounds * 2 * CONNECTIONS, "in flight, or waiting to be accepted; no other"
