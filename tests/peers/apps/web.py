"""aiohttp's server: records each request it is told of and answers with its target.

Under `/early` it answers without having read the body.
"""

from __future__ import annotations

import os
import sys

from aiohttp import web

SEEN = os.environ["SEEN"]


async def answer(asked: web.Request) -> web.Response:
    target = asked.raw_path.encode("latin-1")
    with open(SEEN, "ab") as seen:
        seen.write(b"%b %b\n" % (asked.method.encode(), target))
    if not target.startswith(b"/early"):
        await asked.read()
    return web.Response(body=target)


app = web.Application()
app.router.add_route("*", "/{tail:.*}", answer)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
