"""The example model server by itself, and the traffic's client against it."""

from __future__ import annotations

import asyncio

from aiohttp.test_utils import TestClient, TestServer

from agent.demo import rows
from agent.demo.model_server import MODEL, WineModel, make_app
from agent.demo.traffic import Traffic

PATH = f"/v1/models/{MODEL}:predict"


def test_predicts_named_rows_and_refuses_others() -> None:
    async def run() -> None:
        async with TestClient(TestServer(make_app(WineModel()))) as client:
            row = rows.load()[0]
            answer = await client.post(PATH, json={"instances": [row, row]})
            predictions = (await answer.json())["predictions"]
            assert [one["cultivar"] for one in predictions] == ["class_0", "class_0"]
            for bad in ("{}", '{"instances": [{"alcohol": 1}]}', '{"instances": 3}', "[]", "{"):
                assert (await client.post(PATH, data=bad)).status == 400
            assert (await client.post("/v1/models/other:predict", json={})).status == 404
            assert (await client.get("/healthz")).status == 200

    asyncio.run(run())


def test_traffic_sends_each_row_once_and_counts_the_answers() -> None:
    async def run() -> None:
        async with TestClient(TestServer(make_app(WineModel()))) as client:
            traffic = Traffic(client.session, str(client.make_url(PATH)), rows.draw(rows.load(), 1))
            await traffic.run(rate=500, seconds=0.1)
            assert (traffic.sent, traffic.answered, traffic.failed) == (50, 50, 0)

    asyncio.run(run())


def test_traffic_counts_what_failed() -> None:
    async def run() -> None:
        async with TestClient(TestServer(make_app(WineModel()))) as client:
            url = str(client.make_url("/v1/models/other:predict"))
            traffic = Traffic(client.session, url, rows.draw(rows.load(), 1))
            await traffic.run(rate=500, seconds=0.02)
            assert (traffic.answered, traffic.failed) == (0, 10)
            assert traffic.problem.startswith("404 ")

    asyncio.run(run())
