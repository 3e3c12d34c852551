"""One Outrider and one origin for all tests that need no settings of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.fixtures import own_origin, pytest_runtest_makereport, start
from tests.harness import Outrider
from tests.origin import RawOrigin
from tests.wire import Stream

__all__ = ["own_origin", "pytest_runtest_makereport", "start"]


@pytest.fixture(scope="session")
def shared_origin() -> Iterator[RawOrigin]:
    with RawOrigin() as origin:
        yield origin


@pytest.fixture(scope="session")
def shared_proxy(shared_origin: RawOrigin) -> Iterator[Outrider]:
    with Outrider(shared_origin.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def module_origin() -> Iterator[RawOrigin]:
    """An origin for the Outriders with settings that one file's tests share."""
    with RawOrigin() as origin:
        yield origin


@pytest.fixture
def proxy(shared_proxy: Outrider) -> Outrider:
    return shared_proxy


@pytest.fixture
def origin(shared_origin: RawOrigin) -> Iterator[RawOrigin]:
    yield shared_origin
    shared_origin.reset()


@pytest.fixture
def connect(proxy: Outrider, origin: RawOrigin) -> Iterator[Callable[[], Stream]]:
    """Makes connections to the shared proxy, closed when the test is over, before the origin's."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(proxy.connect())


@pytest.fixture
def client(connect: Callable[[], Stream]) -> Stream:
    return connect()
