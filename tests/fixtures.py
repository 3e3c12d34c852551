"""Fixtures for tests that run Outrider; a folder's conftest names those that it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.harness import Outrider
from tests.origin import RawOrigin


@pytest.fixture
def own_origin() -> Iterator[RawOrigin]:
    """An origin of the test's own, for an Outrider of its own."""
    with RawOrigin() as origin:
        yield origin


@pytest.fixture
def start() -> Iterator[Callable[..., Outrider]]:
    """Starts an Outrider with settings of the test's own, ended when the test is over."""
    with ExitStack() as stack:

        def start(upstream: str, settings: dict[str, Any] | None = None, **more: Any) -> Outrider:
            return stack.enter_context(Outrider(upstream, settings, **more))

        yield start


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Shows what Outrider wrote under the test that failed."""
    report = yield
    if report.failed and report.when == "call":
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Outrider):
                report.sections.append((f"Outrider ({name})", value.report()))
    return report
