"""The mean in flight, against what a simulated queue really had."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.ledger import RouteKey
from agent.load.little import between
from agent.load.readings import Flow, Reading
from tests.load.simulated import Queue, readings

A, B = RouteKey("/a", ""), RouteKey("/b", "")


def reading(at: float, **flows: tuple[int, float, int]) -> Reading:
    return Reading(at, {RouteKey(f"/{k}", ""): Flow(*v) for k, v in flows.items()}, 0, 0, 0)


def test_nothing_is_said_of_one_moment() -> None:
    assert between([]) is None
    assert between([reading(1.0, a=(1, 1.0, 1))]) is None
    assert between([reading(1.0, a=(1, 1.0, 1)), reading(1.0, a=(2, 2.0, 1))]) is None


def test_short_requests_are_averaged_by_what_they_took() -> None:
    """A gauge that is looked at each second would see none of them."""
    span = between([reading(0.0, a=(10, 1.0, 0)), reading(10.0, a=(1010, 21.0, 0))])
    assert span is not None
    assert (span.requests, span.rate, span.mean) == (1000, 100.0, pytest.approx(0.02))
    assert span.concurrency == pytest.approx(2.0)


def test_long_streams_hold_their_slot_before_they_end() -> None:
    """Four streams go on for the whole minute, and none has ended."""
    looks = [reading(float(t), a=(7, 70.0, 4), b=(t, 0.001 * t, 0)) for t in range(61)]
    span = between(looks)
    assert span is not None
    assert span.concurrency == pytest.approx(4.001)


def test_a_stream_that_ends_is_not_all_of_the_last_second() -> None:
    """An hour of it is in the sum at once, but one slot was held."""
    looks = [
        reading(0.0, a=(0, 0.0, 1)),
        reading(1.0, a=(0, 0.0, 1)),
        reading(2.0, a=(1, 3600.0, 0)),
    ]
    span = between(looks)
    assert span is not None
    assert span.concurrency == pytest.approx(0.75)


def test_a_long_stream_among_short_requests_is_no_crowd() -> None:
    """A thousand that took 10 ms each, and one of an hour that ended."""
    looks = [reading(float(t), a=(17 * t, 0.17 * t, 1)) for t in range(60)]
    span = between([*looks, reading(60.0, a=(1021, 3610.2, 0))])
    assert span is not None
    assert span.concurrency == pytest.approx(1, abs=0.05)


def test_a_route_that_is_new_counts_from_nothing() -> None:
    span = between([reading(0.0), reading(2.0, a=(20, 1.0, 0))])
    assert span is not None
    assert (span.requests, span.concurrency) == (20, 0.5)


@settings(max_examples=25, deadline=None)
@example(slots=1, mean=5.0, load=0.90625, seed=291)
@given(
    slots=st.integers(1, 16),
    mean=st.sampled_from((0.01, 0.1, 1.0, 5.0, 20.0)),
    load=st.floats(0.1, 1.2),
    seed=st.integers(0, 2**32),
)
def test_it_is_the_time_average_of_a_simulated_queue(
    slots: int, mean: float, load: float, seed: int
) -> None:
    dice = random.Random(seed)
    queue = Queue(slots, lambda: dice.expovariate(1 / mean))
    rate = min(load * slots / mean, 200.0)
    looks = list(readings(queue, lambda _: rate, 120, dice))
    span = between(looks)
    assert span is not None
    truth = queue.area / 120
    # What is in flight at the ends is short beside two minutes, or is seen by the gauge.
    assert span.concurrency == pytest.approx(truth, rel=0.25, abs=0.3)
    assert span.requests == queue.finished
