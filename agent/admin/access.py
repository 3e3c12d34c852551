"""Who may use what of the admin port.

Rule: loopback may use all of it; from elsewhere everything but the open paths needs the token,
and without a token set it is closed. A page of another site in a browser is nobody's user, neither
on this machine nor where the browser keeps the token: it comes with the name of its own site in
Host (DNS rebinding) or Origin, or with the browser's word for it in Sec-Fetch-Site, and is refused.
Following a link to the page is no such request: it hands the other site nothing.

The token is taken as a bearer's, or as the password of HTTP Basic, for which a browser can ask.
"""

from __future__ import annotations

import binascii
import hmac
import ipaddress
from base64 import b64decode
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

OPEN = frozenset(("/metrics", "/healthz", "/readyz"))
OWN_SITE = frozenset(("same-origin", "none"))
"""What Sec-Fetch-Site says of our own page, and of an address that was typed in."""


def guard(token: str | None) -> Middleware:
    """The middleware that refuses what the rule does not allow."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN:
            return await handler(request)
        if _of_another_site(request):
            return _refuse(403, "this is not for pages of another site")
        if _has_token(request, token):
            return await handler(request)
        if not is_loopback(request.remote):
            asked = "from another machine this needs Authorization: Bearer admin.token"
            return _refuse(401, asked, asking=bool(token))
        if not names_this_host(request.headers.get("Host", "")):
            return _refuse(403, "Host does not name this machine")
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
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if not name:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _of_another_site(request: web.Request) -> bool:
    headers = request.headers
    origin = headers.get("Origin")
    if origin is not None and _netloc(origin) != headers.get("Host"):
        return True
    if headers.get("Sec-Fetch-Site", "none") in OWN_SITE:
        return False
    way = headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")
    followed = request.path == "/" and way == ("navigate", "document")
    return not (followed and request.method in ("GET", "HEAD"))


def _netloc(origin: str) -> str | None:
    """Host and port of a site; None of what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _has_token(request: web.Request, token: str | None) -> bool:
    if not token:
        return False
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    kind = scheme.lower()
    if kind == "basic":
        return hmac.compare_digest(_password(given), token.encode())
    right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    return right and kind == "bearer"


def _password(given: str) -> bytes:
    """Of Basic credentials, as UTF-8 (RFC 7617); empty if they are none."""
    try:
        pair = b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return pair.partition(b":")[2]


def _refuse(status: int, why: str, asking: bool = False) -> web.Response:
    """`asking`: a browser may ask its user for the token."""
    response = web.json_response({"error": why}, status=status)
    if status == 401:
        response.headers.add("WWW-Authenticate", 'Bearer realm="outrider"')
    if asking:
        basic = 'Basic realm="outrider: the password is admin.token", charset="UTF-8"'
        response.headers.add("WWW-Authenticate", basic)
    return response
