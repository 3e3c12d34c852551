"""What a model server may answer when it is asked for its metrics."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.scrape.fetch import MAX_REDIRECTS, Page, Unread, fetch
from agent.scrape.target import Target
from tests.wire import response

TEXT = b"Content-Type: text/plain; version=0.0.4"
MOST = 1 << 20


@contextmanager
def server(*answers: bytes, socket_path: Path | None = None, hold: bool = False) -> Iterator[str]:
    """A server that gives each connection the next answer, then closes; its URL.

    With `hold` it keeps the connection open until the test is over.
    """
    listener = socket.socket(socket.AF_UNIX if socket_path else socket.AF_INET)
    listener.bind(str(socket_path) if socket_path else ("127.0.0.1", 0))
    listener.listen(8)
    over = threading.Event()

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                try:
                    connection.sendall(answer)
                except OSError:
                    continue
                if hold:
                    over.wait()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield "" if socket_path else f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()


def got(url: str, path: str = "/metrics", timeout: float = 5.0, unix: str = "") -> Page:
    target = Target((url or "http://localhost") + path, unix, None)
    return asyncio.run(fetch(target, timeout, MOST))


def refused(*answers: bytes, **more: bool | float) -> str:
    timeout = float(more.pop("timeout", 5.0))
    with server(*answers, **more) as url, pytest.raises(Unread) as told:  # type: ignore[arg-type]
        got(url, timeout=timeout)
    return told.value.why


def redirect(to: str) -> bytes:
    return (
        f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n"
    ).encode()


def test_a_page_comes_with_its_type() -> None:
    with server(response(b"a 1\n", TEXT)) as url:
        assert got(url) == Page(b"a 1\n", "text/plain")
    with server(b"HTTP/1.1 200 OK\r\n\r\na 1\n") as url:
        assert got(url) == Page(b"a 1\n", "")


def test_over_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with server(response(b"a 1\n", TEXT), socket_path=path):
        assert got("", unix=str(path)).body == b"a 1\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (response(b"no", TEXT, status=b"404 Not Found"), "status 404"),
        (response(b"no", TEXT, status=b"503 Service Unavailable"), "status 503"),
        (b"garbage\r\n\r\n", "no answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na 1\n", "no answer"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"a 1\n" * (MOST // 4 + 1), "more than scrape.max_bytes"),
        (response(gzip.compress(b"a 1\n" * (MOST // 4 + 1)), TEXT, b"Content-Encoding: gzip"),
         "more than scrape.max_bytes"),
        (response(gzip.compress(bytes(64 << 20)), TEXT, b"Content-Encoding: gzip"),
         "its content coding: it unpacks to more than"),
        (response(b"not packed"[::-1], TEXT, b"Content-Encoding: gzip"), "its content coding"),
        (redirect("http://127.0.0.1:1/metrics"), "redirects to another server"),
        (redirect("https://127.0.0.1/metrics"), "redirects to another server"),
        (redirect("//example.org/metrics"), "redirects to another server"),
        (redirect("http://[::1"), "no answer"),
        (redirect("file:///etc/passwd"), "redirects to another server"),
    ],
)  # fmt: skip
def test_what_is_no_page_is_told_so(answer: bytes, why: str) -> None:
    assert why in refused(answer)


def test_an_answer_that_does_not_end_is_given_up() -> None:
    begun = b"HTTP/1.1 200 OK\r\n\r\na 1\n"
    assert "within 0.2 s" in refused(begun, hold=True, timeout=0.2)
    assert "within 0.2 s" in refused(b"", hold=True, timeout=0.2)


def test_a_server_that_hangs_up_is_asked_no_more_than_twice() -> None:
    assert "no answer" in refused(b"", b"")


def test_nobody_is_there() -> None:
    with pytest.raises(Unread, match="no answer"):
        got("http://127.0.0.1:1")


def test_a_redirect_on_the_same_server_is_followed() -> None:
    with server(redirect("/metrics/"), response(b"a 1\n", TEXT)) as url:
        assert got(url).body == b"a 1\n"
    assert f"more than {MAX_REDIRECTS} redirects" in refused(*[redirect("/metrics")] * 9)


def test_packed_answers_are_unpacked() -> None:
    with server(response(gzip.compress(b"a 1\n"), TEXT, b"Content-Encoding: gzip")) as url:
        assert got(url).body == b"a 1\n"


def test_it_asks_for_text_and_says_who_it_is() -> None:
    seen: dict[str, str] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.update(self.headers)
            self.send_response(200)
            self.end_headers()

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.handle_request)
        thread.start()
        got(f"http://127.0.0.1:{listening.server_port}")
        thread.join()
    assert seen["Accept"].startswith("text/plain;version=0.0.4,")
    assert seen["Accept-Encoding"] == "identity"
    assert seen["User-Agent"].startswith("outrider/")
    assert "Cookie" not in seen
