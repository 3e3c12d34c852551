"""The routes that change something: references and what is acknowledged, and nothing else.

Rule: like the pages, these are given what they do as callables; what cannot be done is `Refused`
with its status and a body that names field, value and remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from agent.admin.answers import answer

MAX_ORDER = 1 << 16
"""Bytes of an order's body that are taken."""
MAX_PROFILE = 16 << 20
"""Bytes of a profile's."""


class Refused(Exception):
    """Nothing was changed; `body` says why."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(body.get("error", status))
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Orders:
    """What may be asked for; each may raise Refused."""

    acknowledge: Callable[[bytes], dict[str, Any]]
    """From a body."""
    reference: Callable[[str | None, str | None], tuple[bytes, str]]
    """Bytes of the profile in use, and its hash, by a model's name and version."""
    publish: Callable[[str | None, str | None, bytes, str, str], dict[str, Any]]
    """From a model's name and version, a body, by whom and a note."""


def add_routes(app: web.Application, orders: Orders) -> None:
    """`/api/v1/drift/acknowledge` and `/api/v1/reference`."""

    async def acknowledge(request: web.Request) -> web.Response:
        return answer(orders.acknowledge(await _body(request, MAX_ORDER)), 200)

    async def get_reference(request: web.Request) -> web.Response:
        query = request.query
        profile, hashed = orders.reference(query.get("model"), query.get("version"))
        headers = {"ETag": f'"{hashed}"', "Cache-Control": "no-store"}
        return web.Response(body=profile, content_type="application/json", headers=headers)

    async def put_reference(request: web.Request) -> web.Response:
        query = request.query
        body = await _body(request, MAX_PROFILE)
        who = query.get("by", "")[:200], query.get("note", "")[:1000]
        of = query.get("model"), query.get("version")
        return answer(orders.publish(*of, body, *who), 200)

    app.router.add_post("/api/v1/drift/acknowledge", refusing(acknowledge))
    app.router.add_get("/api/v1/reference", refusing(get_reference))
    app.router.add_put("/api/v1/reference", refusing(put_reference))


def refusing(handler: Any) -> Any:
    """The handler, whose `Refused` become answers."""

    async def careful(request: web.Request) -> web.Response:
        try:
            made: web.Response = await handler(request)
            return made
        except Refused as refused:
            return answer(refused.body, refused.status)

    return careful


async def _body(request: web.Request, most: int) -> bytes:
    """The request's body. Raises Refused over `most` bytes."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > most:
            remedy = f"send at most {most} bytes"
            said = {"error": f"body: {remedy}", "field": "body", "value": None, "remedy": remedy}
            raise Refused(413, said)
    return bytes(body)
