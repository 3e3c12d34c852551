"""A reverse proxy as one would write it with aiohttp: streaming, pooled, nothing else.

Started as `python bench/programs/aiohttp_proxy.py PORT UPSTREAM_PORT`.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDictProxy
from yarl import URL

HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
OWN = HOP | {"content-length"}


def passed(headers: CIMultiDictProxy[str]) -> list[tuple[str, str]]:
    """Fields that go on to the other side."""
    return [(name, value) for name, value in headers.items() if name.lower() not in OWN]


async def serve(port: int, upstream: str) -> None:
    """Serve until ended."""
    session = ClientSession(
        connector=TCPConnector(limit=0),
        timeout=ClientTimeout(total=None),
        auto_decompress=False,
    )

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        url = URL(upstream + request.raw_path, encoded=True)
        headers, body = passed(request.headers), None
        if request.can_read_body:
            body = request.content
            if request.content_length is not None:
                headers.append(("Content-Length", str(request.content_length)))
        async with session.request(
            request.method, url, headers=headers, data=body, allow_redirects=False
        ) as answer:
            response = web.StreamResponse(
                status=answer.status, reason=answer.reason, headers=passed(answer.headers)
            )
            response.content_length = answer.content_length
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    runner = web.ServerRunner(web.Server(forward, access_log=None, keepalive_timeout=3600))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), f"http://127.0.0.1:{sys.argv[2]}"))
