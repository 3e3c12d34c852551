"""One generation after another in one ledger: who writes where, and what the sums are."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.ledger import OBSERVER, WORKER, Caps, Ledger, Place, SeriesKey
from agent.regions import Layout
from tests.signals.ledgers import KEY, ROUTE, count

SMALL = Caps(series=4, routes=3)


def after(running: Ledger, workers: int) -> Ledger:
    """The next generation's, as it is made of the descriptor that it was given."""
    return Ledger(workers, caps=SMALL, fd=os.dup(running.fd), running=running.place)


def total(ledger: Ledger) -> int:
    return sum(sum(histogram.counts) for histogram in ledger.series().values())


def regions(place: Place) -> set[int]:
    return set(range(place.first, place.first + place.workers))


@given(st.lists(st.integers(1, 256), min_size=1, max_size=12))
def test_two_that_run_at_once_never_write_to_one_region_and_there_is_always_room(workers):
    place = Place(0, workers[0], 0)
    for more in workers[1:]:
        following = place.beside(more)
        assert len(regions(following)) == more
        assert not regions(place) & regions(following)
        assert following.observer == 1 - place.observer
        assert following.first + more <= 3 * max(workers)
        place = following


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), min_size=1, max_size=8))
@settings(deadline=None, max_examples=30)
def test_sums_go_on_over_any_generations(generations):
    """Whoever looks, the new one or the old one that drains."""
    ledger = Ledger(generations[0][0], caps=SMALL)
    counted, size = 0, 0
    for workers, times in generations:
        old, ledger = ledger, after(ledger, workers)
        for n in range(workers):
            count(ledger, n, KEY, times=times)
            count(old, 0, SeriesKey("GET", ROUTE, "200", "", "draining"))
            counted += times + 1
            assert total(ledger) == total(old) == counted
        ledger.observer[OBSERVER["finished"]] += 1
        old.settle(old.place)
        size = os.fstat(ledger.fd).st_size
    assert ledger.observer_counter("finished") == len(generations)
    most = 3 * max(workers for workers, _ in generations)
    assert size <= os.fstat(Ledger(most, caps=SMALL).fd).st_size


def test_ten_in_a_row_take_turns_in_two_places():
    ledger = Ledger(2, caps=SMALL)
    places, sizes = [ledger.place], []
    for _ in range(10):
        ledger = after(ledger, 2)
        places.append(ledger.place)
        sizes.append(os.fstat(ledger.fd).st_size)
    assert places == [Place(0, 2, 0), Place(2, 2, 1)] * 5 + [Place(0, 2, 0)]
    assert len(set(sizes)) == 1


def test_a_generation_begins_with_no_gauges_and_the_counts_of_whose_regions_it_has():
    first = Ledger(1, caps=SMALL)
    count(first, 0, times=5)
    region = first.worker(0)
    region.routes.words[region.routes.row((ROUTE, "iris"))] = 3
    for name in ("ready", "connections", "draining", "budget_used"):
        region.counters[WORKER[name]] = 1
    first.observer[OBSERVER["ready"]] = first.observer[OBSERVER["finished"]] = 1
    second = after(first, 1)
    assert sum(second.route_counts("active").values()) == 3, "the first one still runs"
    third = after(second, 1)
    assert third.place == first.place
    assert sum(third.route_counts("active").values()) == 0
    assert third.counter("connections") == 0
    assert third.observer[OBSERVER["ready"]] == 0
    assert third.observer_counter("finished") == 1
    assert total(third) == 5


def test_what_a_generation_had_in_hand_at_its_end_is_lost_and_counted():
    ledger = Ledger(2, caps=SMALL)
    c = ledger.worker(1).counters
    c[WORKER["observed"]], c[WORKER["handed"]], c[WORKER["dropped_full"]] = 10, 6, 1
    ledger.done[1] = 4
    ledger.observer[OBSERVER["finished"]] = 4
    ledger.worker(1).routes.words[ledger.worker(1).routes.row((ROUTE, "iris"))] = 2
    following = after(ledger, 1)
    for _ in range(2):
        following.settle(ledger.place)
        assert following.counter("dropped_killed") == 3
        assert following.observer_counter("lost") == 2
        assert sum(following.route_counts("active").values()) == 0


def test_more_workers_than_there_are_regions():
    with pytest.raises(ValueError, match="1025 workers"):
        Ledger(1025, caps=SMALL)


def test_layouts_have_one_digest_only_if_they_are_the_same():
    usual = Layout({}, SMALL).digest
    assert Layout({}, SMALL).digest == usual
    others = [
        Layout({"duration": (1.0, 2.0)}, SMALL),
        Layout({"overhead": (1.0, 2.0)}, SMALL),
        Layout({}, Caps(series=5, routes=3)),
    ]
    assert len({usual, *(layout.digest for layout in others)}) == 4
