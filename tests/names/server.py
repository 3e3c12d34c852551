"""A model server that says of itself what a test tells it to say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

Page = bytes | dict[str, Any] | Callable[[BaseHTTPRequestHandler], None]


class ModelServer:
    """GETs of `pages` are answered 200, others 404; each POST by `answers`, a value a row."""

    def __init__(self, pages: dict[str, Page]) -> None:
        self.pages = pages
        self.asked: Counter[str] = Counter()
        self.heads: dict[str, dict[str, str]] = {}
        self.more_fields: dict[str, str] = {}
        """Of answers to POSTs."""
        self.over = Event()
        """That slow pages wait for."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Nothing."""

            def do_GET(self) -> None:
                outer.asked[self.path] += 1
                outer.heads[self.path] = {k.lower(): v for k, v in self.headers.items()}
                page = outer.pages.get(self.path)
                if callable(page):
                    page(self)
                elif page is None:
                    self.reply(404, b'{"detail": "Not Found"}')
                else:
                    self.reply(200, page if isinstance(page, bytes) else json.dumps(page).encode())

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Inference-Header-Content-Length") == "0":
                    rows = [0]
                else:
                    rows = outer.rows(json.loads(raw))
                self.reply(200, json.dumps({"predictions": [0.5 for _ in rows]}).encode())

            def reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in outer.more_fields.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @staticmethod
    def rows(document: Any) -> list[Any]:
        if isinstance(document, list):
            return document
        tensors = document.get("inputs")
        if tensors:
            return [0] * tensors[0]["shape"][0]
        return list(next(iter(document.values())))

    @contextmanager
    def serving(self) -> Iterator[ModelServer]:
        thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def status_of(versions: dict[str, str]) -> dict[str, Any]:
    """TensorFlow Serving's answer: versions and their states."""
    return {
        "model_version_status": [
            {"version": version, "state": state, "status": {"error_code": "OK"}}
            for version, state in versions.items()
        ]
    }


def tensors(*names: str, columns: list[Any] | None = None) -> list[dict[str, Any]]:
    """The metadata of tensors of one value a row, or of one that has these columns."""
    if columns is not None:
        shape = [-1, len(columns)]
        parameters = {"columns": columns}
        return [
            {"name": n, "datatype": "FP64", "shape": shape, "parameters": parameters} for n in names
        ]
    return [{"name": name, "datatype": "FP64", "shape": [-1, 1]} for name in names]


def openapi(path: str, titles: list[str]) -> dict[str, Any]:
    """What FastAPI serves for a route that takes a list of such tuples."""
    item = {
        "type": "array",
        "minItems": len(titles),
        "maxItems": len(titles),
        "prefixItems": [{"type": "number", "title": title} for title in titles],
    }
    body = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "FastAPI", "version": "0.1.0"},
        "paths": {
            path: {
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": body}}},
                    "responses": {"200": {"content": {"application/json": {"schema": {}}}}},
                }
            }
        },
        "components": {"schemas": {"Row": item}},
    }
