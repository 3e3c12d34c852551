"""Nothing grows that should not: descriptors, connections and memory, under mixed traffic."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.faults.mixed import kind, mixed_model, send
from tests.harness import Outrider, eventually

MINUTES = float(os.environ.get("OUTRIDER_TEST_SOAK_MINUTES", "120"))
WARM_UP = min(20.0, MINUTES / 3)
"""Minutes in which memory may settle."""
RATE = 200.0
COUNT = "http_server_request_duration_seconds_count"
PART = 1000
ROUNDS = 5


@pytest.fixture
def proxy(start):
    with mixed_model() as url:
        yield start(url)


def descriptors(proxy: Outrider) -> dict[str, int]:
    roles = ("worker", "observer")
    return {role: len(list(Path(f"/proc/{proxy.pid(role)}/fd").iterdir())) for role in roles}


def at_rest(proxy: Outrider, floor: dict[str, int]) -> bool:
    """Back to the descriptors of the start, but for idle connections to the model server."""
    now = descriptors(proxy)
    return now["worker"] <= floor["worker"] + 1 and now["observer"] <= floor["observer"] + 1


def expected(total: int) -> Counter[str]:
    fates = {"prediction": "200", "stream": "200", "broken": "500"}
    return Counter(fates.get(kind(n), kind(n)) for n in range(total))


def all_counted(proxy: Outrider, total: int) -> bool:
    scrape = proxy.metrics()
    want = expected(PART)
    parts = total // PART
    return (
        scrape.value(COUNT) == total
        and scrape.value(COUNT, http_response_status_code="499") == want["given up"] * parts
        and scrape.value(COUNT, http_response_status_code="500") == want["500"] * parts
        and scrape.value("outrider_records_total", stage="finished") == total
        and scrape.value("outrider_records_dropped_total") == 0
        and scrape.value("http_server_active_requests") == 0
    )


def slope(sizes: list[tuple[float, int]]) -> float:
    """Bytes an hour, of a straight line through sizes at hours."""
    hours, found = zip(*sizes, strict=True)
    return float(np.polyfit(hours, found, 1)[0])


@pytest.mark.slow
def test_nothing_is_left_over(proxy):
    """After each part of the traffic the same descriptors, connections and counts as before."""
    eventually(lambda: proxy.metric(COUNT) == 0, "the observer")
    floor, sizes = descriptors(proxy), []
    for part in range(1, ROUNDS + 1):
        assert send(proxy.address, PART, rate=1e9) == expected(PART)
        eventually(lambda: all_counted(proxy, part * PART), "every request counted")  # noqa: B023
        sizes.append(proxy.rss("worker"))
    eventually(lambda: at_rest(proxy, floor), "descriptors to be closed", 15)
    print("worker's RSS after each part, MB:", [round(size / 1e6, 1) for size in sizes])
    assert sizes[-1] - sizes[1] < 4 << 20


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 300)
def test_memory_is_level_for_hours(proxy):
    """At 200 requests a second: less than 1 MB an hour for each process, once it has settled."""
    eventually(lambda: proxy.metric(COUNT) == 0, "the observer")
    floor, began, total = descriptors(proxy), time.monotonic(), 0
    seen: dict[str, list[tuple[float, int]]] = {"worker": [], "observer": []}
    while (minutes := (time.monotonic() - began) / 60) < MINUTES:
        assert send(proxy.address, PART, RATE) == expected(PART)
        total += PART
        for role, sizes in seen.items():
            if minutes > WARM_UP:
                sizes.append((minutes / 60, proxy.rss(role)))
    eventually(lambda: all_counted(proxy, total), "every request counted")
    eventually(lambda: at_rest(proxy, floor), "descriptors to be closed", 15)
    slopes = {role: slope(sizes) for role, sizes in seen.items()}
    print(f"{total} requests; bytes an hour: {slopes}; from {WARM_UP} to {MINUTES} minutes")
    if MINUTES >= 60:  # a shorter fit says nothing about an hour
        assert max(slopes.values()) < 1e6
