"""Programs that tests need: without one the test is skipped by name; in CI it fails instead."""

from __future__ import annotations

import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PATH = os.pathsep.join(
    (str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/sbin")
)
# How long an example takes is the machine's affair.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
MISSING: dict[str, list[str]] = defaultdict(list)


CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, one at a time: two drivers in one thread are refused. It ends with the
    module: while a driver is there its loop runs in the thread, and asyncio.run is refused too."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            if shutil.which(tool, path=PATH):
                continue
            MISSING[tool].append(item.nodeid)
            reason = f"{tool} is not installed: `make tools` installs it where you may"
            (pytest.fail if in_ci() else pytest.skip)(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not MISSING:
        return
    terminalreporter.section("tests that want a program which is not installed (see `make tools`)")
    for tool, tests in sorted(MISSING.items()):
        terminalreporter.line(f"{tool}: {len(tests)} tests")
        for test in tests:
            terminalreporter.line(f"    {test}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if in_ci() and skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.section("in CI nothing may be skipped")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
