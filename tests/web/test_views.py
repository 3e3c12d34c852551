"""Each view shows what there is, in a real browser before a real sidecar."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import TOKEN
from tests.web.scene import Scene

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium"), pytest.mark.timeout(180)]

COLUMN = "#/drift/column?model=churn&version=3&side=input&name=income"


def opened(page: Page, scene: Scene, place: str = "") -> Page:
    page.goto(scene.page + place)
    return page


def test_overview(page: Page, scene: Scene) -> None:
    opened(page, scene)
    expect(page).to_have_title("Overview · Outrider")
    expect(page.locator(".tile strong").first).to_have_text(re.compile(r"\d"))
    expect(page.locator(".verdict")).to_contain_text("churn v3 drifts")
    models = page.get_by_role("region", name="Models")
    expect(models.last).to_contain_text("churn v4")
    expect(page.get_by_role("img", name=re.compile("Requests a second"))).to_be_visible()
    expect(page.locator("figure .line").first).to_be_attached()
    expect(page.locator(".events")).to_contain_text("churn")
    expect(page.get_by_role("region", name="Routes").last).to_contain_text("/v1/models/")


def test_new_figures_come_by_themselves(page: Page, scene: Scene) -> None:
    opened(page, scene)
    expect(page.locator("#link-text")).to_have_text("live")
    cell = page.get_by_role("region", name="Routes").last.locator("tbody td").first
    expect(cell).to_have_text(re.compile(r"\d"))
    before = cell.inner_text()
    expect(cell).not_to_have_text(before, timeout=15_000)


def test_columns_are_ranked_by_how_far_they_are_beyond_their_threshold(
    page: Page, scene: Scene
) -> None:
    opened(page, scene, "#/drift")
    rows = page.locator(".columns").first.locator("li")
    expect(rows.first).to_contain_text("drift")
    texts = rows.locator(".gauge span").filter(has_text="threshold").all_inner_texts()
    far = [float(text.split("×")[0]) for text in texts]
    assert len(far) >= 7
    assert far == sorted(far, reverse=True)
    assert far[0] > 1


def test_overview_and_drift_have_the_same_number_of_columns(page: Page, scene: Scene) -> None:
    opened(page, scene)
    verdict = page.locator(".verdict p", has_text="churn v3 drifts")
    expect(verdict).to_contain_text(re.compile(r"in \d+ of 7 columns, \d+ of \d+ derived"))
    cells = page.get_by_role("region", name="Models").last.locator("tr", has_text="churn v3")
    expect(cells).to_contain_text(re.compile(r"\d of 7, \d+ of \d+ derived"))
    opened(page, scene, "#/drift?model=churn&version=3")
    summary = page.locator(".heading .beside")
    expect(summary).to_contain_text(re.compile(r"drift in \d+ of 7 columns, \d+ of \d+ derived"))


def test_a_column_opened(page: Page, scene: Scene) -> None:
    opened(page, scene, COLUMN)
    expect(page.get_by_role("heading", name="income", level=1)).to_be_visible()
    expect(page.locator(".verdict")).to_contain_text("drift")
    picture = page.get_by_role("img", name=re.compile(r"Reference against now\. Moved: "))
    expect(picture).to_be_visible()
    assert picture.locator("path.was").count() == 1
    assert picture.locator("rect.moved").count() > 0
    over = page.get_by_role("img", name=re.compile("Score over threshold"))
    expect(over).to_be_visible(timeout=20_000)  # once the history has taken a step with it
    expect(page.locator(".plot text.limit").first).to_have_text("threshold")
    page.get_by_text("As a table").click()
    expect(page.locator("tr.moved").first).to_contain_text("%")
    expect(page.get_by_role("region", name="Quantiles").last).to_contain_text("reference")
    example = page.locator("section", has_text="Examples").locator("a.mono").last
    request_id = example.inner_text()
    trace = page.locator("section", has_text="Examples").get_by_role("link", name="Trace").last
    expect(trace).to_have_attribute("href", re.compile(r"^https://jaeger\.example/trace/\w{32}$"))
    example.click()
    expect(page.locator(".detail")).to_contain_text(request_id)


def test_predictions_a_version_beside_the_other(page: Page, scene: Scene) -> None:
    opened(page, scene, "#/predictions")
    expect(page.get_by_role("heading", name="probability: values")).to_be_visible()
    expect(page.locator(".panel b", has_text="churn v3").first).to_be_visible()
    expect(page.locator(".panel b", has_text="churn v4").first).to_be_visible()
    expect(page.locator(".rows .label", has_text="leaves").first).to_be_visible()
    expect(page.locator("path.line.now").first).to_be_attached()


def test_requests_are_filtered_and_one_is_opened(page: Page, scene: Scene) -> None:
    opened(page, scene, "#/requests")
    statuses = page.locator(".requests .status")
    expect(statuses.first).to_be_visible()
    page.get_by_role("button", name="5xx").click()
    expect(page.locator('.requests [data-class="2"]')).to_have_count(0)
    assert set(statuses.all_inner_texts()) == {"500"}
    assert "status=5xx" in page.url
    page.get_by_role("button", name="Slow").click()
    page.get_by_role("button", name="4xx").click()
    expect(page.locator('.requests [data-class="5"]')).to_have_count(0)
    page.get_by_label("Route").select_option(index=1)
    expect(statuses.first).to_have_text("404")
    page.locator(".requests a").first.click()
    detail = page.locator(".detail")
    expect(detail).to_contain_text("Model works")
    expect(detail).to_contain_text("no such model")
    link = detail.get_by_role("link", name="Open the trace")
    assert re.fullmatch(r"https://jaeger\.example/trace/[0-9a-f]{32}", link.get_attribute("href"))
    assert "noopener" in link.get_attribute("rel")
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()


def test_configuration_is_searched_and_hides_secrets(page: Page, scene: Scene) -> None:
    opened(page, scene, "#/config")
    expect(page.locator(".settings")).to_contain_text("false_alarms")
    page.get_by_label("Search settings").fill("token")
    expect(page.locator(".settings dd").first).to_have_text("hidden")
    assert TOKEN not in page.content()
    page.get_by_label("Search settings").fill("nothing like this")
    expect(page.locator(".empty")).to_contain_text("No setting fits")


@pytest.mark.parametrize(
    ("place", "title"),
    [
        ("", "Overview"),
        ("#/drift?show=drift", "Drift"),
        (COLUMN, "income, drift"),
        ("#/predictions", "Predictions"),
        ("#/requests?status=5xx", "Requests"),
        ("#/config?q=admin", "Configuration"),
        ("#/nowhere", "Overview"),
        ("#/constructor", "Overview"),
        ("#/__proto__", "Overview"),
    ],
)
def test_every_place_has_an_address(page: Page, scene: Scene, place: str, title: str) -> None:
    opened(page, scene, place)
    expect(page).to_have_title(f"{title} · Outrider")
    expect(page.locator("main h1")).to_be_visible()


def test_all_of_it_goes_by_keys(page: Page, scene: Scene) -> None:
    opened(page, scene)
    expect(page.locator(".tile strong").first).to_have_text(re.compile(r"\d"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("search or filter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page.locator(".columns a").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("lan")
    names = page.locator(".columns").first.locator(".who b")
    expect(names.filter(has_text="age")).to_have_count(0)
    page.keyboard.press("Escape")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("Boolean(document.activeElement.closest('.columns'))"):
            break
    first = page.evaluate("document.activeElement.querySelector('b').textContent")
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.querySelector('b').textContent")
    assert names.all_inner_texts()[:2] == [first, second]
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=second, level=1, exact=True)).to_be_visible()
    chart = page.locator(".bars .plot")
    if chart.count():
        chart.focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#said")).to_have_text(re.compile(r"now .*%"))
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Drift", level=1, exact=True)).to_be_visible()


def test_colours_are_kept(page: Page, scene: Scene) -> None:
    opened(page, scene)
    button = page.get_by_role("button", name=re.compile("Colours"))
    button.click()
    button.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_it_is_small_and_comes_from_here_alone(
    page: Page, scene: Scene, record_property: Any
) -> None:
    sizes: dict[str, int] = {}
    page.on("response", lambda answer: sizes.update({answer.url: 0}))
    opened(page, scene)
    expect(page.locator(".tile strong").first).to_have_text(re.compile(r"\d"))
    timing = page.evaluate(
        "performance.getEntriesByType('resource').map(one => [one.name, one.decodedBodySize])"
    )
    files = {url: size for url, size in timing if "/api/" not in url}
    assert all(url.startswith(scene.page) for url in [*sizes, *files])
    assert 30_000 < sum(files.values()) < 150_000
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    record_property("first_contentful_paint_ms", paint)
    print(f"first contentful paint after {paint} ms, {sum(files.values())} bytes")
