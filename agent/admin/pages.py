"""The page for people: files of `web/`, as they are, at `/`.

Rule: the files are all of it. Nothing is built, nothing comes from another place, and the policy
below lets a browser load, run and reach nothing else, whatever stands in the data that it shows.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Content types of the files, by their names' endings; no other file is served."""
POLICY = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer of the admin port, so that no answer is a page of another kind."""


def add_page(app: web.Application) -> None:
    """Serves each file at its name, `index.html` at `/`, and the policy with all that is served."""
    for name, body in load().items():
        path = "/" if name == "index.html" else f"/{name}"
        app.router.add_get(path, _file(name, body))
    app.on_response_prepare.append(_with_policy)


def load() -> dict[str, bytes]:
    """The files by name."""
    found = files("agent.admin").joinpath("web").iterdir()
    return {file.name: file.read_bytes() for file in found if file.name.endswith(tuple(KINDS))}


def _file(name: str, body: bytes) -> Handler:
    tag = sha256(body).hexdigest()[:16]
    kind = KINDS[name[name.rindex(".") :]]
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}

    async def handler(request: web.Request) -> web.Response:
        if any(known.value in (tag, "*") for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, headers={**headers, "Content-Type": kind})

    return handler


async def _with_policy(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in POLICY.items():
        response.headers[name] = value
