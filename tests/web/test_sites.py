"""In a real browser: over the network the page wants the token, and other sites get nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.admin.test_access import own_address
from tests.harness import Outrider, free_ports
from tests.origin import RawOrigin

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium"), pytest.mark.timeout(180)]

TOKEN = "hush-hush-4711"
TRIES = """async (sidecar) => {
  const told = {};
  const tried = async (name, work) => {
    try { told[name] = await work(); } catch { told[name] = "refused"; }
  };
  const read = async (path, more) => (await fetch(sidecar + path, more)).text();
  await tried("read", () => read("api/v1/status", {credentials: "include"}));
  await tried("read without CORS", () => read("api/v1/status", {credentials: "include", mode: "no-cors"}));
  await tried("change", () => read("api/v1/drift/acknowledge", {method: "POST", credentials: "include",
    mode: "no-cors", body: '{"model": "m", "column": "age", "action": "accept"}'}));
  await tried("live", () => new Promise((done, failed) => {
    const source = new EventSource(sidecar + "api/v1/live", {withCredentials: true});
    source.onmessage = source.onopen = () => done("open");
    source.onerror = () => { source.close(); failed(); };
  }));
  await tried("script", () => new Promise((done, failed) => {
    const script = document.createElement("script");
    Object.assign(script, {src: sidecar + "main.js", type: "module", onload: () => done("ran"), onerror: failed});
    document.head.append(script);
  }));
  await tried("frame", () => new Promise((done, failed) => {
    const frame = document.createElement("iframe");
    frame.src = sidecar;
    frame.onload = () => { try { done(frame.contentDocument ? "own" : "shown"); } catch { failed(); } };
    document.body.append(frame);
  }));
  return told;
}"""  # noqa: E501
"""What an attacker's page would do."""


class Other(BaseHTTPRequestHandler):
    """A page of another site."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>other</title><body><a id=link>look</a>")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def other() -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def reached(start: Callable[..., Outrider], own_origin: RawOrigin) -> tuple[Outrider, str]:
    """A sidecar that can be reached over the network, and its page's address there."""
    ports = free_ports(3)
    sidecar = start(
        own_origin.url,
        {"admin": {"token": TOKEN}},
        args=["--admin", f"0.0.0.0:{ports[1]}"],
        ports=ports,
    )
    return sidecar, f"http://{own_address()}:{ports[1]}/"


def test_over_the_network_a_browser_gives_the_token_as_password(
    browser: Browser, reached: tuple[Outrider, str]
) -> None:
    _, url = reached
    nobody = browser.new_page()
    with pytest.raises(Error, match="INVALID_AUTH_CREDENTIALS"):  # nobody there to be asked
        nobody.goto(url)
    nobody.close()
    context = browser.new_context(http_credentials={"username": "any", "password": TOKEN})
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#link-text")).to_have_text("live")
    expect(page.locator(".next")).to_contain_text("curl")
    context.close()


@pytest.mark.parametrize("credentials", [False, True], ids=["on this machine", "with the token"])
def test_a_page_of_another_site_gets_nothing_and_changes_nothing(
    browser: Browser, reached: tuple[Outrider, str], other: str, credentials: bool
) -> None:
    sidecar, url = reached
    if not credentials:
        url = f"http://127.0.0.1:{sidecar.admin[1]}/"
    given = {"username": "any", "password": TOKEN}
    context = browser.new_context(http_credentials=given if credentials else None)
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#link-text")).to_have_text("live")
    statuses: list[int] = []
    page.goto(other)
    page.on("response", lambda answer: statuses.append(answer.status))
    told = page.evaluate(TRIES, url)
    assert told.pop("frame") in ("refused", "shown")  # an error page of the browser
    assert set(told.pop("read without CORS")) <= set("refused")
    assert set(told.pop("change")) <= set("refused")
    assert told == dict.fromkeys(("read", "live", "script"), "refused")
    assert 200 not in statuses
    _follow(page, url)
    context.close()


def _follow(page: Page, url: str) -> None:
    """A link to the page may be followed, from wherever."""
    page.evaluate("(url) => { document.getElementById('link').href = url }", url)
    page.click("#link")
    expect(page.locator("#link-text")).to_have_text("live")
