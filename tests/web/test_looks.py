"""How each view looks: what axe finds wrong with it, whether it fits a phone, and, with
TEST_ARTEFACTS=FOLDER, pictures for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import watch
from tests.web.scene import Scene

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium"), pytest.mark.timeout(180)]

COLUMN = "#/drift/column?model=churn&version=3&side=input&name="
VIEWS = {
    "overview": ("", ".tile strong"),
    "drift": ("#/drift", ".columns a"),
    "column": (COLUMN + "income", ".bars path.was"),
    "category": (COLUMN + "plan", ".bars .rows li"),
    "predictions": ("#/predictions", ".bars path.now"),
    "requests": ("#/requests", ".requests a"),
    "request": ("#/requests?status=5xx", ".requests a"),
    "config": ("#/config", ".settings dd"),
}
"""Places, and what is there once they are full."""
SIZES = {390: 844, 1024: 768, 1600: 1000}
SHOWN = (
    "document.querySelectorAll('.list > li').forEach(li => li.style.contentVisibility = 'visible')"
)
"""Rows out of sight are not drawn, and a picture of the whole page would lack them."""


COLOURFUL = ("overview", "column", "request")
"""Views that have all of the colours between them."""
ALL: dict[str, Any] = {"resultTypes": ["violations"]}
COLOURS = ALL | {"runOnly": ["color-contrast", "link-in-text-block"]}


@pytest.mark.parametrize(("scheme", "asked"), [("light", ALL), ("dark", COLOURS)])
def test_axe_finds_nothing_in_any_view_and_each_fits_a_phone(
    browser: Browser,
    scene: Scene,
    artefacts: Path | None,
    faults: list[str],
    scheme: str,
    asked: dict[str, Any],
) -> None:
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    watch(page, faults)
    found: list[str] = []
    for name, (place, full) in VIEWS.items():
        if scheme == "dark" and artefacts is None and name not in COLOURFUL:
            continue
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            if width == min(SIZES):
                _open(page, scene, place, full, name)
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, f"{name} is {wide} px too wide for a phone"
            if artefacts is not None:
                _keep(page, artefacts / f"{name}-{width}-{scheme}.png", "request" not in name)
        found += _wrong(page, name, asked)
    context.close()
    assert not found, "\n".join(found)
    assert faults == []


def _keep(page: Page, file: Path, whole: bool) -> None:
    page.evaluate(SHOWN)
    page.screenshot(path=file, full_page=whole)


def _open(page: Page, scene: Scene, place: str, full: str, name: str) -> None:
    page.goto(scene.page + place)
    expect(page.locator(full).first).to_be_attached()
    if name == "request":
        page.locator(full).first.click()
        expect(page.locator(".fall li").first).to_be_visible()


def _wrong(page: Page, name: str, asked: dict[str, Any]) -> list[str]:
    """What axe calls serious or critical."""
    return [
        f"{name}: {one['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
        for one in Axe().run(page, options=asked).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]
