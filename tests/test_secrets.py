"""G28: planted secrets appear in nothing that Outrider writes or sends, but to whom they belong.

Each secret is a word of its own. A whole run: spans by OTLP and lines by Loki, a sink that is away,
requests that pass, that are refused and that could not be read; then every byte is searched.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from agent.settings.building import ConfigError
from agent.settings.loading import Override, load
from tests.harness import Outrider, eventually, free_ports, get
from tests.origin import RawOrigin
from tests.ship.receivers import HttpReceiver, http_receiver
from tests.ship.sinks import run
from tests.wire import chunked, request, response

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PAGES = (
    "/metrics", "/healthz", "/readyz", "/api/v1/status", "/api/v1/drift", "/api/v1/overview",
    "/api/v1/history", "/nowhere",
)  # fmt: skip
PASSED = 16
"""Requests of `good`."""


class Planted:
    """Makes secrets, each another word."""

    def __init__(self) -> None:
        self._numbers = count()
        self.all: list[bytes] = []

    def __call__(self) -> bytes:
        secret = b"hush%04dhush" % next(self._numbers)
        self.all.append(secret)
        return secret

    def found_in(self, data: bytes) -> list[bytes]:
        return [one for one in self.all if one in data or base64.b64encode(one)[:-4] in data]


def good(hush: Planted) -> Iterator[bytes]:
    """Requests that pass, with secrets where clients put them."""
    for name in (
        b"Authorization: Bearer ", b"Authorization: Basic ", b"Cookie: session=", b"X-Api-Key: ",
        b"Proxy-Authorization: Basic ", b"X-Amz-Security-Token: ", b"X-Anything: ",
        b"Referer: /?a=",
    ):  # fmt: skip
        yield request(b"POST", b"/v1/models/m:predict", name + hush(), body=b"{}")
    for name in (
        b"token", b"api_key", b"password", b"X-Amz-Signature", b"a=1&access%5Ftoken", b"sig",
        b"code",
    ):  # fmt: skip
        yield request(b"GET", b"/v1/models/m?" + name + b"=" + hush() + b"&plain=1")
    yield request(b"POST", b"/t", b"Transfer-Encoding: chunked") + chunked(
        b"{}", trailers=b"X-Sum: " + hush() + b"\r\n"
    )


def bad(hush: Planted) -> Iterator[bytes]:
    """Requests that are refused; the last three could not even be read."""
    host = b"\r\nHost: model.test\r\n"
    yield b"GET http://user:" + hush() + b"@model.test/ HTTP/1.1" + host + b"\r\n"
    yield b"GET http://user:" + hush() + b"@model.test/?a HTTP/1.0\r\n\r\n"
    yield b"CONNECT user:" + hush() + b"@model.test:443 HTTP/1.1" + host + b"\r\n"
    yield b"GET user:" + hush() + b" HTTP/1.1" + host + b"\r\n"
    yield b"GET / HTTP/1.1\r\nHost: user:" + hush() + b"@model.test\r\n\r\n"
    yield b"GET /?key=" + hush() + b" HTTP/1.1" + host + b"Host: b\r\n\r\n"
    yield b"GET / HTTP/1.1" + host + b"Authorization : " + hush() + b"\r\n\r\n"
    yield b"GET /?" + hush() + b" HTTP/7" + host + b"\r\n"
    yield hush() + b"\r\n\r\n"


@pytest.mark.slow
def test_no_secret_is_written_or_sent(tmp_path: Path) -> None:
    run(_whole_way(tmp_path))


async def _whole_way(tmp_path: Path) -> None:
    hush = Planted()
    async with AsyncExitStack() as stack:
        loki = await stack.enter_async_context(http_receiver())
        loki.answer = lambda _: web.Response(status=204)
        otlp = await stack.enter_async_context(http_receiver())
        await asyncio.to_thread(_drive, hush, loki, otlp, tmp_path)


def _drive(hush: Planted, loki: HttpReceiver, otlp: HttpReceiver, tmp_path: Path) -> None:
    away = f"127.0.0.1:{free_ports(1)[0]}"
    word = lambda: hush().decode()  # noqa: E731
    settings: dict[str, Any] = {
        "admin": {"token": word()},
        "state_dir": str(tmp_path),
        "sinks": {
            "loki": {"type": "loki", "url": loki.url, "token": word()},
            "away": {"type": "loki", "url": f"http://{away}", "headers": {"X-Key": word()}},
        },
    }
    mail = {"type": "email", "host": "127.0.0.1", "port": int(away.rpartition(":")[2])}
    settings["alerts"] = {
        "to": {
            "ops": {"type": "slack", "url": f"http://{away}/services/{word()}"},
            "am": {"type": "alertmanager", "url": f"http://{away}", "token": word()},
            "mail": {**mail, "user": "me", "password": word(), "sender": "a@b.c", "to": ["d@e.f"]},
        }
    }
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {word()}",
    }
    answer = response(
        b"{}", *[name + b": " + hush() for name in (b"Set-Cookie", b"X-Token", b"Location")]
    )
    with RawOrigin() as origin, Outrider(origin.url, settings, env=env) as proxy:
        with origin.serving(answer) as seen:
            sent = [_ask(proxy, one) for one in good(hush)]
            assert sent == [200] * PASSED
            refused = [_ask(proxy, one) for one in bad(hush)]
            assert {400, 405} == set(refused)
        assert len(seen) == PASSED, "what is refused is not passed on"
        lines = PASSED + len(refused)
        eventually(lambda: proxy.stdout().count("\n") == lines, f"{lines} lines")
        for reader in (loki, otlp):
            eventually(lambda r=reader: r.requests, "what is pushed")
        eventually(lambda: "away" in proxy.stderr(), "the sink that is away to be told")
        shown = [get(proxy.admin, page).body for page in PAGES]
        shown.append(get(proxy.admin, "/metrics", Accept=OPENMETRICS).body)
        shown += [get(proxy.health, page).body for page in ("/healthz", "/readyz")]
        for page in PAGES[3:]:
            assert get(proxy.admin, page, Host="attacker.example").status == 403
            assert get(proxy.admin, page, Origin="http://attacker.example").status == 403
        assert proxy.stop() == 0
        written = [proxy.stdout().encode(), proxy.stderr().encode()]
    pushed = [got.path.encode() + got.unpacked for got in (*loki.requests, *otlp.requests)]
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert all(written)
    whole = b"\n".join([*shown, *pushed, *kept, *written])
    assert len(hush.all) >= 20
    assert b"/v1/models/m" in whole
    assert b"plain=1" in whole, "the query is there, less what is redacted"
    assert b"user@" not in whole
    assert hush.found_in(whole) == []


def _ask(proxy: Outrider, sent: bytes) -> int:
    with proxy.connect() as client:
        client.send(sent)
        return client.response().status


def test_a_setting_with_a_password_in_its_url_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {}, [Override("--upstream", ("upstream",), "http://user:hidden@127.0.0.1")])
    assert "hidden" not in str(caught.value)


def test_nothing_listens_beyond_this_machine_by_default() -> None:
    config = load(None, {}, [Override("--upstream", ("upstream",), "http://127.0.0.1:8000")])
    for address in (config.listen, config.admin.listen, config.health):
        assert address.startswith("127.0.0.1:")
