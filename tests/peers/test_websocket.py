"""WebSocket through Outrider is WebSocket without it: the Autobahn cases, and what they leave out.

`kosoku` plays the Autobahn cases (a client that sends every odd frame there is) at an echo server,
once directly and once through Outrider; each case's two verdicts must be the same in both runs.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

import pytest
from kosoku import FailureError, run_fuzzingclient
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.harness import Outrider

LONG = ["9.*", "12.*", "13.*"]
"""Large messages and compression: minutes."""
QUICK_CASES, ALL_CASES = 247, 517


class Urls(NamedTuple):
    direct: str
    proxied: str


async def echo(connection: ServerConnection) -> None:
    """Sends back what comes; `drop` cuts the connection."""
    with suppress(ConnectionClosed):
        async for message in connection:
            if message == "drop":
                connection.transport.abort()
                return
            await connection.send(message)


@pytest.fixture(scope="module")
def urls() -> Iterator[Urls]:
    """An echo server in a loop of its own, and an Outrider before it."""
    loop = asyncio.new_event_loop()

    async def listen():
        return await serve(echo, "127.0.0.1", 0, max_size=None, ping_interval=None)

    async def stop(server) -> None:
        server.close()
        await server.wait_closed()

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(loop.run_forever)
        server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
        port = server.sockets[0].getsockname()[1]
        with Outrider(f"http://127.0.0.1:{port}") as proxy:
            yield Urls(f"ws://127.0.0.1:{port}", f"ws://127.0.0.1:{proxy.address[1]}")
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        running.result(10)
    loop.close()


def verdicts(
    url: str, only: list[str] | None = None, without: list[str] | None = None
) -> dict[str, tuple[str, str]]:
    """How the server behaved in each case, and how it closed."""

    async def play():
        try:
            return await run_fuzzingclient(url, only, without, concurrency=4)
        except FailureError as failed:
            return failed.results

    played = asyncio.run(play())
    return {one.case_id: (one.behavior.value, one.behavior_close.value) for one in played}


def compare(urls: Urls, count: int, without: list[str] | None) -> None:
    """All verdicts are the same; a few hang on who is faster, and those are asked again."""
    direct, proxied = (verdicts(url, None, without) for url in urls)
    assert len(direct) == len(proxied) == count
    for _ in range(3):
        if not (differ := [case for case in direct if direct[case] != proxied[case]]):
            return
        assert len(differ) <= 5, differ
        direct, proxied = (verdicts(url, differ) for url in urls)
    assert proxied == direct


@pytest.mark.slow
def test_every_verdict_is_that_of_the_direct_run(urls):
    compare(urls, QUICK_CASES, LONG)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_every_verdict_of_the_whole_suite_is_that_of_the_direct_run(urls):
    compare(urls, ALL_CASES, None)


def both(urls: Urls, talk) -> None:
    """The talk has the same outcome with and without Outrider."""
    heard = []
    for url in urls:
        with connect(url, max_size=None) as socket:
            heard.append(talk(socket))
    assert heard[0] == heard[1]


def test_compression_is_agreed_between_the_ends(urls):
    def talk(socket: ClientConnection):
        socket.send("a" * 100_000)
        offered = [str(one) for one in socket.protocol.extensions]
        return socket.recv(), offered, socket.response.headers["Sec-WebSocket-Extensions"]

    both(urls, talk)
    with connect(urls.proxied) as socket:
        assert "permessage-deflate" in socket.response.headers["Sec-WebSocket-Extensions"]


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_sixteen_megabytes_in_one_message(urls, compression):
    block = os.urandom(4 << 10) * (4 << 10)
    with connect(urls.proxied, max_size=None, compression=compression) as socket:
        socket.send(block)
        assert socket.recv() == block


def test_fragments_text_and_binary_and_pings_between_them(urls):
    def talk(socket: ClientConnection):
        def pieces():
            for n in range(3):
                assert socket.ping(f"ping {n}").wait(5)
                yield f"piece {n} "

        socket.send(pieces())
        first = socket.recv()
        socket.send(iter([b"\x00", b"\xff" * 70_000, b""]))
        return first, socket.recv()

    both(urls, talk)


@pytest.mark.parametrize("code", [1000, 1001, 1008, 3000, 4999])
def test_close_codes_pass_both_ways(urls, code):
    with connect(urls.proxied) as socket:
        socket.send("last words")
        socket.close(code, "grüße")
        assert socket.protocol.close_rcvd.code == code
        assert socket.protocol.close_rcvd.reason == "grüße"


def test_an_abrupt_end_is_no_clean_close(urls):
    def talk(socket: ClientConnection):
        socket.send("drop")
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv()
        return caught.value.rcvd

    both(urls, talk)
