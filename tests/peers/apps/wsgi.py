"""For gunicorn: records each request it is told of and answers with its target.

Under `/early` it answers without having read the body.
"""

from __future__ import annotations

import os

SEEN = os.environ["SEEN"]


def app(environ, start_response):
    target = environ["RAW_URI"].encode("latin-1")
    with open(SEEN, "ab") as seen:
        seen.write(b"%b %b\n" % (environ["REQUEST_METHOD"].encode(), target))
    if not target.startswith(b"/early"):
        environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(target)))])
    return [target]
