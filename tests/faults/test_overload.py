"""More than there is room for: observation is left out first, requests are not, all is counted."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.load import Load, counting_model
from tests.harness import Outrider, eventually

TOTAL = int(os.environ.get("OUTRIDER_TEST_OVERLOAD_REQUESTS", "30000"))
COUNT = "http_server_request_duration_seconds_count"
GROWTH = 48 << 20
"""Bytes by which all processes may grow: `capture.budget` on both sides of the bus, and queues."""
RUNS, STANDS = 0.02, 0.18
"""Seconds in which the observer runs, and in which it does not: a tenth of a core."""


@pytest.fixture(scope="module")
def model():
    with counting_model() as model:
        yield model


@contextlib.contextmanager
def throttled(pid: int) -> Iterator[None]:
    """The process runs for a tenth of the time."""
    over = threading.Event()

    def loop() -> None:
        while not over.is_set():
            os.kill(pid, signal.SIGSTOP)
            over.wait(STANDS)
            os.kill(pid, signal.SIGCONT)
            over.wait(RUNS)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def balanced(proxy: Outrider, total: int) -> bool:
    """Every record was finished, or dropped by whoever had no room for it."""
    scrape = proxy.metrics()
    return scrape.value(COUNT) == total == scrape.accounted()


def size(proxy: Outrider) -> int:
    return proxy.rss("worker") + proxy.rss("observer")


@pytest.mark.slow
@pytest.mark.parametrize(("connections", "budget"), [(200, "16MiB"), (16, "1MiB")])
def test_an_observer_with_a_tenth_of_a_core(start, model, connections, budget):
    """Every request is answered; what is not observed is counted; then all is as before."""
    proxy = start(model.url, {"capture": {"budget": budget}})
    observer = proxy.pid("observer")
    eventually(lambda: proxy.metric(COUNT) == 0, "the observer")
    before, began = size(proxy), time.monotonic()
    with throttled(observer), Load(proxy.address, TOTAL, connections) as load:
        eventually(lambda: load.done == TOTAL, "the load to be over", 100)
        largest = size(proxy)
    rate = TOTAL / (time.monotonic() - began)
    assert (load.answered, load.lost, load.refused, load.errors) == (TOTAL, 0, 0, {})
    eventually(lambda: balanced(proxy, TOTAL), "every record accounted for", 30)
    scrape = proxy.metrics()
    left_out = scrape.value("outrider_records_dropped_total")
    print(f"{rate:.0f}/s; {left_out:.0f} left out; grew by {(largest - before) / 1e6:.1f} MB")
    assert left_out > 0 or budget != "1MiB"
    assert largest - before < GROWTH
    assert proxy.pid("observer") == observer
    after = TOTAL

    def calm() -> bool:
        nonlocal after
        with Load(proxy.address, 20):
            after += 20
        return proxy.metric("outrider_shed_level") == 0

    eventually(calm, "nothing to be shed any more")
    eventually(lambda: balanced(proxy, after), "every record accounted for")


@pytest.mark.slow
def test_more_clients_than_connections(start, model):
    """Those over the bound get 503 and a close at once; the others are served as before."""
    proxy = start(model.url, {"limits": {"connections": 50}})
    with Load(proxy.address, 2000, 50) as load:
        eventually(lambda: load.done > 100, "the load to get on")
        with Load(proxy.address, 200, 20) as more:
            pass
    assert (load.answered, load.lost, load.refused) == (2000, 0, 0)
    assert set(more.errors) <= {503}
    refused = proxy.metric("outrider_client_connections_refused_total")
    assert refused >= sum(more.errors.values())
    assert proxy.metric(COUNT) == 2000 + more.answered
