"""A model server that answers what a model said of these rows: `python -m bench.drift.recorded`.

`POST` with `x-row: 17` is answered with line 17 (from 0) of the file, as KServe V1 has it; `GET`
says that it serves. Arguments: port, file of JSON Lines.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Recorded(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    answers: list[bytes]

    def do_POST(self) -> None:
        """The row's answer."""
        self.rfile.read(int(self.headers["content-length"]))
        self._send(b'{"predictions":[' + self.answers[int(self.headers["x-row"])] + b"]}")

    def do_GET(self) -> None:
        """That it is there."""
        self._send(b"{}")

    def _send(self, body: bytes) -> None:
        self.wfile.write(HEAD % len(body) + body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    Recorded.answers = Path(sys.argv[2]).read_bytes().splitlines()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Recorded).serve_forever()
