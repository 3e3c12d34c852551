"""One sidecar with traffic, for all tests of the page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.fixtures import own_origin, pytest_runtest_makereport, start  # noqa: F401
from tests.harness import eventually, get
from tests.web.scene import Scene

TOKEN = "hush-hush-4711"


@pytest.fixture(scope="package")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Traffic that was calm, then drifts in `income`, with errors and slow ones."""
    with Scene(tmp_path_factory.mktemp("scene"), {"admin": {"token": TOKEN}}) as scene:
        scene.traffic(220)
        scene.trouble()
        scene.traffic(20, X_Version="4")

        def drifts() -> bool:
            scene.traffic(40, moved=True)
            models = get(scene.outrider.admin, "/api/v1/drift").json()["models"]
            columns = [column for model in models for column in model["columns"]]
            return any(one["name"] == "income" and one["state"] == "drift" for one in columns)

        eventually(drifts, "income to drift", 60)
        scene.trouble()
        scene.keep_on()
        yield scene


@pytest.fixture
def faults() -> list[str]:
    """What the pages of a test complained of: console, exceptions, violations of the policy."""
    return []


@pytest.fixture
def page(browser: Browser, scene: Scene, faults: list[str]) -> Iterator[Page]:
    """A fresh page, not opened yet; in the end nothing may have gone wrong in it."""
    with_context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = with_context.new_page()
    watch(page, faults)
    yield page
    with_context.close()
    assert faults == []


def watch(page: Page, faults: list[str]) -> None:
    """Collects what a page complains of."""
    page.on("pageerror", lambda error: faults.append(f"exception: {error}"))
    page.on(
        "console",
        lambda said: faults.append(said.text) if said.type in ("error", "warning") else None,
    )


@pytest.fixture(scope="package")
def artefacts() -> Path | None:
    """Where pictures are kept, if anywhere: they cost half a minute."""
    given = os.environ.get("TEST_ARTEFACTS")
    if not given:
        return None
    folder = Path(given) / "page"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
