"""The admin port shows what it is given, to those who may see it."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

import aiohttp
import pytest

from agent.admin import access, server
from agent.admin.orders import MAX_ORDER, Orders, Refused
from agent.admin.server import Views
from agent.ledger import Ledger
from agent.signals.exemplars import Exemplars
from agent.signals.metrics import LedgerCollector, make_registry, render
from tests.ship.sinks import run
from tests.signals.factory import USUAL
from tests.signals.ledgers import count

TOKEN = "s3cret-ü"
CLOSED = [
    "/api/v1/status",
    "/api/v1/drift",
    "/api/v1/exchanges",
    "/api/v1/reference",
    "/api/v1/overview",
    "/api/v1/history",
    "/api/v1/live",
    "/nowhere",
]


def views(ledger: Ledger | None = None, well: bool = True) -> Views:
    exemplars = Exemplars()
    exemplars.update([USUAL])
    registry = make_registry(LedgerCollector(ledger or Ledger(1), exemplars, "1"))
    return Views(
        metrics=lambda accept: render(registry, accept),
        health=lambda: (True, {"status": "ok"}),
        ready=lambda: (well, {"upstream": "up" if well else "down"}),
        status=lambda: {"version": "1", "sinks": []},
        drift=lambda: {"models": {"iris": {"score": 0.1}}},
        exchanges=lambda query: {"asked": dict(query)},
        orders=Orders(
            acknowledge=lambda body: {"done": body.decode()},
            reference=_reference,
            publish=lambda model, version, body, by, note: {
                "of": [model, version], "bytes": len(body), "by": by, "note": note
            },
        ),
    )  # fmt: skip


def _reference(model: str | None, version: str | None) -> tuple[bytes, str]:
    if model is None:
        said = {"error": "which?", "field": "model", "value": None, "remedy": "say it"}
        raise Refused(404, said)
    return b"{}", "1a2b"


@asynccontextmanager
async def admin(
    made_of: Views | None = None, token: str | None = None
) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    sock = socket.create_server(("127.0.0.1", 0))
    runner = await server.start(made_of or views(), sock, token, logging.getLogger("outrider"))
    async with aiohttp.ClientSession() as client:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}", client
    await runner.cleanup()


async def get(path: str, token: str | None = None, **headers: str) -> tuple[int, Any, str]:
    async with (
        admin(token=token) as (url, client),
        client.get(url + path, headers=headers) as response,
    ):
        return response.status, response.headers, await response.text()


def test_pages() -> None:
    status, headers, body = run(get("/api/v1/status"))
    assert (status, json.loads(body)) == (200, {"version": "1", "sinks": []})
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"
    assert json.loads(run(get("/api/v1/drift"))[2]) == {"models": {"iris": {"score": 0.1}}}
    assert run(get("/healthz"))[0] == 200
    assert run(get("/nowhere"))[0] == 404


def test_probe_that_is_not_well_says_why() -> None:
    async def main() -> tuple[int, Any]:
        async with admin(views(well=False)) as (url, client), client.get(f"{url}/readyz") as r:
            return r.status, await r.json()

    assert run(main()) == (503, {"upstream": "down"})


def test_metrics_in_the_form_that_is_asked_for() -> None:
    _, headers, body = run(get("/metrics"))
    assert headers["Content-Type"].startswith("text/plain")
    assert "outrider_build_info" in body
    _, headers, body = run(get("/metrics", Accept="application/openmetrics-text; version=1.0.0"))
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_metrics_are_packed_where_the_scraper_takes_it() -> None:
    async def main() -> tuple[str | None, bytes]:
        async with (
            admin() as (url, _),
            aiohttp.ClientSession(auto_decompress=False) as client,
            client.get(f"{url}/metrics", headers={"Accept-Encoding": "gzip"}) as response,
        ):
            return response.headers.get("Content-Encoding"), await response.read()

    encoding, body = run(main())
    assert encoding == "gzip"
    assert b"outrider_build_info" in gzip.decompress(body)


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_from_elsewhere_the_api_needs_the_token(
    path: str, token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "is_loopback", lambda _: False)
    status, headers, body = run(get(path, token))
    assert status == 401
    assert headers["WWW-Authenticate"].startswith("Bearer")
    assert "admin.token" in json.loads(body)["error"]
    assert run(get(path, token, Authorization="Bearer wrong"))[0] == 401
    assert run(get(path, token, Authorization="Bearer "))[0] == 401


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_from_elsewhere_metrics_and_probes_are_open(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "is_loopback", lambda _: False)
    assert run(get(path, TOKEN, Host="any.example"))[0] == 200


def test_with_the_token_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "is_loopback", lambda _: False)
    given = {"Authorization": f"bearer {TOKEN}", "Host": "pod.example"}
    assert run(get("/api/v1/status", TOKEN, **given))[0] == 200
    assert run(get("/api/v1/status", TOKEN, Authorization=f"Basic {TOKEN}"))[0] == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost"}, 200),
        ({"Host": "localhost:8901"}, 200),
        ({"Host": "[::1]:8901"}, 200),
        ({"Host": "attacker.example"}, 403),
        ({"Host": "127.0.0.1.attacker.example"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "localhost", "Origin": "http://localhost"}, 200),
        ({"Host": "localhost", "Origin": "https://attacker.example"}, 403),
        ({"Host": "localhost", "Origin": "null"}, 403),
    ],
)
def test_another_sites_page_in_a_browser_here_is_refused(
    headers: dict[str, str], status: int
) -> None:
    assert run(get("/api/v1/status", TOKEN, **headers))[0] == status


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("", True),
        (None, True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("nonsense", False),
    ],
)
def test_loopback(address: str | None, loopback: bool) -> None:
    assert access.is_loopback(address) is loopback


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_is_changed_by_any_method(method: str) -> None:
    async def main() -> int:
        async with admin() as (url, client), client.request(method, f"{url}/api/v1/drift") as r:
            return r.status

    assert run(main()) == 405


async def send(method: str, path: str, body: bytes = b"", **more: Any) -> tuple[int, Any, Any]:
    async with (
        admin(token=TOKEN) as (url, client),
        client.request(method, url + path, data=body, headers=more) as response,
    ):
        return response.status, await response.json(), response.headers


def test_orders_get_what_was_sent_and_answer() -> None:
    assert run(send("POST", "/api/v1/drift/acknowledge", b"body"))[:2] == (200, {"done": "body"})
    status, body, headers = run(send("GET", "/api/v1/reference?model=iris"))
    assert (status, body, headers["ETag"]) == (200, {}, '"1a2b"')
    assert run(send("PUT", "/api/v1/reference?version=3&by=me&note=why", b"1234"))[:2] == (
        200, {"of": [None, "3"], "bytes": 4, "by": "me", "note": "why"},
    )  # fmt: skip
    status, body, _ = run(send("GET", "/api/v1/reference"))
    assert (status, body["field"], body["remedy"]) == (404, "model", "say it")


def test_a_body_beyond_the_bound_is_refused() -> None:
    status, body, _ = run(send("POST", "/api/v1/drift/acknowledge", b"x" * (MAX_ORDER + 1)))
    assert (status, body["field"]) == (413, "body")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/v1/drift/acknowledge"), ("PUT", "/api/v1/reference")],
)
def test_orders_need_loopback_or_the_token_and_no_other_sites_page(
    method: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(send(method, path, Origin="https://attacker.example"))[0] == 403
    monkeypatch.setattr(access, "is_loopback", lambda _: False)
    assert run(send(method, path))[0] == 401
    assert run(send(method, path, Authorization=f"Bearer {TOKEN}"))[0] == 200


CONFIG = """
global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
scrape_configs:
  - job_name: outrider
    static_configs: [{{targets: ["{target}"]}}]
