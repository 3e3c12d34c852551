"""For uvicorn: records each request it is told of and answers with its target.

Under `/early` it answers without having read the body.
"""

from __future__ import annotations

import os

SEEN = os.environ["SEEN"]


async def app(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        return
    query = scope["query_string"]
    target = scope["raw_path"] + (b"?" + query if query else b"")
    with open(SEEN, "ab") as seen:
        seen.write(b"%b %b\n" % (scope.get("method", "WEBSOCKET").encode(), target))
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close"})
        return
    if not target.startswith(b"/early"):
        while (await receive()).get("more_body"):
            pass
    headers = [(b"content-length", b"%d" % len(target))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": target})
