"""Who may use what of the admin port.

Rule: loopback may use all of it; from elsewhere everything but the open paths needs the token,
and without a token set it is closed. A page in a browser on this machine is not loopback's user:
it comes with the name of its own site in Host (DNS rebinding) or Origin, and is refused.
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

OPEN = frozenset(("/metrics", "/healthz", "/readyz"))


def guard(token: str | None) -> Middleware:
    """The middleware that refuses what the rule does not allow."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN or _has_token(request, token):
            return await handler(request)
        if not is_loopback(request.remote):
            return _refuse(401, "from another machine this needs Authorization: Bearer admin.token")
        if not names_this_host(request.headers.get("Host", "")) or not _same_site(request):
            return _refuse(403, "Host or Origin does not name this machine")
        return await handler(request)

    return middleware


def is_loopback(address: str | None) -> bool:
    """Whether the peer is this machine; a peer without an address (a Unix socket) is."""
    if not address:
        return True
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def names_this_host(host: str) -> bool:
    """Whether a Host field is an IP literal or localhost, which no DNS name can stand for."""
    name = urlsplit(f"//{host}").hostname if host else ""
    if not name:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _same_site(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")


def _has_token(request: web.Request, token: str | None) -> bool:
    if not token:
        return False
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    right = hmac.compare_digest(given.strip().encode(), token.encode())
    return right and scheme.lower() == "bearer"


def _refuse(status: int, why: str) -> web.Response:
    headers = {"WWW-Authenticate": 'Bearer realm="outrider"'} if status == 401 else {}
    return web.json_response({"error": why}, status=status, headers=headers)
