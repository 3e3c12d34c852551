"""Asking a sidecar: where the token goes, and what becomes of answers that are none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any, ClassVar

import pytest

from agent.client import Sidecar, Unreachable

PAGES: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "/ok": (200, b'{"a": 1}', {}),
    "/no-json": (200, b"<html>", {}),
    "/deep": (200, b"[" * 100_000, {}),
    "/token": (401, b"{}", {}),
    "/fault": (500, b"{}", {}),
    "/moved": (302, b"", {"Location": "/ok"}),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization")))
        status, body, fields = PAGES.get(self.path.partition("?")[0], (404, b"{}", {}))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Handler.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_token_is_sent_and_names_are_encoded(url: str) -> None:
    sidecar = Sidecar(url, "secret")
    assert sidecar.json("/ok", {"name": "a&b=c d/é"}) == {"a": 1}
    sidecar.close()
    assert Handler.seen == [("/ok?name=a%26b%3Dc+d%2F%C3%A9", "Bearer secret")]


def test_what_is_not_there_is_none_and_no_redirect_is_followed(url: str) -> None:
    sidecar = Sidecar(url.removeprefix("http://"), "secret")
    assert sidecar.json("/none") is None
    with pytest.raises(Unreachable, match="answered 302"):
        sidecar.json("/moved")
    sidecar.close()
    assert [path for path, _ in Handler.seen] == ["/none", "/moved"]


@pytest.mark.parametrize(
    ("path", "said"),
    [("/no-json", "is no JSON"), ("/deep", "is no JSON"), ("/token", "--token"), ("/fault", "500")],
)
def test_what_is_of_no_use_is_told_with_the_remedy(url: str, path: str, said: str) -> None:
    sidecar = Sidecar(url)
    with pytest.raises(Unreachable, match=said):
        sidecar.json(path)
    sidecar.close()


def test_more_than_is_bearable_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.client.MOST", 3)
    with pytest.raises(Unreachable, match="more than 3 bytes"):
        Sidecar(url).json("/ok")


def test_all_answers_together_are_bounded_too(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.client.MOST_IN_ALL", 10)
    sidecar = Sidecar(url)
    assert sidecar.json("/ok") == {"a": 1}
    with pytest.raises(Unreachable, match="more than 2 bytes"):
        sidecar.json("/ok")


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
@pytest.mark.parametrize("again", [b"HTTP/1.1 100 Continue\r\n\r\n", b"x: y\r\n", b" "])
def test_who_answers_a_little_at_a_time_and_never_ends_is_left(begin: bytes, again: bytes) -> None:
    """Whatever part of an answer it is that comes for ever: each step is in time."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(begin)
                while True:
                    connection.sendall(again)
                    sleep(0.02)  # as a slow peer does

        thread = threading.Thread(target=trickle)
        thread.start()
        sidecar = Sidecar(f"http://127.0.0.1:{server.getsockname()[1]}", patience=0.2)
        with pytest.raises(Unreachable):
            sidecar.get("/")
        thread.join()


@pytest.mark.parametrize(
    "address",
    ["", "http://", "ftp://h", "http://h:port", "http://u:p@h", "http://h?x", "http://[::1"],
)
def test_what_is_no_address_is_told_at_once(address: str) -> None:
    with pytest.raises(Unreachable, match="wanted http://HOST:PORT"):
        Sidecar(address)
