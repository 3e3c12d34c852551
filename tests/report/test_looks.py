"""The page of a real sidecar's report, in a real browser: readable by all, wide and narrow."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from agent.demo.rows import SHIFT
from tests.report.conftest import outrider

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def report(drifted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("report") / "report.html"
    admin = f"http://{drifted.admin[0]}:{drifted.admin[1]}"
    assert outrider("report", "--admin", admin, "-o", str(target)).returncode == 0
    return target


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024])
def test_it_fits_and_axe_finds_nothing_wrong(
    report: Path, browser: Browser, width: int, scheme: str
) -> None:
    # The policy forbids axe's own script; that it forbids others' is tested elsewhere.
    how = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    with closing(browser.new_context(**how)) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(report.as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        assert said == []
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        if given := os.environ.get("TEST_ARTEFACTS"):
            target = Path(given, "report", f"report-{width}-{scheme}.png")
            target.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(target), full_page=True)
        pictured = page.locator("section.card h4").all_inner_texts()
        assert {*pictured} >= SHIFT.keys()
