"""Clients and a server that people use, each through its own idea of HTTP/1.1."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import threading

import aiohttp
import httpx
import pytest
from aiohttp import web

from tests.harness import Outrider

BIG = bytes(range(256)) * 20_000


async def echo(asked: web.Request) -> web.Response:
    body = await asked.read()
    return web.json_response(
        {"method": asked.method, "size": len(body), "sha": hashlib.sha256(body).hexdigest()}
    )


async def events(asked: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(asked)
    for n in range(5):
        await answer.write(b"data: %d\n\n" % n)
    await answer.write_eof()
    return answer


async def big(_: web.Request) -> web.Response:
    return web.Response(body=BIG)


@pytest.fixture(scope="module")
def base():
    """An Outrider before a real aiohttp server; gives its base URL."""
    loop = asyncio.new_event_loop()

    async def serve() -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_get("/events", events)
        app.router.add_get("/big", big)
        app.router.add_route("*", "/{tail:.*}", echo)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    runner, port = loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with Outrider(f"http://127.0.0.1:{port}") as proxy:
        yield proxy.url
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def curl(*args: str, data: bytes | None = None) -> bytes:
    command = ["curl", "-sS", "--fail", "--max-time", "20", "--noproxy", "*", *args]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.needs("curl")
@pytest.mark.parametrize(
    "options",
    [
        ["--data-binary", "@-"],
        ["--http1.0", "--data-binary", "@-"],
        ["-H", "Expect: 100-continue", "--data-binary", "@-"],
        ["-H", "Transfer-Encoding: chunked", "--data-binary", "@-"],
        ["-T", "-"],
    ],
    ids=["length", "1.0", "expect", "chunked", "upload"],
)
def test_curl_sends_five_megabytes(base, options):
    got = json.loads(curl(*options, base + "/echo", data=BIG))
    assert (got["size"], got["sha"]) == (len(BIG), digest(BIG))


@pytest.mark.needs("curl")
def test_curl_receives(base):
    assert curl(base + "/big") == BIG
    assert curl("--http1.0", base + "/big") == BIG
    assert curl("-N", base + "/events").count(b"data:") == 5
    assert b"200 OK" in curl("-I", base + "/big")


@pytest.mark.needs("curl")
def test_curl_reuses_its_connection(base):
    out = curl(
        "-w", "%{num_connects} ", "-o", "/dev/null", base + "/a", "-o", "/dev/null", base + "/b"
    )
    assert out.split() == [b"1", b"0"]


def test_aiohttp(base):
    async def chunks():
        for start in range(0, len(BIG), 100_000):
            yield BIG[start : start + 100_000]

    async def run() -> None:
        async with aiohttp.ClientSession(base) as session:
            async with session.post("/echo", data=BIG) as got:
                assert (await got.json())["sha"] == digest(BIG)
            async with session.put("/echo", data=chunks(), expect100=True) as got:
                assert (await got.json())["sha"] == digest(BIG)
            async with session.head("/big") as got:
                assert got.headers["Content-Length"] == str(len(BIG))
            async with session.get("/events") as got:
                assert [line async for line in got.content if line.strip()] == [
                    b"data: %d\n" % n for n in range(5)
                ]
            answers = await asyncio.gather(*[fetch(session, n) for n in range(200)])
            assert answers == list(range(200))

    async def fetch(session: aiohttp.ClientSession, size: int) -> int:
        async with session.post("/echo", data=bytes(size)) as got:
            return (await got.json())["size"]

    asyncio.run(run())


def test_httpx(base):
    with httpx.Client(base_url=base, trust_env=False) as client:
        assert client.post("/echo", content=BIG).json()["sha"] == digest(BIG)
        assert client.get("/big").content == BIG
        assert client.head("/big").headers["content-length"] == str(len(BIG))
        assert client.request("DELETE", "/echo").json()["method"] == "DELETE"
        with client.stream("GET", "/events") as got:
            assert "".join(got.iter_text()).count("data:") == 5
