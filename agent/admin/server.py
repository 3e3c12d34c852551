"""The admin server: /metrics, health for people, the API and the page.

Rule: no GET changes anything, and what may be changed is in `orders`. What it shows is given to it
as callables, so that it knows none of the rooms behind them.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from agent.admin import live
from agent.admin.access import guard
from agent.admin.answers import answer
from agent.admin.orders import Orders, add_routes, refusing
from agent.admin.pages import add_page

MAX_BODY = 1 << 20
"""Bytes of a request's body that are taken."""


@dataclass(frozen=True, slots=True)
class Views:
    """What the pages are made of; each is called when its page is asked for."""

    metrics: Callable[[str], tuple[bytes, str]]
    """The exposition and its content type, from an Accept field."""
    health: Callable[[], tuple[bool, dict[str, Any]]]
    ready: Callable[[], tuple[bool, dict[str, Any]]]
    """Whether it is well, and why."""
    status: Callable[[], dict[str, Any]]
    drift: Callable[[], dict[str, Any]]
    exchanges: Callable[[Mapping[str, str]], dict[str, Any]]
    """From the parameters of the query; may raise `orders.Refused`."""
    orders: Orders
    queried: Mapping[str, Callable[[Mapping[str, str]], dict[str, Any]]] = field(
        default_factory=dict
    )
    """Further ones by their path, from the parameters of the query; may raise `orders.Refused`."""
    pages: live.Pages | None = None
    """The last day, and the present."""


def make_app(views: Views, token: str | None) -> web.Application:
    """The application; `token` is `admin.token`."""
    app = web.Application(middlewares=[guard(token)], client_max_size=MAX_BODY)

    async def metrics(request: web.Request) -> web.Response:
        body, content_type = views.metrics(request.headers.get("Accept", ""))
        response = web.Response(body=body, headers={"Content-Type": content_type})
        response.enable_compression()
        return response

    async def exchanges(request: web.Request) -> web.Response:
        return answer(views.exchanges(request.query), 200)

    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", _probe(views.health))
    app.router.add_get("/readyz", _probe(views.ready))
    app.router.add_get("/api/v1/status", _json(views.status))
    app.router.add_get("/api/v1/drift", _json(views.drift))
    app.router.add_get("/api/v1/exchanges", refusing(exchanges))
    for path, view in views.queried.items():
        app.router.add_get(path, refusing(_queried(view)))
    add_routes(app, views.orders)
    add_page(app)
    if views.pages is not None:
        live.add_routes(app, views.pages)
    return app


async def start(
    views: Views, sock: socket.socket, token: str | None, log: logging.Logger
) -> web.AppRunner:
    """Serves on a listening socket, in the running loop; ended by the runner's `cleanup()`."""
    runner = web.AppRunner(
        make_app(views, token),
        access_log=None,
        logger=_own_faults(log),
        handle_signals=False,
        keepalive_timeout=75.0,
        shutdown_timeout=1.0,
    )
    await runner.setup()
    await web.SockSite(runner, sock).start()
    return runner


def _own_faults(log: logging.Logger) -> logging.Logger:
    """For aiohttp: passes on faults of ours, each kind once; what a peer sends is none."""
    told: set[str] = set()

    def is_news(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | ConnectionError):
            return False
        kind = f"{record.msg}: {type(error).__name__}"
        news = kind not in told
        told.add(kind)
        return news

    own = logging.Logger("outrider.admin", logging.WARNING)
    own.parent = log
    own.addFilter(is_news)
    return own


def _probe(
    view: Callable[[], tuple[bool, dict[str, Any]]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_: web.Request) -> web.Response:
        well, body = view()
        return answer(body, 200 if well else 503)

    return handler


def _queried(
    view: Callable[[Mapping[str, str]], dict[str, Any]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        return answer(view(request.query), 200)

    return handler


def _json(view: Callable[[], dict[str, Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_: web.Request) -> web.Response:
        return answer(view(), 200)

    return handler
