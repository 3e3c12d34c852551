"""Live pages: one event every `EVERY` seconds to all that are open, as server-sent events.

Rule: made once and encoded once for all of them, and only while there is one; no page holds up
another, and none is waited for: who does not read is cut off. Bounded: `MOST` pages, each with
`WAITING` events in hand beside what its socket holds. All end at once when the server does.

Source: the HTML standard, server-sent events.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from agent.admin.answers import NO_STORE, answer
from agent.admin.orders import refusing

EVERY = 2.0
MOST = 64
WAITING = 3
SOCKET_BYTES = 1 << 16
"""That the kernel may hold for a page that does not read."""
RETRY = b"retry: 2000\n\n"
BEAT = b": still here\n\n"
HEADERS = {**NO_STORE, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
FULL = {
    "error": f"{MOST} pages are open already",
    "field": "pages",
    "value": MOST,
    "remedy": "close one, or ask for /api/v1/overview instead",
}


class Live:
    """All pages that are open."""

    def __init__(self, make: Callable[[], dict[str, Any]], every: float = EVERY) -> None:
        """`make`: what each event holds; if it raises, which is its affair to tell, a comment is
        sent in its place."""
        self._make = make
        self._every = every
        self._pages: dict[asyncio.Queue[bytes], asyncio.Task[Any] | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._last = b""
        self._over = False

    @property
    def pages(self) -> int:
        """How many are open."""
        return len(self._pages)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """One page, until it leaves, is cut off, or all end."""
        if self.pages >= MOST or self._over:
            return answer(FULL, 503)
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._pages[queue] = asyncio.current_task()
        try:
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._run())
            elif self._last:
                queue.put_nowait(self._last)
            return await self._send(request, queue)
        finally:
            del self._pages[queue]
            if not self._pages:
                self._stop()

    async def _send(self, request: web.Request, queue: asyncio.Queue[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        _narrow(request.transport)
        await response.prepare(request)
        try:
            await response.write(RETRY)
            while True:
                await response.write(await queue.get())
        except (ConnectionError, asyncio.CancelledError):
            if request.transport is not None:
                request.transport.abort() if queue.full() else request.transport.close()
        return response

    async def _run(self) -> None:
        while True:
            try:
                data = msgspec.json.encode(self._make())
                self._last = b"event: overview\ndata: " + data + b"\n\n"
            except Exception:  # a page that shows nothing new is better than one that ends
                self._last = BEAT
            for queue, task in [*self._pages.items()]:
                if queue.full() and task is not None:
                    task.cancel()
                elif not queue.full():
                    queue.put_nowait(self._last)
            await asyncio.sleep(self._every)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task, self._last = None, b""

    async def end(self, _: web.Application | None = None) -> None:
        """Ends all pages; more are not taken."""
        self._over = True
        tasks = [task for task in self._pages.values() if task is not None]
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        self._stop()


@dataclass(frozen=True, slots=True)
class Pages:
    """What the page for people is made of."""

    overview: Callable[[], dict[str, Any]]
    history: Callable[[Mapping[str, str]], dict[str, Any]]
    """From the parameters of the query; may raise `orders.Refused`."""


def add_routes(app: web.Application, pages: Pages) -> None:
    """`/api/v1/overview`, `/api/v1/history` and `/api/v1/live`."""
    live = Live(pages.overview)

    async def overview(_: web.Request) -> web.Response:
        return answer(pages.overview(), 200)

    async def history(request: web.Request) -> web.Response:
        body = msgspec.json.encode(pages.history(request.query))  # a line a number would be much
        response = web.Response(body=body, content_type="application/json", headers=NO_STORE)
        response.enable_compression()
        return response

    app.router.add_get("/api/v1/overview", overview)
    app.router.add_get("/api/v1/history", refusing(history))
    app.router.add_get("/api/v1/live", live.page, allow_head=False)  # it would not end
    app.on_shutdown.append(live.end)


def _narrow(transport: asyncio.Transport | None) -> None:
    """What a page that does not read may leave in memory."""
    if transport is None:
        return
    transport.set_write_buffer_limits(high=SOCKET_BYTES)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
