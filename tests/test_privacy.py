"""Personal data and credentials that clients send are in nothing that Outrider writes or sends.

A whole run, with payload logging and without: requests that carry them in every place there is,
an answer that gives them back, a reference learned from them; then every byte is searched.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from aiohttp import web

from agent.client import Sidecar
from agent.observer.keeping.day_file import unpacked
from agent.report.cli import FORMS
from agent.report.live import live_report
from tests.harness import Outrider, eventually, free_ports, get
from tests.origin import RawOrigin
from tests.ship.receivers import HttpReceiver, http_receiver
from tests.ship.sinks import run
from tests.wire import request, response

MAIL = "jane.q.private@example.com"
CARD = "4111111111111111"
SPACED = "5555 5555 5555 4444"
PHONE = "+491709876543"
IBAN = "DE89370400440532013000"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"
BEARER = "b3arer0fAlice42xyz"
COOKIE = "sessionidhush7777"
API_KEY = "apikeyhush5555"
PASSWORD = "hunterhush2222"
ADDRESS = "203.0.113.77"
PERSONAL = (MAIL, CARD, SPACED, PHONE, IBAN, JWT, ADDRESS)
SECRETS = (*PERSONAL, BEARER, COOKIE, API_KEY, PASSWORD)
PREDICT = b"/v1/models/m:predict"
ROWS = 120
PAGES = (
    "/metrics", "/api/v1/status", "/api/v1/drift", "/api/v1/reference?model=m", "/readyz",
    "/api/v1/overview", "/api/v1/history?hours=1&columns=500", "/api/v1/predictions",
    "/api/v1/exchanges?limit=1000",
)  # fmt: skip
JSON, FORM, TEXT = (b"Content-Type: " + kind for kind in (
    b"application/json", b"application/x-www-form-urlencoded", b"text/plain"))  # fmt: skip


def row(n: int) -> dict[str, Any]:
    return {
        "age": n % 60, "plan": ("gold", "silver")[n % 2], "mail": MAIL, "card": CARD, "iban": IBAN,
        "auth": f"Bearer {BEARER}", "api_key": API_KEY,
        "who": {"password": PASSWORD, "ip": ADDRESS}, "note": f"call {PHONE}",
    }  # fmt: skip


def sent() -> Iterator[bytes]:
    """Requests with secrets in fields, queries, paths, userinfo and bodies of every kind."""
    rows = json.dumps({"instances": [row(n) for n in range(ROWS)]}).encode()
    yield request(b"POST", PREDICT, JSON, body=rows)
    nested = {"a": [{"b": {"c": [*PERSONAL, f"Bearer {BEARER}"], MAIL: 1, "password": PASSWORD}}],
              "number": int(CARD), "session": {"cookie": COOKIE, "api-key": API_KEY}}  # fmt: skip
    yield request(b"POST", PREDICT, JSON, body=json.dumps(nested).encode())
    names = json.dumps({"instances": [{MAIL: n, "age": n} for n in range(3)]}).encode()
    yield request(b"POST", PREDICT, JSON, body=names)
    everything = " ".join(SECRETS).encode()
    form = "&".join(f"f{n}={quote(secret)}" for n, secret in enumerate(SECRETS)).encode()
    yield request(b"POST", PREDICT, FORM, body=form)
    yield request(b"POST", PREDICT, TEXT, body=everything)
    yield request(b"POST", PREDICT, JSON, body=everything)
    for secret in PERSONAL:
        plain, quoted = secret.replace(" ", "+").encode(), quote(secret, safe="").encode()
        yield request(b"GET", b"/users/" + quoted + b"/score")
        yield request(b"GET", PREDICT + b"?who=" + quoted + b"&plain=1")
        yield request(b"GET", PREDICT + b"?" + plain)
        yield request(b"GET", PREDICT, b"User-Agent: bot " + secret.encode())
    yield request(b"GET", b"/v1/models/" + MAIL.encode() + b":predict")
    yield request(b"GET", b"http://jane:" + PASSWORD.encode() + b"@model.test/p")
    for name in (b"api_key", b"key", b"token", b"access_token"):
        yield request(b"GET", PREDICT + b"?" + name + b"=" + API_KEY.encode())
    yield request(b"GET", PREDICT + b"?h=Bearer+" + BEARER.encode())
    for field in (
        b"Authorization: Bearer " + BEARER.encode(),
        b"Proxy-Authorization: Basic " + BEARER.encode(),
        b"Cookie: s=" + COOKIE.encode(),
        b"X-Api-Key: " + API_KEY.encode(),
        b"Referer: https://a:" + PASSWORD.encode() + b"@h/?q=" + MAIL.encode(),
    ):
        yield request(b"POST", PREDICT, JSON, field, body=b"{}")


@pytest.mark.slow
@pytest.mark.parametrize("logged", [False, True], ids=["payloads not logged", "payloads logged"])
def test_nothing_personal_or_secret_is_written_sent_or_served(tmp_path: Path, logged: bool) -> None:
    run(_whole_way(tmp_path, logged))


async def _whole_way(tmp_path: Path, logged: bool) -> None:
    async with AsyncExitStack() as stack:
        loki = await stack.enter_async_context(http_receiver())
        loki.answer = lambda _: web.Response(status=204)
        otlp = await stack.enter_async_context(http_receiver())
        await asyncio.to_thread(_drive, loki, otlp, tmp_path, logged)


def _drive(loki: HttpReceiver, otlp: HttpReceiver, tmp_path: Path, logged: bool) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    state = tmp_path / "state"
    settings: dict[str, Any] = {
        "state_dir": str(state),
        "capture": {"payload_log": logged, "payload_log_bytes": "16KiB"},
        "drift": {"reference": {"learn": {"rows": 100}}, "window": {"rows": 100}},
        "redact": {"key_file": str(key), "rules": [{"built_in": "email", "do": "hash"}]},
        "sinks": {
            "loki": {"type": "loki", "url": loki.url},
            "away": {"type": "loki", "url": f"http://127.0.0.1:{free_ports(1)[0]}"},
        },
    }
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "otlp",
    }
    given = {"predictions": [{"plan": "gold", "mail": MAIL, "cookie": COOKIE} for _ in range(ROWS)]}
    cookie = b"Set-Cookie: s=" + COOKIE.encode()
    answer = response(json.dumps(given).encode(), JSON, cookie)
    with RawOrigin() as origin, Outrider(origin.url, settings, env=env) as proxy:
        # Records that wait for an observer that is still starting would be shed.
        eventually(lambda: proxy.metric("outrider_build_info") == 1, "the observer")
        with origin.serving(answer):
            requests = [*sent()]
            for one in requests:
                with proxy.connect() as client:
                    client.send(one)
                    refused = one.startswith(b"GET http://jane:")
                    assert client.response().status == (400 if refused else 200), one
        eventually(lambda: proxy.stdout().count("\n") == len(requests), "all lines")
        eventually(lambda: get(proxy.admin, PAGES[3]).status == 200, "a learned reference")
        for reader in (loki, otlp):
            eventually(lambda r=reader: r.requests, "what is pushed")
        shown = [*_pictures(proxy), *_reports(proxy)]
        shown += [get(proxy.admin, page).body for page in PAGES]
        assert proxy.metric("outrider_redactions_total", rule="email") > 5
        assert proxy.metric("outrider_redactions_total", rule="credential") >= 4
        assert proxy.stop() == 0
        assert proxy.said("payload logging is on") == logged
        written = [proxy.stdout().encode(), proxy.stderr().encode()]
    pushed = [got.path.encode() + got.unpacked for got in (*loki.requests, *otlp.requests)]
    kept = [path.read_bytes() for path in state.rglob("*") if path.is_file()]
    kept.append(msgspec.json.encode(unpacked((state / "history.bin").read_bytes())))
    _search({"shown": shown, "pushed": pushed, "kept": kept, "written": written}, logged)


def _pictures(proxy: Outrider) -> Iterator[bytes]:
    """Of each column."""
    [model] = [m for m in get(proxy.admin, "/api/v1/drift").json()["models"] if m["model"] == "m"]
    assert len(model["columns"]) > 5
    for column in model["columns"]:
        query = f"model=m&side={column['side']}&name={quote(column['name'])}"
        picture = get(proxy.admin, f"/api/v1/drift/column?{query}")
        assert picture.status == 200, picture.body
        yield picture.body


def _reports(proxy: Outrider) -> Iterator[bytes]:
    """What `outrider report` writes of it."""
    report = live_report(Sidecar(f"http://{proxy.admin[0]}:{proxy.admin[1]}"), 1.8e9, "Outrider")
    yield from (form(report).encode() for form in FORMS.values())


def _search(all_of_it: dict[str, list[bytes]], logged: bool) -> None:
    for where, parts in all_of_it.items():
        whole = b"\n".join(parts)
        for secret in SECRETS:
            forms = {secret, quote(secret, safe=""), secret.replace(" ", "+"), secret[1:]}
            for form in {*forms, secret.replace(" ", ""), secret.replace(" ", "%20")}:
                assert form.encode() not in whole, (where, secret)
    lines = [json.loads(line) for line in all_of_it["written"][0].splitlines()]
    assert {"input" in line for line in lines} == ({False, True} if logged else {False})
    assert b"gold" in b"".join(all_of_it["kept"]), "a reference was learned"
    assert (b"gold" in b"".join(all_of_it["pushed"])) == logged
    assert (b'"input": "' in all_of_it["shown"][-1]) == logged
    assert b'"matched": 0' not in all_of_it["shown"][-1]
    assert b"plan" not in b"".join(part for part in all_of_it["written"] if not logged)
    assert (b'"input":"text/plain' in all_of_it["written"][0]) == logged