"""


def ask(url: str) -> Any:
    """JSON from Prometheus; None while it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return json.load(response)["data"]
    except OSError:
        return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.needs("prometheus")
def test_prometheus_scrapes_it_and_answers_a_query(tmp_path: Path) -> None:
    ledger = Ledger(1)
    count(ledger, duration=0.02, times=7)

    async def main() -> tuple[Any, Any]:
        async with admin(views(ledger)) as (url, _):
            config = tmp_path / "prometheus.yml"
            config.write_text(CONFIG.format(target=url.removeprefix("http://")))
            prometheus = f"127.0.0.1:{free_port()}"
            process = Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--storage.tsdb.path={tmp_path / 'data'}",
                    f"--web.listen-address={prometheus}",
                    "--enable-feature=exemplar-storage",
                ],
                stdout=DEVNULL,
                stderr=DEVNULL,
            )
            try:
                api = f"http://{prometheus}/api/v1"
                total = "sum(http_server_request_duration_seconds_count)"
                while True:
                    found = await asyncio.to_thread(ask, f"{api}/query?query={total}")
                    if found and found["result"]:
                        break
                    assert process.poll() is None
                    await asyncio.sleep(0.05)
                traces = (
                    f"{api}/query_exemplars?query=http_server_request_duration_seconds_bucket"
                    "&start=1&end=4000000000"
                )
                return found, await asyncio.to_thread(ask, traces)
            finally:
                process.terminate()
                process.wait()

    found, exemplars = run(main())
    assert found["result"][0]["value"][1] == "7"
    [series] = exemplars
    assert USUAL.trace is not None
    assert series["exemplars"][0]["labels"] == {"trace_id": USUAL.trace[0].hex()}
