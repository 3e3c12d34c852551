"""One GET for an exposition, over a connection of its own, within a time and a size.

Rule: it goes where the settings say and nowhere else; a redirect is followed to the same server
alone.
"""

from __future__ import annotations

from typing import NamedTuple

import aiohttp
from yarl import URL

from agent import __version__
from agent.decode.bodies.codings import undone
from agent.decode.payload import Refused
from agent.scrape.target import Target

ACCEPT = "text/plain;version=0.0.4,*/*;q=0.1"
"""Text: of what can also be had as OpenMetrics, prometheus_client's own has no colons in names."""
MAX_REDIRECTS = 3
_MOVED = frozenset((301, 302, 303, 307, 308))


class Unread(Exception):
    """Why there is no exposition, in a few words for people; nothing in it is the server's."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Page(NamedTuple):
    """What came."""

    body: bytes
    media_type: str
    """Without parameters, in lower case; empty if none is said."""


async def fetch(target: Target, timeout: float, most: int) -> Page:
    """Raises Unread. `timeout` in seconds for all of it, `most` in bytes, packed and unpacked."""
    connector: aiohttp.BaseConnector
    if target.socket:
        connector = aiohttp.UnixConnector(target.socket)
    else:
        connector = aiohttp.TCPConnector(ssl=target.tls or True)
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "User-Agent": f"outrider/{__version__}",
                "Accept": ACCEPT,
                "Accept-Encoding": "identity",
            },
            timeout=aiohttp.ClientTimeout(total=timeout),
        ) as session:
            return await _follow(session, URL(target.url, encoded=True), most)
    except TimeoutError:
        raise Unread(f"no whole answer within {timeout:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Unread(f"no answer ({type(error).__name__})") from None


async def _follow(session: aiohttp.ClientSession, url: URL, most: int) -> Page:
    for _ in range(MAX_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False) as answer:
            if answer.status not in _MOVED:
                return await _read(answer, most)
            there = url.join(URL(answer.headers.get("Location", "")))
        if (there.scheme, there.host, there.port) != (url.scheme, url.host, url.port):
            raise Unread("it redirects to another server, which is not followed")
        url = there
    raise Unread(f"more than {MAX_REDIRECTS} redirects")


async def _read(answer: aiohttp.ClientResponse, most: int) -> Page:
    if answer.status != 200:
        raise Unread(f"status {answer.status}")
    parts: list[bytes] = []
    left = most + 1
    while left > 0 and (piece := await answer.content.read(min(left, 1 << 16))):
        parts.append(piece)
        left -= len(piece)
    too_long = Unread(f"more than scrape.max_bytes, {most}")
    if left <= 0:
        raise too_long
    try:
        body, _ = undone(b"".join(parts), [*answer.raw_headers])
    except Refused as refused:
        raise Unread(f"its content coding: {refused.why or refused.outcome}") from None
    if len(body) > most:
        raise too_long
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Page(body, kind)
