"""What the page says where there is nothing, where something is missing, and when all is gone."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.harness import Outrider
from tests.origin import RawOrigin
from tests.web.conftest import watch
from tests.web.scene import Scene
from tests.wire import response

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium"), pytest.mark.timeout(180)]

VIEWS = ["#/overview", "#/drift", "#/predictions", "#/requests", "#/config"]
ONE = "#/drift/column?model=m&side=input&name=age"
LOST = "Connection lost, trying again"


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A page whose complaints do not count: what it asks for is not there."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_before_the_first_request_it_says_what_to_do(
    tab: Page, start: Callable[..., Outrider], own_origin: RawOrigin, faults: list[str]
) -> None:
    sidecar = start(own_origin.url)
    watch(tab, faults)
    url = f"http://127.0.0.1:{sidecar.admin[1]}/"
    tab.goto(url)
    step = tab.locator(".next")
    expect(step).to_contain_text("curl")
    expect(step).to_contain_text(f":{sidecar.address[1]}")
    expect(step.get_by_role("button", name="Copy").first).to_be_visible()
    for place in VIEWS[1:4]:
        tab.goto(url + place)
        expect(tab.locator(".empty")).to_be_visible()
        expect(tab.locator(".empty a").first).to_be_visible()
    assert faults == []

    tab.goto(url)
    client = http.client.HTTPConnection(*sidecar.address)
    asked = json.dumps({"instances": [{"age": 39}]})
    client.request("POST", "/v1/models/m:predict", asked, {"Content-Type": "application/json"})
    own_origin.serve(response(b'{"predictions": [0.5]}'))
    client.getresponse().read()
    expect(tab.get_by_role("region", name="Models").last).to_contain_text("m", timeout=10_000)
    for _ in range(5):
        client.request("POST", "/v1/models/m:predict", "{}", {"Content-Type": "application/json"})
        own_origin.serve(response(b"{}", status=b"422 Unprocessable"))
        client.getresponse().read()
    refused = tab.locator(".verdict p", has_text="of the requests of the last minute were refused")
    expect(refused.get_by_role("link", name="See them")).to_be_visible(timeout=10_000)
    assert faults == []


def test_when_the_sidecar_is_gone_what_was_seen_stays_and_it_tries_again(
    tab: Page, own_origin: RawOrigin
) -> None:
    with Outrider(own_origin.url) as sidecar:
        tab.goto(f"http://127.0.0.1:{sidecar.admin[1]}/#/config")
        expect(tab.locator("#link-text")).to_have_text("live")
        expect(tab.locator(".settings")).to_contain_text("false_alarms")
        ports = sidecar.ports
    expect(tab.locator("#notice")).to_contain_text(LOST, timeout=15_000)
    expect(tab.locator("#link-text")).to_have_text("no connection")
    expect(tab.locator(".settings")).to_contain_text("false_alarms")
    for place in VIEWS:
        tab.evaluate(f"location.hash = '{place}'")
        expect(tab.locator("main h1")).to_be_visible()
    expect(tab.locator(".empty").first).to_contain_text(LOST)
    with Outrider(own_origin.url, ports=ports):
        expect(tab.locator("#notice")).to_be_hidden(timeout=20_000)
        expect(tab.locator(".settings")).to_contain_text("false_alarms", timeout=15_000)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, "404: Not Found", "This sidecar has no"),
        (401, '{"error": "token"}', "wants its token"),
        (503, '{"error": "64 pages are open"}', "64 pages are open"),
        (200, "<html>a proxy's page", "answered 200"),
        (500, "", "answered 500"),
    ],
)
def test_no_view_is_ever_blank(tab: Page, scene: Scene, status: int, body: str, said: str) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=status, body=body)

    tab.route("**/api/**", refuse)
    for place in (*VIEWS, ONE):
        tab.goto(scene.page + place)
        expect(tab.locator("main h1")).to_be_visible()
        expect(tab.locator("main .empty").first).to_contain_text(said)
    if status == 401:
        expect(tab.locator("#notice")).to_contain_text("admin.token")


def test_five_hundred_columns(tab: Page, scene: Scene) -> None:
    def many(route: Route) -> None:
        page = route.fetch().json()
        model = page["models"][0]
        usual = model["columns"][0]
        model["columns"] = [
            usual | {"name": f"column {n}", "score": n, "threshold": 100.0} for n in range(500)
        ]
        page["models"] = [model | {"derived": []}]
        route.fulfill(json=page)

    tab.route("**/api/v1/drift", many)
    tab.goto(scene.page + "#/drift")
    rows = tab.locator(".columns li")
    expect(rows).to_have_count(500)
    expect(rows.first).to_contain_text("column 499")
    expect(rows.first).to_have_css("content-visibility", "auto")
    tab.locator(".columns a").first.focus()
    tab.keyboard.press("End")
    expect(rows.last).to_be_in_viewport()
    expect(rows.last.locator("b")).to_have_text("column 0")
    tab.get_by_label("Search columns").fill("column 25")
    expect(tab.locator(".columns li")).to_have_count(11)


def test_a_route_that_cannot_be_read_is_told_though_another_is(
    tab: Page, start: Callable[..., Outrider], own_origin: RawOrigin, faults: list[str]
) -> None:
    sidecar = start(own_origin.url)
    watch(tab, faults)
    client = http.client.HTTPConnection(*sidecar.address)
    good, odd = b'{"instances": [{"age": 39}]}', b"\x89 no JSON"
    own = "/v1/models/m:predict"
    for path, asked in [(own, good), *[(own, odd)] * 7, *[("/score", odd)] * 20]:
        client.request("POST", path, asked, {"Content-Type": "application/json"})
        own_origin.serve(response(b'{"predictions": [0.5]}'))
        client.getresponse().read()
    tab.goto(f"http://127.0.0.1:{sidecar.admin[1]}/")
    line = tab.locator(".verdict p", has_text="/score: 20 of 20 requests could not be read")
    expect(line.get_by_role("link", name="See them")).to_be_visible(timeout=10_000)
    expect(line).to_contain_text("the last one: ")
    step = tab.locator(".next", has_text="/score: 20 of 20")
    expect(step).to_contain_text("outrider decode BODY --path /score")
    expect(step).to_contain_text("application/json")
    unseen = tab.locator(".verdict p", has_text="m: 87.5 % of the recent rows are in no verdict")
    expect(unseen).to_contain_text("7 for a body that could not be read")
    cells = tab.get_by_role("region", name="Models").last.locator("tbody tr").first.locator("td")
    expect(cells.first).to_have_text("learning 1 of 5,000 rows")
    expect(cells.nth(2)).to_have_text("–")
    row = tab.get_by_role("region", name="Routes").last.locator("tr", has_text="/score")
    expect(row.locator("td")).to_have_text(["20", "0 %", "0 %", *[re.compile(r"\d")] * 2])
    assert faults == []
