"""The load of a real model server that takes so many at a time, as a real sidecar sees it."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.harness import Outrider, eventually, get

SLOTS = 2
SERVICE = 0.03
WAIT = 40.0
"""Seconds that a level may take to be seen on a busy machine."""


@contextmanager
def slotted_server() -> Iterator[str]:
    """Its URL; it works at SLOTS requests at a time, each for SERVICE seconds."""
    loop, address = asyncio.new_event_loop(), []
    ready, end = threading.Event(), asyncio.Event()

    async def serve() -> None:
        slots = asyncio.Semaphore(SLOTS)

        async def predict(_: web.Request) -> web.Response:
            async with slots:
                await asyncio.sleep(SERVICE)
            return web.json_response({"predictions": [0.5, 0.25]})

        app = web.Application()
        app.router.add_post("/v1/models/m:predict", predict)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.append(runner.addresses[0][1])
        ready.set()
        await end.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield f"http://127.0.0.1:{address[0]}"
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()


@contextmanager
def clients(proxy: Outrider, number: int) -> Iterator[None]:
    """So many that each ask again once they have their answer."""
    stop = threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection(*proxy.address)
        body = b'{"instances": [{"age": 39}, {"age": 40}]}'
        while not stop.is_set():
            connection.request("POST", "/v1/models/m:predict", body)
            connection.getresponse().read()
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def load(proxy: Outrider) -> dict[str, Any]:
    found = get(proxy.admin, "/api/v1/status").json()["load"]
    assert isinstance(found, dict)
    return found


def seen(proxy: Outrider, concurrency: float) -> bool:
    """Whether the table has a level of so many in flight, seen for long enough."""
    return any(0.8 < level["concurrency"] / concurrency < 1.25 for level in load(proxy)["levels"])


@pytest.mark.slow
def test_a_full_server_is_seen_as_full(start) -> None:
    with slotted_server() as url:
        proxy = start(url, {"host": {"sample": "1s"}})
        for number in (1, 8):
            with clients(proxy, number):
                eventually(lambda n=number: seen(proxy, n), f"{number} in flight to be seen", WAIT)
                assert load(proxy)["concurrency_limit"] is None
        with clients(proxy, 20):
            eventually(lambda: load(proxy)["concurrency_limit"], "the limit to be known", WAIT)
            found = eventually(
                lambda: told if (told := load(proxy))["queue"] > 10 else None, "a queue", WAIT
            )
            metrics = proxy.metrics()
            overview = get(proxy.admin, "/api/v1/overview").json()["load"]
    assert found["concurrency_limit"] == pytest.approx(SLOTS, rel=0.5)
    assert found["in_flight"] >= 15
    assert found["saturation"] > 1
    assert found["predictions_counted"] == "rows"
    assert 0 < found["cpu_seconds_per_prediction"] < 1
    assert found["rows_per_second"]["m"] > found["requests_per_second"]
    assert overview["saturation"] > 1
    assert overview["queue"] > 10
    assert overview["rows_per_second"] > 0
    assert metrics.value("outrider_load_concurrency_limit") == pytest.approx(SLOTS, rel=0.5)
    assert metrics.value("outrider_load_saturation_ratio") > 1
    assert metrics.value("outrider_load_queue_requests") > 10
    assert metrics.value("outrider_load_concurrency") > 2
    rows, requests = "outrider_load_rows_total", "http_server_request_duration_seconds_count"
    assert metrics.value(rows, model="m") > metrics.value(requests) > 100
