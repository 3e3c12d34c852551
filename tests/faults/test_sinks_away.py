"""The collector and Loki are away, in every way in which they are: traffic does not notice.

The identity that must hold, for each sink: made = sent + dropped + waiting, to the record.
"""

from __future__ import annotations

import os
import time

import pytest

from tests.faults.load import Load, counting_model
from tests.faults.receiver import receiver
from tests.harness import Metrics, Outrider, eventually

LINES = "loki"
SECONDS = float(os.environ.get("OUTRIDER_TEST_AWAY_SECONDS", "600"))
RATE = 500
TOTAL = 4000
GROWTH = 64 << 20
"""Bytes by which the observer may grow: two queues of 16 MiB, and what their records cost."""
COUNT = "http_server_request_duration_seconds_count"


@pytest.fixture(scope="module")
def model():
    with counting_model() as model:
        yield model


@pytest.fixture
def sinks():
    with receiver() as sinks:
        yield sinks


def started(start, model, sinks, **drain: str) -> Outrider:
    settings = {
        "logs": {"stdout": False},
        "sinks": {"loki": {"type": "loki", "url": f"{sinks.url}/loki/api/v1/push"}},
        "drain": {"delay": "0s", "grace": "5s", "flush": "1s", **drain},
    }
    return start(model.url, settings, env={"OTEL_EXPORTER_OTLP_ENDPOINT": sinks.url})


def all_served(proxy: Outrider, total: int) -> None:
    with Load(proxy.address, total) as load:
        pass
    assert (load.answered, load.lost, load.refused, load.errors) == (total, 0, 0, {})


def outcome(scrape: Metrics, sink: str, *names: str) -> float:
    return sum(scrape.value("outrider_sink_records_total", sink=sink, outcome=n) for n in names)


def accounted(proxy: Outrider, total: int, made_per_request: dict[str, int]) -> bool:
    """Every span and line was sent, dropped for a reason, or waits; or was shed before."""
    scrape = proxy.metrics()
    if scrape.value("outrider_records_total", stage="finished") != total:
        return False
    for sink, each in made_per_request.items():
        ended = outcome(scrape, sink, "sent", "rejected", "dropped_full", "dropped_stop", "failed")
        waits = scrape.value("outrider_spool_records", sink=sink)
        if ended + waits != each * total:
            return False
    return True


def names(proxy: Outrider) -> dict[str, int]:
    """What one request makes for each sink: two spans, one line."""
    found = {
        sample.labels["sink"]
        for family in proxy.metrics().families.values()
        for sample in family.samples
        if sample.name == "outrider_spool_records"
    }
    return {sink: 1 if sink == LINES else 2 for sink in found}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["hanging", "busy"])
def test_away_and_back(start, model, sinks, mode):
    """All that fits waits, and arrives once it is back; nothing twice, nothing missing."""
    proxy = started(start, model, sinks)
    sinks.mode(mode)
    all_served(proxy, TOTAL)
    made = names(proxy)
    assert len(made) == 2
    eventually(lambda: accounted(proxy, TOTAL, made), "every record accounted for")
    assert sinks.counts() == {}
    assert proxy.metric(COUNT, http_request_method="POST") == TOTAL
    assert {proxy.probe("/healthz"), proxy.probe("/readyz")} == {200}
    sinks.mode("well")
    want = {"spans": 2 * TOTAL, "lines": TOTAL}
    eventually(lambda: sinks.counts() == want, "all of it to arrive", 60)
    eventually(lambda: accounted(proxy, TOTAL, made), "every record accounted for")
    scrape = proxy.metrics()
    assert sum(outcome(scrape, sink, "sent") for sink in made) == 3 * TOTAL
    away = [line for line in proxy.stderr().splitlines() if "sink away" in line]
    assert len(away) <= 2 * len(made), proxy.report()


@pytest.mark.slow
def test_it_ends_in_time_while_they_hang(start, model, sinks):
    """`drain.flush` bounds what the end waits for; what could not be sent is no failed request."""
    proxy = started(start, model, sinks, flush="1s")
    sinks.mode("hanging")
    all_served(proxy, TOTAL)
    began = time.monotonic()
    assert proxy.stop() == 0
    print(f"ended after {time.monotonic() - began:.2f} s with drain.flush of 1 s")


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 300)
def test_hanging_for_long_at_500_a_second(start, model, sinks):
    """Memory has its bound; what no longer fits is dropped, oldest first, and counted."""
    proxy = started(start, model, sinks)
    all_served(proxy, TOTAL)
    eventually(lambda: sinks.counts()["lines"] == TOTAL, "the lines before")
    before = proxy.rss("observer")
    sinks.mode("hanging")
    total, began = TOTAL, time.monotonic()
    largest = before
    while time.monotonic() - began < SECONDS:
        all_served(proxy, RATE)
        total += RATE
        largest = max(largest, proxy.rss("observer"))
        due = began + (total - TOTAL) / RATE
        eventually(lambda: time.monotonic() >= due, "the next second", 5)  # noqa: B023
    made = names(proxy)
    eventually(lambda: accounted(proxy, total, made), "every record accounted for")
    print(f"{total} requests; the observer grew by {(largest - before) / 1e6:.1f} MB")
    assert largest - before < GROWTH
    assert proxy.metric(COUNT, http_request_method="POST") == total
    sinks.mode("well")
    eventually(lambda: proxy.metric("outrider_spool_records") == 0, "the backlog to be sent", 300)
    scrape = proxy.metrics()
    delivered = sinks.counts()
    assert delivered["lines"] == outcome(scrape, LINES, "sent")
    assert accounted(proxy, total, made)
