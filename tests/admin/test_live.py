"""Open pages: one event for all of them, none while there is none, and none may hold up another."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agent.admin import live, server
from agent.admin.live import BEAT, MOST, Live, Pages
from tests.admin.test_server import views
from tests.ship.sinks import run, until

QUICK = 0.01
STRANGE: tuple[dict[str, str], ...] = (
    {},
    {"Origin": "https://attacker.example"},
    {"Host": "attacker.example"},
)


class Overviews:
    """Counts how often one was made."""

    def __init__(self, size: int = 0) -> None:
        self.made = 0
        self.size = size
        self.fails = False

    def __call__(self) -> dict[str, Any]:
        self.made += 1
        if self.fails:
            raise ValueError
        return {"number": self.made, "filler": "x" * self.size}


@asynccontextmanager
async def serving(pages: Live) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/live", pages.page)
    app.on_shutdown.append(pages.end)
    runner = web.AppRunner(app, shutdown_timeout=3600)
    await runner.setup()
    sock = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, sock).start()
    yield f"http://127.0.0.1:{sock.getsockname()[1]}/live"
    await runner.cleanup()


async def number(response: aiohttp.ClientResponse) -> int:
    """Of the next event."""
    while not (line := await response.content.readline()).startswith(b"data: "):
        assert line
    return int(json.loads(line[6:])["number"])


def test_one_event_is_made_for_all_pages_and_none_without() -> None:
    async def main() -> None:
        overviews = Overviews()
        pages = Live(overviews, QUICK)
        async with serving(pages) as url, aiohttp.ClientSession() as client:
            assert overviews.made == 0
            opened = [await client.get(url) for _ in range(5)]
            first = [await number(response) for response in opened]
            assert opened[0].headers["Content-Type"] == "text/event-stream"
            assert opened[0].headers["Cache-Control"] == "no-store"
            for _ in range(20):
                numbers = [await number(response) for response in opened]
            assert max(first) <= 5
            assert overviews.made <= max(numbers) + 5 < 5 * 20  # not one a page
            for response in opened:
                response.close()
            await until(lambda: not pages.pages)
            made = overviews.made
            await asyncio.sleep(5 * QUICK)
            assert overviews.made <= made + 1

    run(main())


def test_what_a_new_page_gets_first_is_the_last_event() -> None:
    async def main() -> None:
        overviews = Overviews()
        async with serving(Live(overviews, every=60)) as url, aiohttp.ClientSession() as client:
            for _ in range(3):
                assert await number(await client.get(url)) == 1
            assert overviews.made == 1

    run(main())


def test_a_page_too_many_is_told_so() -> None:
    async def main() -> None:
        async with (
            serving(Live(Overviews(), QUICK)) as url,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client,
        ):
            opened = [await client.get(url) for _ in range(MOST)]
            refused = await client.get(url)
            assert (refused.status, (await refused.json())["field"]) == (503, "pages")
            opened[0].close()
            async with asyncio.timeout(10):
                while (again := await client.get(url)).status != 200:
                    again.close()
            assert await number(again) > 0

    run(main())


def test_who_does_not_read_is_cut_off_and_holds_up_nobody() -> None:
    async def main() -> None:
        pages = Live(Overviews(size=100_000), QUICK)
        async with serving(pages) as url, aiohttp.ClientSession() as client:
            host, port = url.split("/")[2].split(":")
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await asyncio.to_thread(deaf.connect, (host, int(port)))
            deaf.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await until(lambda: pages.pages == 1)
            reader = await client.get(url)
            while pages.pages == 2:
                await number(reader)
            assert pages.pages == 1
            assert await number(reader)
            deaf.close()

    run(main())


def test_a_fault_is_a_comment_and_the_next_event_comes() -> None:
    async def main() -> None:
        overviews = Overviews()
        overviews.fails = True
        async with serving(Live(overviews, QUICK)) as url, aiohttp.ClientSession() as client:
            response = await client.get(url)
            await response.content.readuntil(BEAT)
            overviews.fails = False
            assert await number(response) > 1

    run(main())


def test_all_end_at_once_with_the_server() -> None:
    async def main() -> None:
        pages = Live(Overviews(), every=3600)
        async with aiohttp.ClientSession() as client:
            async with serving(pages) as url:
                opened = [await client.get(url) for _ in range(3)]
                for response in opened:
                    await number(response)
            # and not after the hour that a handler may take
            for response in opened:
                with pytest.raises((aiohttp.ClientError, EOFError, AssertionError)):
                    await number(response)
            assert pages.pages == 0

    run(main())


@pytest.mark.parametrize("path", ["/api/v1/overview", "/api/v1/history", "/api/v1/live"])
def test_a_page_of_another_site_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> tuple[int, int, int]:
        sock = socket.create_server(("127.0.0.1", 0))
        made = views()
        object.__setattr__(made, "pages", Pages(lambda: {"a": 1}, lambda query: {"b": dict(query)}))
        runner = await server.start(made, sock, None, logging.getLogger("outrider"))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}{path}"
        found = []
        async with aiohttp.ClientSession() as client:
            for headers in (
                {},
                {"Origin": "https://attacker.example"},
                {"Host": "attacker.example"},
            ):
                async with client.get(url, headers=headers) as response:
                    found.append(response.status)
        await runner.cleanup()
        return tuple(found)

    monkeypatch.setattr(live, "EVERY", QUICK)
    assert run(main()) == (200, 403, 403)


def test_nobody_asks_for_the_head_of_what_never_ends() -> None:
    async def main() -> int:
        sock = socket.create_server(("127.0.0.1", 0))
        made = views()
        object.__setattr__(made, "pages", Pages(lambda: {"a": 1}, lambda query: {"b": dict(query)}))
        runner = await server.start(made, sock, None, logging.getLogger("outrider"))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/api/v1/live"
        async with aiohttp.ClientSession() as client, client.head(url) as response:
            found = response.status
        await runner.cleanup()
        return found

    assert run(main()) == 405
