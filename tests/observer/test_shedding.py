"""What is left out under overload, in which order, and how the observer comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ledger import OBSERVER, OBSERVER_COUNTERS
from agent.observer.shedding import (
    CALM_NS,
    LOGS,
    PAYLOAD_LOGS,
    SKETCHES,
    SPANS,
    STEP_NS,
    Shedder,
)


def shedder() -> tuple[Shedder, list[int]]:
    counters = [0] * len(OBSERVER_COUNTERS)
    return Shedder(counters), counters


@pytest.mark.parametrize(
    ("age", "level"),
    [
        (0, 0),
        (STEP_NS - 1, 0),
        (STEP_NS, SKETCHES),
        (2 * STEP_NS, PAYLOAD_LOGS),
        (3 * STEP_NS, LOGS),
        (4 * STEP_NS, SPANS),
        (1000 * STEP_NS, SPANS),
        (-STEP_NS, 0),
    ],
)
def test_the_level_follows_the_age_of_what_arrives_and_is_shown(age, level):
    one, counters = shedder()
    assert one.level(age) == level
    assert counters[OBSERVER["shed"]] == level


def test_least_matters_what_is_shed_first():
    assert (SKETCHES, PAYLOAD_LOGS, LOGS, SPANS) == (1, 2, 3, 4)


def test_up_at_once_and_down_one_by_one_once_it_is_calm():
    one, counters = shedder()
    assert one.level(5 * STEP_NS) == SPANS
    assert one.level(CALM_NS) == SPANS, "not calm yet"
    seen = []
    for _ in range(5):
        seen.append(one.level(CALM_NS - 1))
        assert counters[OBSERVER["shed"]] == seen[-1]
    assert seen == [3, 2, 1, 0, 0]


@given(st.lists(st.integers(-STEP_NS, 6 * STEP_NS), max_size=40))
def test_any_ages_keep_the_level_within_its_bounds(ages):
    one, counters = shedder()
    before = 0
    for age in ages:
        level = one.level(age)
        assert min(max(age, 0) // STEP_NS, SPANS) <= level <= SPANS
        assert level >= before - 1
        assert level <= before or level == age // STEP_NS or level == SPANS
        assert counters[OBSERVER["shed"]] == level
        before = level


def test_a_new_observer_begins_calm():
    counters = [9] * len(OBSERVER_COUNTERS)
    Shedder(counters)
    assert counters[OBSERVER["shed"]] == 0


def test_what_was_left_out_is_counted_by_its_kind():
    one, counters = shedder()
    for level, records in ((SKETCHES, 3), (LOGS, 5), (SPANS, 7), (SKETCHES, 10)):
        one.count(level, records)
    named = {name: counters[OBSERVER[name]] for name in OBSERVER_COUNTERS if name != "shed"}
    assert {name: n for name, n in named.items() if n} == {
        "shed_sketches": 13,
        "shed_logs": 5,
        "shed_spans": 7,
    }
