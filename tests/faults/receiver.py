"""Collector and Loki in one, which can be told to fail in the ways that such do.

Rule: what it has answered with success is what counts as delivered, and is counted by itself. Run
as a program it prints its port; `GET /mode/NAME` sets what it does, `GET /counts` tells what came.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.harness import ROOT, get

REFUSALS = {"busy": 503}
MODES = ("well", "hanging", *REFUSALS)


class Receiver:
    def __init__(self) -> None:
        self.mode = "well"
        self.counts: Counter[str] = Counter()
        self._changed = asyncio.Condition()

    async def push(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        async with self._changed:
            await self._changed.wait_for(lambda: self.mode != "hanging")
        if request.transport is None or request.transport.is_closing():
            return web.Response(status=503)  # the sender gave this try up long ago
        if self.mode in REFUSALS:
            return web.Response(status=REFUSALS[self.mode])
        if request.path.startswith("/loki"):
            streams = json.loads(body)["streams"]
            self.counts["lines"] += sum(len(stream["values"]) for stream in streams)
            return web.Response(status=204)
        traces = ExportTraceServiceRequest.FromString(body)
        for resource in traces.resource_spans:
            for scope in resource.scope_spans:
                self.counts["spans"] += len(scope.spans)
        return web.Response()

    async def set_mode(self, request: web.Request) -> web.Response:
        async with self._changed:
            self.mode = request.match_info["name"]
            self._changed.notify_all()
        return web.Response()

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response(self.counts)


class Handle:
    """The receiver as seen from the test."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{port}"

    def mode(self, name: str) -> None:
        assert name in MODES
        assert get(self._address, f"/mode/{name}").status == 200

    def counts(self) -> Counter[str]:
        return Counter(get(self._address, "/counts").json())


@contextmanager
def receiver() -> Iterator[Handle]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.receiver"], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield Handle(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def serve() -> None:
    own = Receiver()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_get("/mode/{name}", own.set_mode)
    app.router.add_get("/counts", own.show)
    app.router.add_post("/{path:.*}", own.push)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
