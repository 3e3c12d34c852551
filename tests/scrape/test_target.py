"""Where metrics are read, and whom it trusts there."""

from __future__ import annotations

import asyncio
import http.server
import re
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from agent.config import Config, UpstreamTls
from agent.scrape.exposition import parse
from agent.scrape.fetch import Page, Unread, fetch
from agent.scrape.target import Target, target_of
from agent.settings.loading import load
from agent.settings.scraping import MetricsPage, Scrape
from agent.settings.units import Upstream
from tests.harness import ROOT


def target(url: str, upstream: str = "http://127.0.0.1:8000", **tls: object) -> Target | None:
    return target_of(
        Config(
            upstream=Upstream(upstream),
            upstream_tls=UpstreamTls(**tls),  # type: ignore[arg-type]
            scrape=Scrape(url=MetricsPage(url)),
        )
    )


def test_without_a_url_nothing_is_read() -> None:
    assert target_of(Config()) is None


@pytest.mark.parametrize(
    ("url", "upstream", "there", "socket"),
    [
        ("/metrics", "http://127.0.0.1:8000", "http://127.0.0.1:8000/metrics", ""),
        ("/metrics/", "http://m:80/base/", "http://m:80/base/metrics/", ""),
        ("/m", "unix:///run/m.sock", "http://localhost/m", "/run/m.sock"),
        ("http://[::1]:8002/metrics", "unix:///run/m.sock", "http://[::1]:8002/metrics", ""),
    ],
)
def test_a_path_is_the_upstreams(url: str, upstream: str, there: str, socket: str) -> None:
    assert target(url, upstream) == Target(there, socket, None)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[str]:
    """A server with TLS; its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"a 1\n")

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def got(where: Target | None) -> bytes:
    assert where is not None
    return asyncio.run(fetch(where, 5.0, 1000)).body


def test_https_is_trusted_as_the_upstream_is(
    secure: str, authority: trustme.CA, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    page = f"{secure}/metrics"
    assert got(target(page, ca=str(ca))) == b"a 1\n"
    assert got(target("/metrics", secure, ca=str(ca))) == b"a 1\n"
    assert got(target(page, verify=False)) == b"a 1\n"
    with pytest.raises(Unread, match="Certificate"):
        got(target(page))


def test_a_bad_certificate_is_told_before_anything_starts(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    with pytest.raises(OSError):  # noqa: PT011
        target("https://127.0.0.1:8002/metrics", ca=str(bad))


PAGES = {
    "vllm": "vllm",
    "triton": "triton",
    "torchserve": "torchserve",
    "mlserver": "mlserver",
    "tensorflow": "tensorflow_serving",
}
SNIPPETS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/load.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_what_the_docs_say_to_set_is_right(snippet: str, tmp_path: Path) -> None:
    file = tmp_path / "outrider.yaml"
    file.write_text(snippet)
    config = load(str(file))
    assert target_of(config) is not None
    page = Path(__file__).parent / "pages" / f"{PAGES[config.scrape.job]}.txt"
    shown = parse(Page(page.read_bytes(), ""), config.scrape.keep, frozenset(), 2000).shown
    assert shown, "what is kept is what such a server has"


def test_the_docs_have_a_snippet_for_each_server() -> None:
    assert len(SNIPPETS) == len(PAGES)
