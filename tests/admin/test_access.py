"""Who may use the admin port: the token both ways, other sites' pages, other machines."""

from __future__ import annotations

import asyncio
import logging
import socket
from base64 import b64encode
from typing import Any

import aiohttp
import pytest
from yarl import URL

from agent.admin import access, server
from tests.admin.test_server import TOKEN, admin, get, send, views
from tests.ship.sinks import run

API = "/api/v1/status"
ORDERS = [("POST", "/api/v1/drift/acknowledge"), ("PUT", "/api/v1/reference")]
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def basic(password: str, user: str = "any") -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients are on another machine."""
    monkeypatch.setattr(access, "is_loopback", lambda _: False)


@pytest.mark.usefixtures("elsewhere")
def test_a_browser_is_asked_for_the_token_and_may_give_it_as_password() -> None:
    status, headers, _ = run(get("/", TOKEN, Host="pod.example"))
    assert status == 401
    bearer, password = headers.getall("WWW-Authenticate")
    assert bearer.startswith("Bearer ")
    assert password.startswith("Basic ")
    for path in ("/", "/main.js", API):
        assert run(get(path, TOKEN, Host="pod.example", **basic(TOKEN)))[0] == 200
        assert run(get(path, TOKEN, **basic(TOKEN, user="")))[0] == 200


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "given",
    [
        basic("wrong"),
        basic(""),
        basic(TOKEN + "x"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic ???"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Basic " + b64encode(TOKEN.encode()).decode()},  # no user, no colon
        {"Authorization": "Basic /w=="},
        {"Authorization": f"Digest {TOKEN}"},
        {"Authorization": "Bearer " + b64encode(TOKEN.encode()).decode()},
    ],
)
def test_no_other_password_is_let_in(given: dict[str, str]) -> None:
    status, _, body = run(get(API, TOKEN, **given))
    assert status == 401
    assert TOKEN not in body


@pytest.mark.usefixtures("elsewhere")
def test_without_a_token_set_no_browser_asks_in_vain() -> None:
    status, headers, _ = run(get("/", None, **basic("")))
    assert (status, len(headers.getall("WWW-Authenticate"))) == (401, 1)


@pytest.mark.parametrize("away", [False, True], ids=["from loopback", "with the token"])
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", **NAVIGATION}, 403),
        ({"Sec-Fetch-Site": "nonsense"}, 403),
        ({"Origin": "https://attacker.example"}, 403),
        ({"Origin": "https://attacker.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:3000"}, 403),
    ],
)
def test_a_page_of_another_site_can_neither_read_nor_change(
    fields: dict[str, str], status: int, away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if away:
        monkeypatch.setattr(access, "is_loopback", lambda _: False)
        fields = fields | basic(TOKEN)
    assert run(get(API, TOKEN, **fields))[0] == status
    if status == 403:
        for method, path in ORDERS:
            assert run(send(method, path, b"{}", **fields))[0] == 403


def test_a_link_of_another_site_may_be_followed_to_the_page_alone() -> None:
    site = {"Sec-Fetch-Site": "cross-site", **NAVIGATION}
    assert run(get("/", **site))[0] == 200
    assert run(get("/main.js", **site))[0] == 403
    assert run(get("/", **(site | {"Sec-Fetch-Dest": "iframe"})))[0] == 403


def test_a_name_that_was_bound_anew_to_this_machine_is_refused() -> None:
    """DNS rebinding: for the browser it is the same site, only Host tells."""
    given = {"Host": "attacker.example", "Sec-Fetch-Site": "same-origin"}
    for path in ("/", API):
        assert run(get(path, TOKEN, **given))[0] == 403


async def _head(path: str, **fields: str) -> tuple[int, Any, bytes]:
    async with (
        admin(token=TOKEN) as (url, client),
        client.head(url + path, headers=fields) as response,
    ):
        return response.status, response.headers, await response.read()


@pytest.mark.parametrize("path", ["/", API])
def test_head_is_guarded_like_get(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    status, headers, body = run(_head(path))
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 0
    assert run(_head(path, **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
    monkeypatch.setattr(access, "is_loopback", lambda _: False)
    assert run(_head(path))[0] == 401
    assert run(_head(path, **basic(TOKEN)))[0] == 200


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (b"Host: [", 403),
        (b"Host: [::1", 403),
        ("Host: a\u2100b".encode(), 403),
        (b"Host: localhost\r\nOrigin: http://[", 403),
        (b"Host: localhost\r\nOrigin: \xff", 403),
        (b"Host: localhost\r\nAuthorization: Bearer \xff\xfe", 200),
        (b"Host: localhost\r\nAuthorization: Basic \xff\xfe", 200),
    ],
)
def test_fields_of_any_bytes_are_no_fault_of_ours(field: bytes, status: int) -> None:
    async def main() -> bytes:
        async with admin(token=TOKEN) as (url, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
            writer.write(b"GET " + API.encode() + b" HTTP/1.1\r\n" + field + b"\r\n\r\n")
            found = await reader.readline()
            writer.close()
            return found

    assert int(run(main()).split()[1]) == status


def own_address() -> str:
    """An address of this machine that is not loopback; the test is skipped where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


def test_over_the_machines_own_address_all_but_the_open_paths_want_the_token() -> None:
    async def main() -> dict[str, int]:
        sock = socket.create_server(("0.0.0.0", 0))
        runner = await server.start(views(), sock, TOKEN, logging.getLogger("outrider"))
        url = f"http://{own_address()}:{sock.getsockname()[1]}"
        found: dict[str, int] = {}
        try:
            async with aiohttp.ClientSession() as client:
                for path, given in (
                    ("/metrics", {}), ("/", {}), ("/main.js", {}), (API, {}), (API, basic(TOKEN)),
                ):  # fmt: skip
                    async with client.get(url + path, headers=given) as response:
                        found[path + " with the token" * bool(given)] = response.status
        finally:
            await runner.cleanup()
        return found

    assert asyncio.run(main()) == {
        "/metrics": 200, "/": 401, "/main.js": 401, API: 401, f"{API} with the token": 200,
    }  # fmt: skip
