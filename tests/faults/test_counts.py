"""Counts are exact, whoever dies: the generator's, the model's and those of /metrics agree."""

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

pytestmark = pytest.mark.slow

TOTAL = int(os.environ.get("OUTRIDER_TEST_REQUESTS", "20000"))
STOPPED = float(os.environ.get("OUTRIDER_TEST_STOPPED", "2"))
"""Seconds for which the observer is stopped; a minute where there is the time."""
SECONDS = float(os.environ.get("OUTRIDER_TEST_SECONDS", "600"))
"""Of a soak."""
COUNT = "http_server_request_duration_seconds_count"
ROUTE = {"http_request_method": "POST"}


@pytest.fixture
def model():
    with counting_model() as model:
        yield model


@contextlib.contextmanager
def probing(proxy: Outrider) -> Iterator[set[tuple[str, int]]]:
    """Asks both probes all the time; gives every pair of path and status that was seen."""
    seen: set[tuple[str, int]] = set()
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(0.02):
            seen.update((path, proxy.probe(path)) for path in ("/healthz", "/readyz"))

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


HEALTHY = {("/healthz", 200), ("/readyz", 200)}


def counted(proxy: Outrider, expected: int) -> None:
    """The scrape says exactly this many, and stays there."""
    eventually(lambda: proxy.metric(COUNT, **ROUTE) >= expected, f"{expected} counted", 30)
    assert proxy.metric(COUNT, **ROUTE) == expected


def test_at_full_load(start, model):
    proxy = start(model.url)
    with Load(proxy.address, TOTAL) as load:
        pass
    assert (load.answered, load.lost, load.refused, load.errors) == (TOTAL, 0, 0, {})
    assert model.count() == TOTAL
    counted(proxy, TOTAL)
    scrape = proxy.metrics()
    assert scrape.value(COUNT, http_response_status_code="200", error_type="", **ROUTE) == TOTAL
    assert scrape.value("outrider_requests_failed_total") == 0
    assert scrape.value("http_server_active_requests") == 0


def test_with_connections_that_come_and_go(start, model):
    proxy = start(model.url)
    total = TOTAL // 4
    with Load(proxy.address, total, per_connection=3) as load:
        pass
    assert (load.answered, load.lost, load.refused, load.errors) == (total, 0, 0, {})
    assert model.count() == total
    counted(proxy, total)


