"""JSON answers, all of one kind."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def answer(body: dict[str, Any], status: int) -> web.Response:
    """Indented for people; not to be kept by caches."""
    return web.Response(
        body=msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n",
        status=status,
        content_type="application/json",
        headers=NO_STORE,
    )
