"""One POST by aiohttp, as every sink over HTTP makes it.

Rule: a sink has one session, made in the loop that runs it; redirects are not followed and no
more of an answer is read than is needed.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp

MAX_ANSWER = 64 << 10
"""Bytes of an answer's body that are read; the rest is left and the connection closed."""

GZIP_LEVEL = 1
"""1.2 µs a span or line (lab); level 6 costs three times that for a tenth of the size."""

NETWORK_ERRORS = (aiohttp.ClientError, OSError, TimeoutError)


class Answer(NamedTuple):
    """What is looked at of a response."""

    status: int
    retry_after: str | None
    body: bytes
    """At most `MAX_ANSWER` bytes."""


class Poster:
    """Posts bodies to one URL over kept connections."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        tls: ssl.SSLContext | None = None,
        compress: bool = False,
    ) -> None:
        self._url = url
        self._headers = {key.lower(): value for key, value in headers.items()}
        self._tls = tls
        self._compress = compress
        if compress:
            self._headers["content-encoding"] = "gzip"
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes) -> Answer:
        """Raises one of `NETWORK_ERRORS`; the caller bounds the time."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=4, ssl=self._tls or True)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            )
        async with self._session.post(
            self._url,
            data=gzip(body) if self._compress else body,
            headers=self._headers,
            allow_redirects=False,
        ) as response:
            answer = b""
            while len(answer) < MAX_ANSWER:
                piece = await response.content.read(MAX_ANSWER - len(answer))
                if not piece:
                    break
                answer += piece
            return Answer(response.status, response.headers.get("Retry-After"), answer)

    async def close(self) -> None:
        """Closes the connections; the next `post` would open new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def gzip(data: bytes) -> bytes:
    """The gzip format, without a time in it, so that equal data gives equal bytes."""
    packer = zlib.compressobj(GZIP_LEVEL, wbits=31)
    return packer.compress(data) + packer.flush()