def test_with_two_workers(start, model):
    proxy = start(model.url, {"workers": 2})
    with Load(proxy.address, TOTAL // 2, connections=32, per_connection=100) as load:
        pass
    assert load.answered == TOTAL // 2
    assert model.count() == TOTAL // 2
    counted(proxy, TOTAL // 2)


def test_with_the_observer_killed_twice(start, model):
    proxy = start(model.url)
    with probing(proxy) as probes, Load(proxy.address, TOTAL) as load:
        for part in (0.2, 0.6):
            eventually(lambda: load.done > TOTAL * part, "the load to get on", 60)  # noqa: B023
            observer = proxy.pid("observer")
            os.kill(observer, signal.SIGKILL)
    assert (load.answered, load.lost, load.refused, load.errors) == (TOTAL, 0, 0, {})
    assert model.count() == TOTAL
    counted(proxy, TOTAL)
    assert probes == HEALTHY


def test_with_the_observer_stopped(start, model):
    proxy = start(model.url)
    observer = proxy.pid("observer")
    with probing(proxy) as probes, Load(proxy.address, TOTAL) as load:
        eventually(lambda: load.done > TOTAL * 0.2, "the load to get on", 60)
        os.kill(observer, signal.SIGSTOP)
        since = time.monotonic()
        eventually(lambda: load.done > TOTAL * 0.8, "the load to get on", 120)
        eventually(lambda: time.monotonic() > since + STOPPED, "the time to pass", STOPPED + 1)
        with contextlib.suppress(ProcessLookupError):  # taken for hung, and replaced
            os.kill(observer, signal.SIGCONT)
    assert (load.answered, load.lost, load.refused, load.errors) == (TOTAL, 0, 0, {})
    assert model.count() == TOTAL
    counted(proxy, TOTAL)
    assert probes == HEALTHY


def test_what_a_dead_observer_loses_is_counted(start, model):
    """Each record made is finished, dropped for a reason, or lost; none is unaccounted for."""
    proxy = start(model.url)
    with Load(proxy.address, TOTAL) as load:
        for part in (0.1, 0.3, 0.5, 0.7, 0.9):
            eventually(lambda: load.done > TOTAL * part, "the load to get on", 60)  # noqa: B023
            os.kill(proxy.pid("observer"), signal.SIGKILL)
    assert load.answered == TOTAL
    counted(proxy, TOTAL)
    records, dropped = "outrider_records_total", "outrider_records_dropped_total"

    def accounted() -> bool:
        scrape = proxy.metrics()
        finished = scrape.value(records, stage="finished")
        lost = scrape.value(dropped, stage="worker") + scrape.value(dropped, stage="observer")
        return scrape.value(records, stage="observed") == finished + lost == TOTAL

    eventually(accounted, "every record accounted for")


def test_with_a_worker_killed(start, model):
    """Nobody is refused, only what was in flight on it fails, and the counts go on."""
    proxy = start(model.url)
    with Load(proxy.address, TOTAL, per_connection=50) as load:
        for part in (0.2, 0.6):
            eventually(lambda: load.done > TOTAL * part, "the load to get on", 60)  # noqa: B023
            worker = proxy.pid("worker")
            os.kill(worker, signal.SIGKILL)
    assert load.refused == 0
    assert load.errors == {}
    assert load.lost <= 2 * 16
    assert load.answered + load.lost == TOTAL
    assert load.answered <= model.count() <= TOTAL
    seen = load.answered - 2  # a kill may fall between the last byte's write and its count
    eventually(lambda: proxy.metric(COUNT, **ROUTE) >= seen, "all others counted")
    assert proxy.metric(COUNT, **ROUTE) <= TOTAL
    assert proxy.metric("http_server_active_requests") == 0
    assert len(proxy.pids()["worker"]) == 1


def test_with_one_of_two_workers_killed(start, model):
    """Sums over both, nothing twice: the new one goes on where the dead one stopped."""
    proxy, total = start(model.url, {"workers": 2}), TOTAL // 2
    with Load(proxy.address, total, connections=32, per_connection=50) as load:
        for part in (0.2, 0.6):
            eventually(lambda: load.done > total * part, "the load to get on", 60)  # noqa: B023
            os.kill(proxy.pid("worker"), signal.SIGKILL)
    assert (load.refused, load.errors) == (0, {})
    assert load.lost <= 2 * 32
    assert load.answered + load.lost == total
    seen = load.answered - 2  # a kill may fall between the last byte's write and its count
    eventually(lambda: proxy.metric(COUNT, **ROUTE) >= seen, "all others counted")
    assert proxy.metric(COUNT, **ROUTE) <= model.count() <= total
    eventually(lambda: len(proxy.pids()["worker"]) == 2, "two workers again")
    assert proxy.metric("http_server_active_requests") == 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_million_with_two_workers_of_which_one_is_killed(start, model):
    """Goal G26."""
    proxy, total = start(model.url, {"workers": 2}), 1_000_000
    with Load(proxy.address, total, connections=32, per_connection=1000) as load:
        eventually(lambda: load.done > total // 2, "the load to get on", 1800)
        os.kill(proxy.pid("worker"), signal.SIGKILL)
    assert (load.refused, load.errors) == (0, {})
    counts = proxy.metric(COUNT, **ROUTE)
    print(f"{load.answered} answered, {load.lost} lost, {counts:.0f} counted")
    assert load.answered - 1 <= counts <= load.answered + load.lost == total


def test_with_a_hung_worker(start, model):
    """One of two that stands still is replaced; the other serves meanwhile."""
    proxy = start(model.url, {"workers": 2})
    hung = proxy.pid("worker")
    with Load(proxy.address, 10**9, connections=16, per_connection=20, think=0.005) as load:
        try:
            eventually(lambda: load.done > 200, "the load to get on", 60)
            os.kill(hung, signal.SIGSTOP)
            waiting = Load(proxy.address, 400, connections=100, per_connection=1)
            with waiting:  # enough for both queues; those in that of the stopped one wait
                eventually(lambda: waiting.answered > 20, "the other one to serve", 60)
                assert hung in proxy.pids()["worker"], "replaced only after ten ticks"
                eventually(lambda: hung not in proxy.pids()["worker"], "it to be replaced", 60)
            eventually(lambda: len(proxy.pids()["worker"]) == 2, "two workers again")
            answered = load.answered
            eventually(lambda: load.answered > answered + 500, "full speed again", 60)
        finally:
            load.stop()
    for sent in (load, waiting):
        assert (sent.refused, sent.errors) == (0, {})
        assert sent.lost <= 16, "what the hung one had accepted"
    answered = load.answered + waiting.answered
    eventually(lambda: proxy.metric(COUNT, **ROUTE) >= answered - 1, "all counted")
    assert proxy.metric(COUNT, **ROUTE) <= answered + load.lost + waiting.lost
    assert proxy.metric("outrider_process_restarts_total", process="worker") == 1


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_with_the_observer_killed_every_five_seconds(start, model):
    """Goal G14: ten minutes at about 200 requests a second."""
    proxy = start(model.url)
    kills, until = 0, time.monotonic() + SECONDS
    kept = Load(proxy.address, 10**9, connections=8, think=0.05)
    fresh = Load(proxy.address, 10**9, connections=4, per_connection=1, think=0.05)
    with probing(proxy) as probes, kept, fresh:
        while time.monotonic() < until:
            os.kill(proxy.pid("observer"), signal.SIGKILL)
            kills += 1
            after = time.monotonic() + 5
            eventually(lambda: time.monotonic() > after, "five seconds to pass", 6)  # noqa: B023
        kept.stop()
        fresh.stop()
    sent = kept.done + fresh.done
    print(f"{kills} kills, {sent} requests")
    for load in (kept, fresh):
        assert (load.lost, load.refused, load.errors) == (0, 0, {})
    counted(proxy, sent)
    assert probes == HEALTHY
