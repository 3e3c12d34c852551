"""A model server that does all that a dashboard can show, in a thread of the test.

Rule: what it answers is decided by the path and by the request alone. It takes what the sidecars
send away too: pushes of logs and spans.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from aiohttp import web

CHAT = "/v1/chat/completions"
PUSH = "/loki/api/v1/push"
PUSHED = web.AppKey("pushed", list[Any])


class Running(NamedTuple):
    """The server while it runs."""

    url: str
    streams: list[Any]
    """What was pushed to it as to Loki: labels under `stream`, and `values`."""


def chance(age: float) -> float:
    """What the model predicts."""
    return 1 / (1 + math.exp(-age / 40))


async def churn(request: web.Request) -> web.Response:
    """Open Inference: a score for each age, by the version that the request's id is."""
    try:
        asked = await request.json()
    except ValueError:  # it takes anything; a sidecar does not
        asked = {"id": "1", "inputs": [{"name": "age", "data": [40.0]}]}
    if asked["id"] == "fail":
        return web.json_response({"error": "the model is not loaded"})
    [ages] = [tensor["data"] for tensor in asked["inputs"] if tensor["name"] == "age"]
    scores = [chance(age) for age in ages]
    both = [part for score in scores for part in (score, 1 - score)]
    answer = {
        "model_name": "churn",
        "model_version": asked["id"],
        "outputs": [
            {"name": "score", "shape": [len(ages), 1], "datatype": "FP64", "data": scores},
            {"name": "chances", "shape": [len(ages), 2], "datatype": "FP64", "data": both},
        ],
    }
    return web.json_response(answer)


async def loans(request: web.Request) -> web.Response:
    """A route with business values."""
    asked = await request.json()
    return web.json_response({"approved": asked["amount"] < 500, "limit": asked["amount"] * 2})


async def broken(_: web.Request) -> web.Response:
    return web.json_response({"error": "out of memory"}, status=500)


async def silent(request: web.Request) -> web.Response:
    """Status 200, and no prediction."""
    try:
        asked = await request.json()
    except ValueError:
        return web.json_response({"error": "no JSON"}, status=400)
    if asked["instances"][0]["x"] % 2:
        return web.json_response({"error": "the model is not loaded"})
    return web.json_response({"predictions": [None]})


async def chat(request: web.Request) -> web.StreamResponse:
    """A language model's answer, event by event; slowly, if it is asked for many tokens."""
    asked = await request.json()
    pause = 0.02 if asked["max_tokens"] > 100 else 0.001
    stream = web.StreamResponse(headers={"content-type": "text/event-stream"})
    with suppress(ConnectionResetError):  # its reader may go
        await stream.prepare(request)
        await speak(stream, pause, is_cut=asked["max_tokens"] == 50)
    return stream


async def speak(stream: web.StreamResponse, pause: float, is_cut: bool) -> None:
    """Five events and the end mark of the API, which a stream that is cut lacks."""
    for n in range(5):
        choice: dict[str, object] = {"index": 0, "delta": {"content": f"word {n}"}}
        choice["finish_reason"] = "stop" if n == 4 else None
        document: dict[str, object] = {"id": "c", "model": "parrot", "choices": [choice]}
        if n == 4:
            document["usage"] = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        await stream.write(b"data: " + json.dumps(document).encode() + b"\n\n")
        await asyncio.sleep(pause)
    if not is_cut:
        await stream.write(b"data: [DONE]\n\n")


async def image(_: web.Request) -> web.Response:
    return web.json_response({"predictions": [0.5]})


async def told(_: web.Request) -> web.Response:
    """What a server of language models says of itself, in the form of vLLM's page."""
    waits, runs = "vllm:num_requests_waiting", "vllm:num_requests_running"
    cache = "vllm:kv_cache_usage_perc"
    values = {waits: 3, runs: 5, cache: 0.25, "vllm:odd": 1}
    lines = [f'# TYPE {name} gauge\n{name}{{engine="0"}} {n}\n' for name, n in values.items()]
    return web.Response(text="".join(lines))


async def taken(request: web.Request) -> web.Response:
    """A sink's answer: a collector's, Loki's, or that of a Loki which refuses."""
    body = await request.read()
    if request.path == PUSH:
        request.app[PUSHED].extend(json.loads(body)["streams"])
    return web.Response(
        status={"/v1/traces": 200, "/hook": 200, "/refusing": 400}.get(request.path, 204)
    )


def application() -> web.Application:
    app = web.Application()
    app[PUSHED] = []
    app.router.add_post("/v2/models/churn/infer", churn)
    app.router.add_post("/score", loans)
    app.router.add_post("/v1/models/broken:predict", broken)
    app.router.add_post("/v1/models/silent:predict", silent)
    app.router.add_post(CHAT, chat)
    app.router.add_post("/v1/models/eye:predict", image)
    app.router.add_post(PUSH, taken)
    app.router.add_post("/refusing", taken)
    app.router.add_post("/hook", taken)
    app.router.add_get("/metrics", told)
    app.router.add_post("/v1/traces", taken)
    return app


async def _end(runner: web.AppRunner) -> None:
    await runner.cleanup()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def model_server() -> Iterator[Running]:
    """It runs."""
    loop = asyncio.new_event_loop()
    app = application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def begin() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    port = loop.run_until_complete(begin())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{port}", app[PUSHED])
    finally:
        asyncio.run_coroutine_threadsafe(_end(runner), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
