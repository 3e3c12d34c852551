"""Whatever clients send is text on the page: nothing of it runs, and no log line breaks by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from agent.admin.pages import load
from tests.harness import Outrider, eventually, get
from tests.origin import RawOrigin
from tests.wire import Stream, request, response

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium"), pytest.mark.timeout(180)]

RUN = "document.title='ran';window.canary=1"
IMAGE = f'<img src=x onerror="{RUN}">'
ATTACKS = (
    IMAGE,
    f"<script>{RUN}</script>",
    f'"><svg/onload="{RUN}">',
    f"javascript:{RUN}//",
    f"</title></script><script>{RUN}</script>",
    "{{constructor.constructor('window.canary=1')()}}",
    "${window.canary=1}",
    'a\n{"level":"critical","message":"forged"}',
    "a\r\nX-Forged: 1",
    "a\u2028b\u2029c\u0000d\u202etxt",
    f"<iframe srcdoc='<script>parent.canary=1</script>'>{RUN}",
    "__proto__",
    "constructor",
)
ROWS = 120
VIEWS = ("#/overview", "#/drift", "#/predictions", "#/requests", "#/config")


def bodies() -> tuple[bytes, bytes]:
    """A request whose names and values attack, and an answer whose labels do."""
    row = {attack: n for n, attack in enumerate(ATTACKS)}
    rows = [row | {"kind": ATTACKS[n % len(ATTACKS)]} for n in range(ROWS)]
    labels = [{"label": ATTACKS[n % 3], IMAGE: n} for n in range(ROWS)]
    answer = {"predictions": labels, "model_version": IMAGE}
    return json.dumps({"instances": rows}).encode(), json.dumps(answer).encode()


def attacked(stream: Stream, asked: bytes, path: str, *fields: bytes) -> None:
    kind = b"Content-Type: application/json"
    stream.send(request(b"POST", path.encode(), kind, *fields, body=asked))
    stream.response()


def test_nothing_that_was_sent_runs_or_breaks_a_line(
    page: Page,
    faults: list[str],
    start: Callable[..., Outrider],
    own_origin: RawOrigin,
) -> None:
    asked, answer = bodies()
    settings = {
        "drift": {"reference": {"learn": {"rows": 100}}, "window": {"rows": 100, "seconds": "1s"}},
        "capture": {"payload_log": True, "payload_log_bytes": "16KiB"},
    }
    sidecar = start(own_origin.url, settings)
    model = quote(IMAGE, safe="")
    with own_origin.serving(response(answer, b"Content-Type: application/json")):
        with sidecar.connect() as stream:

            def columns() -> bool:
                """Whether some are known; all is sent again, as a busy machine may shed it."""
                for n in range(4):
                    attacked(stream, asked, f"/v1/models/{model}:predict", b"X-Request-Id: <b>")
                    attacked(stream, asked, f"/{quote(ATTACKS[n], safe='')}/score?q={model}")
                    attacked(stream, b"<script>" + RUN.encode(), f"/{quote(ATTACKS[n + 7])}")
                models = get(sidecar.admin, "/api/v1/drift").json()["models"]
                return any(one["columns"] for one in models)

            eventually(columns, "columns", 30)
        url = f"http://127.0.0.1:{sidecar.admin[1]}/"
        asked_for: list[str] = []
        page.on("request", lambda one: asked_for.append(one.url))
        for place in VIEWS:
            page.goto(url + place)
            page.reload()
            expect(page.locator("main h1")).to_be_visible()
            expect(page.locator("#link-text")).to_have_text("live")
            expect(page.locator("#first")).to_have_count(0)
        _as_text(page, url)
        assert page.evaluate("window.canary") is None
        assert page.locator("main img, main script, main iframe, [onerror], [onload]").count() == 0
        page.goto("about:blank")
    for line in (sidecar.stdout() + sidecar.stderr()).strip("\n").split("\n"):
        assert isinstance(json.loads(line), dict)
    assert [url for url in asked_for if "/api/v1/" not in url and not _is_file(url)] == []
    assert [fault for fault in faults if "404 (Not Found)" not in fault] == []
    faults.clear()


def _is_file(url: str) -> bool:
    """One of the page's own."""
    return url.partition("#")[0].rpartition("/")[2] in ("", *load())


def _as_text(page: Page, url: str) -> None:
    """The same strings are there to be read, in lists and opened."""
    page.goto(url + "#/drift")
    names = page.locator(".columns .who b")
    expect(names.filter(has_text=IMAGE).first).to_be_visible()
    expect(names.filter(has_text="<script>").first).to_be_attached()
    names.filter(has_text=IMAGE).first.click()
    expect(page.get_by_role("heading", name=IMAGE, level=1)).to_be_visible()
    page.goto(url + f"#/drift/column?name={quote(IMAGE)}&model={quote(IMAGE)}&side=input")
    expect(page.get_by_role("heading", name=IMAGE, level=1)).to_be_visible()
    page.goto(url + "#/drift?q=label")
    page.locator(".columns a").first.click()
    expect(page.locator(".rows .label", has_text="<script>").first).to_be_visible()
    page.goto(url + "#/requests")
    page.locator(".requests a").first.click()
    expect(page.locator(".fall li").first).to_be_visible()
    page.goto(url + f"#/requests/{quote(IMAGE)}?q={quote(IMAGE)}")
    expect(page.locator(".detail")).to_contain_text("not kept any more")
