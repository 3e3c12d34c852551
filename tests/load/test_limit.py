"""The limit, found where it was seen and unknown where it was not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.load.limit import (
    ENOUGH_SECONDS,
    NO_PLATEAU,
    NO_RISE,
    NO_TRAFFIC,
    RECENT,
    Level,
    LimitTable,
    limit_of,
)
from agent.load.little import Span
from agent.load.monitor import Load
from tests.load.simulated import Queue, readings


def closed(table: LimitTable, clients: int, slots: int, service: float, times: int = 5) -> None:
    """What is seen of so many clients that each wait for their answer: two seconds a time."""
    rate = min(clients, slots) / service
    for _ in range(times):
        requests = round(2 * rate)
        table.add(Span(2.0, requests, requests * clients / rate, clients))


def test_without_traffic_nothing_is_known() -> None:
    table = LimitTable()
    assert table.limit() == (None, NO_TRAFFIC)
    table.add(Span(2.0, 0, 0.0, 3.0))
    table.add(Span(2.0, 40, 1.0, 0.5))
    assert table.limit() == (None, NO_TRAFFIC)
    assert table.levels() == []


def test_while_throughput_rises_the_limit_is_unknown() -> None:
    table = LimitTable()
    for clients in (1, 2, 4, 8):
        closed(table, clients, slots=8, service=0.02)
    assert table.limit() == (None, NO_PLATEAU)


def test_a_client_that_is_alone_shows_no_limit_where_its_requests_become_longer() -> None:
    seen = ((0.062, 72.4), (0.405, 371.0), (0.739, 376.0), (0.874, 343.0))
    levels = [Level(busy, rate, busy / rate, 10.0) for busy, rate in seen]
    assert limit_of(levels) == (None, NO_PLATEAU)


@pytest.mark.parametrize(
    "seen", [(1, 2, 4, 8, 16), (1, 8, 16), (1, 64, 200), (2, 3, 4, 5, 6, 8, 9)]
)
def test_the_limit_is_the_number_of_slots_whatever_was_seen_of_it(seen: tuple[int, ...]) -> None:
    table = LimitTable()
    for clients in seen:
        closed(table, clients, slots=4, service=0.02)
    limit, why = table.limit()
    assert why == ""
    assert limit == pytest.approx(4, rel=0.15)


def test_a_server_that_was_always_full_has_no_known_limit() -> None:
    table = LimitTable()
    for clients in (8, 16, 32):
        closed(table, clients, slots=4, service=0.02)
    assert table.limit() == (None, NO_RISE)


def test_requests_that_become_longer_are_no_limit() -> None:
    """As many a second as before, three times as long: more in flight, and nothing waits."""
    table = LimitTable()
    for concurrency in (2.0, 6.0, 2.0, 6.0):
        for _ in range(5):
            table.add(Span(2.0, 200, 100 * concurrency, concurrency))
    assert table.limit() == (None, NO_RISE)


def test_few_heavy_requests_are_no_end_of_a_plateau() -> None:
    table = LimitTable()
    for clients in (1, 2, 4):
        closed(table, clients, slots=8, service=0.02)
    closed(table, 12, slots=12, service=0.4)
    assert table.limit() == (None, NO_PLATEAU)


def test_a_moment_is_no_evidence() -> None:
    table = LimitTable()
    for clients in (1, 4, 16):
        closed(table, clients, slots=4, service=0.002, times=1)
    assert ENOUGH_SECONDS > 2
    assert table.limit() == (None, NO_TRAFFIC)


def test_it_follows_a_server_that_was_changed() -> None:
    table = LimitTable()
    for clients in (1, 4, 16):
        closed(table, clients, slots=4, service=0.02)
    before, _ = table.limit()
    for clients in (1, 4, 16):
        closed(table, clients, slots=16, service=0.02, times=int(10 * RECENT))
    closed(table, 64, slots=16, service=0.02, times=int(RECENT))
    after, _ = table.limit()
    assert before == pytest.approx(4, rel=0.15)
    assert after == pytest.approx(16, rel=0.15)


def test_what_is_old_is_forgotten() -> None:
    table = LimitTable()
    for clients in (1, 4, 16):
        closed(table, clients, slots=4, service=0.02)
    for _ in range(7 * 24):
        table.add(Span(3600.0, 3600, 72.0, 0.5))
    assert [level.concurrency < 1 for level in table.levels()] == [True]


@given(
    st.lists(
        st.tuples(
            st.floats(1e-6, 1e5),
            st.integers(0, 10**9),
            st.floats(0, 1e12),
            st.floats(0, 1e9),
        ),
        max_size=60,
    )
)
def test_any_numbers_give_a_limit_or_a_reason(spans: list[tuple[float, int, float, float]]) -> None:
    table = LimitTable()
    for seconds, requests, held, concurrency in spans:
        table.add(Span(seconds, requests, held, concurrency))
    limit, why = table.limit()
    assert (limit is None) == bool(why)
    assert limit is None or 0 <= limit <= max(level.concurrency for level in table.levels())
    assert len(table.levels()) < 50
    assert limit_of(table.levels()) == (limit, why)


@settings(max_examples=8, deadline=None)
@given(
    slots=st.sampled_from((1, 2, 4, 8, 16)),
    work=st.sampled_from(("equal", "exponential", "very different")),
    seed=st.integers(0, 2**32),
)
def test_of_a_simulated_queue_it_is_near_the_number_of_servers(
    slots: int, work: str, seed: int
) -> None:
    """Arrivals at random, from little to more than it can take and back, twice."""
    dice, mean = random.Random(seed), 0.1
    times = {
        "equal": lambda: mean,
        "exponential": lambda: dice.expovariate(1 / mean),
        "very different": lambda: mean * dice.lognormvariate(-0.5, 1),
    }
    queue = Queue(slots, times[work])
    most = slots / mean
    now = queue.reading()
    load = Load(lambda _: now)
    rate = lambda t: most * (0.1 + 1.2 * abs((t % 300) / 150 - 1))  # noqa: E731
    for now in readings(queue, rate, 600, dice):
        load.tick(now.at)
    view = load.view()
    assert view is not None
    assert view.limit is not None, view.limit_unknown
    # One server makes some wait in light traffic too, most where the work is uneven.
    assert 0.75 * slots < view.limit < (1.6 if slots > 1 else 4) * slots
