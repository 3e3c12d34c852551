"""Two sidecars before a model server, Prometheus over both, once for all tests here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.grafana.model_server import Running, model_server
from tests.grafana.prometheus import Prometheus, prometheus
from tests.grafana.traffic import ROWS, Client, profile_rows
from tests.harness import Outrider, eventually

SCRAPE = 2
"""Seconds between scrapes, and that one may take on a busy machine."""
WINDOW = 100
"""Rows."""
DRIFT = 12.0
"""Years by which the ages move."""


def settings(url: str, reference: Path) -> dict[str, object]:
    """Small windows, and a reference that both sidecars share."""
    values = {"approved": "$.approved == true", "amount": "request $.amount", "gone": "$.gone"}
    return {
        "drift": {
            "references": {"churn": str(reference)},
            "window": {"rows": WINDOW, "seconds": "1h"},
            "false_alarms": "1 per 1h",
        },
        "capture": {"payload_log": True},
        "logs": {"stdout": False},
        "alerts": {"to": {"ops": {"type": "slack", "url": f"{url}/hook"}}, "group": "1s"},
        "host": {"sample": "1s"},
        "model": {"path": str(reference)},
        "scrape": {"url": "/metrics", "every": "1s", "timeout": "1s", "max_series": 3},
        "streams": {"stall": "10ms"},
        "routes": [{"path": "/score", "model": "loans", "values": values}],
        "sinks": {
            "loki": {"type": "loki", "url": url},
            "refusing": {"type": "loki", "url": f"{url}/refusing"},
            "away": {"type": "loki", "url": "http://127.0.0.1:9"},
        },
    }


def reference(folder: Path) -> Path:
    """Built as users build it."""
    rows, made = folder / "rows.jsonl", folder / "reference.json"
    rows.write_text(profile_rows())
    command = [sys.executable, "-m", "agent", "profile", "build", str(rows), "-o", str(made)]
    outputs = ["--outputs", "score,chances-0,chances-1", "--model", "churn"]
    subprocess.run([*command, *outputs], check=True, capture_output=True, timeout=60)
    return made


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """The model server, which is the collector too."""
    with model_server() as running:
        yield running


@pytest.fixture(scope="session")
def seen(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus, when it has scraped quiet traffic, then drift and all that goes wrong."""
    folder, url = tmp_path_factory.mktemp("grafana"), server.url
    with ExitStack() as stack:
        to = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        made = settings(url, reference(folder))
        sidecars = [stack.enter_context(Outrider(url, made, env=to)) for _ in range(2)]
        every = dict.fromkeys(("scrape_interval", "evaluation_interval"), f"{SCRAPE}s")
        found = stack.enter_context(prometheus(sidecars, folder, {"global": every}))
        clients = [Client(sidecar) for sidecar in sidecars]
        stack.enter_context(clients[0].in_flight())
        send(clients, 0)
        scraped(found, clients)
        deadline = time.monotonic() + 120
        while found.value("sum(outrider_drift_detected)") in (None, 0):
            assert time.monotonic() < deadline, "no drift"
            send(clients, DRIFT)
        told = "sum(outrider_alerts_sent_total)"
        eventually(lambda: (found.value(told) or 0) > 0, "the sidecar's own message", 60)
        os.kill(sidecars[1].pid("observer"), signal.SIGKILL)
        eventually(
            lambda: found.value("sum(outrider_process_restarts_total)") == 1, "a restart", 30
        )
        send(clients, DRIFT)
        scraped(found, clients)
        yield found


def send(clients: list[Client], shift: float) -> None:
    """One round, no faster than the observers follow: what they are behind with they put aside."""
    for client in clients:
        for _ in range(WINDOW // ROWS):
            client.churn(shift)
        client.all_kinds()
    for client in clients:
        eventually(client.is_observed, "the observer to have finished", 60)


def scraped(found: Prometheus, clients: list[Client]) -> None:
    """Waits until Prometheus has reached all sidecars since the last request, and notes when."""
    sent = sum(client.sent for client in clients)
    count = "sum(http_server_request_duration_seconds_count)"
    all_up = f"count(up == 1) == {len(clients)} and on () ({count} >= {sent})"
    eventually(lambda: found.value(all_up), "all requests to be scraped", 60)
    found.at = time.time()
