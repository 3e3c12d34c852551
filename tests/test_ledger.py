"""Counts in shared memory: exact over workers, restarts and full tables, whole for any reader."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.ledger import (
    DURATIONS,
    HISTOGRAMS,
    KEY_BYTES,
    OBSERVER,
    ROUTE_FIELDS,
    ROUTE_HISTOGRAMS,
    ROUTE_OTHER,
    SERIES_OTHER,
    WORKER,
    WORKER_COUNTERS,
    Caps,
    Ledger,
    RouteKey,
    SeriesKey,
    observe,
)
from tests.signals.ledgers import KEY, ROUTE, count

SMALL = Caps(series=4, routes=3)
GAUGES = {"ready", "connections", "draining", "budget_used"}


def key(n: int, route: str = ROUTE) -> SeriesKey:
    return SeriesKey("POST", route, "200", "", f"model-{n}")


def total(ledger: Ledger) -> int:
    return sum(sum(histogram.counts) for histogram in ledger.series().values())


# ---- adding up


def test_series_of_several_workers_are_summed():
    ledger = Ledger(3)
    for worker, times in enumerate((1, 20, 300)):
        count(ledger, worker, duration=0.5, times=times)
    got = ledger.series()[KEY]
    assert sum(got.counts) == 321
    assert got.counts[bisect_left(DURATIONS, 0.5)] == 321
    assert got.sum == pytest.approx(160.5)


def test_a_series_that_one_worker_alone_has_is_there():
    ledger = Ledger(2)
    count(ledger, 0, key(1))
    count(ledger, 1, key(2))
    assert {key(1), key(2)} <= set(ledger.series())


@pytest.mark.parametrize("name", ROUTE_HISTOGRAMS)
def test_histograms_of_routes_are_summed(name):
    ledger = Ledger(2)
    count(ledger, 0, times=2)
    count(ledger, 1, times=3)
    got = ledger.route_histograms(name)[RouteKey(ROUTE, "iris")]
    value = 100.0 if "size" in name else 0.001
    assert got.counts[bisect_left(got.bounds, value)] == sum(got.counts) == 5
    assert got.sum == pytest.approx(5 * value)


@pytest.mark.parametrize("name", ROUTE_FIELDS)
def test_counts_of_routes_are_summed(name):
    ledger = Ledger(2)
    for worker, times in enumerate((2, 5)):
        table = ledger.worker(worker).routes
        table.words[table.row(RouteKey(ROUTE, "iris")) + ROUTE_FIELDS.index(name)] = times
    assert ledger.route_counts(name)[RouteKey(ROUTE, "iris")] == 7
    assert sum(sum(ledger.route_counts(other).values()) for other in ROUTE_FIELDS) == 7


@pytest.mark.parametrize("name", WORKER_COUNTERS)
def test_counters_are_summed_and_do_not_touch_each_other(name):
    ledger = Ledger(2)
    for worker, value in enumerate((3, 1 << 40)):
        ledger.worker(worker).counters[WORKER[name]] = value
    assert ledger.counter(name) == 3 + (1 << 40)
    assert sum(map(ledger.counter, WORKER_COUNTERS)) == 3 + (1 << 40)
    assert not any(ledger.observer)
    assert not any(ledger.done)


def test_the_observers_words_are_its_own():
    ledger = Ledger(2)
    for n in range(len(OBSERVER)):
        ledger.observer[n] = n + 1
    ledger.done[0], ledger.done[1] = 1000, 2000
    assert list(ledger.observer) == [n + 1 for n in range(len(OBSERVER))]
    assert list(ledger.done) == [1000, 2000]
    assert not any(map(ledger.counter, WORKER_COUNTERS))
    assert total(ledger) == 0


def test_regions_and_tables_do_not_overlap():
    """Every word of one table is written; no other table changes."""
    ledger = Ledger(2, caps=SMALL)
    for n in range(9):
        count(ledger, 0, key(n), times=3)
    assert sum(sum(h.counts) for h in ledger.series().values()) == 27
    other = ledger.worker(1)
    assert [made for _, made in other.series.used()] == [SERIES_OTHER]
    assert [made for _, made in other.routes.used()] == [ROUTE_OTHER]
    assert not any(other.counters)
    assert not any(ledger.worker(0).counters)


# ---- rows


def test_other_exists_from_the_start_in_every_region():
    ledger = Ledger(3)
    for worker in range(3):
        region = ledger.worker(worker)
        assert [made for _, made in region.series.used()] == [SERIES_OTHER]
        assert [made for _, made in region.routes.used()] == [ROUTE_OTHER]
    assert sum(ledger.series()[SERIES_OTHER].counts) == 0


def test_a_restarted_worker_finds_its_rows_and_goes_on_counting():
    ledger = Ledger(1)
    first = ledger.worker(0)
    rows = [first.series.row(key(n)) for n in range(5)]
    count(ledger, 0, key(3), times=2)
    second = ledger.worker(0)
    assert [second.series.find(key(n)) for n in range(5)] == rows
    new = second.series.row(key(5))
    assert new not in rows
    count(ledger, 0, key(3), times=4)
    assert sum(ledger.series()[key(3)].counts) == 6
    assert [made for _, made in second.series.used()] == [SERIES_OTHER, *map(key, range(6))]


def test_find_makes_nothing():
    table = Ledger(1).worker(0).series
    assert table.find(KEY) is None
    assert len(list(table.used())) == 1


@given(asked=st.lists(st.integers(0, 12), max_size=60), restarts=st.sets(st.integers(0, 59)))
@settings(deadline=None, max_examples=50)
def test_a_full_table_counts_under_other_and_loses_nothing(asked, restarts):
    ledger = Ledger(1, caps=SMALL)
    region = ledger.worker(0)
    expected: Counter[SeriesKey] = Counter()
    made: set[int] = set()
    for at, n in enumerate(asked):
        if at in restarts:
            region = ledger.worker(0)
        if len(made) < SMALL.series - 1:
            made.add(n)
        expected[key(n) if n in made else SERIES_OTHER] += 1
        observe(region.series, region.series.row(key(n)), DURATIONS, 0.5)
    got = {name: sum(h.counts) for name, h in ledger.series().items() if sum(h.counts)}
    assert got == expected
    assert ledger.series().keys() <= {SERIES_OTHER, *map(key, made)}
    assert region.series.full == (len(made) == SMALL.series - 1)


def test_a_full_table_of_routes_counts_under_other():
    ledger = Ledger(1, caps=SMALL)
    for n in range(10):
        count(ledger, 0, SeriesKey("GET", f"/{n}", "502", "upstream_reset", "m"))
    failed = ledger.route_counts("upstream_reset")
    assert failed[ROUTE_OTHER] == 8
    assert sum(failed.values()) == 10


@pytest.mark.parametrize(("longer", "lands"), [(0, "long"), (1, "other")])
def test_a_key_of_just_the_limit_has_a_row_and_a_longer_one_is_other(longer, lands):
    ledger = Ledger(1)
    fixed = len("\0".join(SeriesKey("POST", "", "200", "", "m")))
    long = SeriesKey("POST", "r" * (KEY_BYTES - fixed + longer), "200", "", "m")
    after = key(1)
    count(ledger, 0, long)
    count(ledger, 0, after)
    got = ledger.series()
    assert sum(got[long if lands == "long" else SERIES_OTHER].counts) == 1
    assert sum(got[after].counts) == 1
    assert (long in got) == (lands == "long")


@given(st.builds(SeriesKey, *[st.text(st.characters(codec="utf-8"), max_size=20)] * 5))
@example(SeriesKey("POST", ROUTE, "200", "", "模型"))
@settings(deadline=None, max_examples=50)
def test_labels_come_back_as_they_were(made):
    made = SeriesKey(*(label.replace("\0", "") for label in made))
    ledger = Ledger(1, caps=SMALL)
    row = ledger.worker(0).series.row(made)
    assert ledger.worker(0).series.find(made) == row
    assert ledger.series().keys() == {SERIES_OTHER, made}


def test_a_nul_in_a_label_does_not_shift_the_others():
    ledger = Ledger(1, caps=SMALL)
    table = ledger.worker(0).series
    row = table.row(SeriesKey("POST", ROUTE, "200", "", "a\0b"))
    assert table.row(SeriesKey("POST", ROUTE, "200", "", "a\0b")) == row
    assert ledger.series().keys() == {SERIES_OTHER, SeriesKey("POST", ROUTE, "200", "", "ab")}


# ---- histograms

values = st.one_of(st.sampled_from(DURATIONS), st.floats(0, 1e4))


@given(values)
@example(0.0)
@example(DURATIONS[-1])
def test_a_bound_is_inclusive(value):
    """As Prometheus's `le`: the bucket is the first whose bound is not below the value."""
    ledger = Ledger(1, caps=SMALL)
    table = ledger.worker(0).series
    observe(table, table.row(KEY), DURATIONS, value)
    got = ledger.series()[KEY]
    cumulative = [sum(got.counts[: n + 1]) for n in range(len(DURATIONS))]
    assert cumulative == [int(value <= bound) for bound in DURATIONS]
    assert sum(got.counts) == 1
    assert got.sum == value


@given(st.lists(values, max_size=30))
@settings(max_examples=50)
def test_count_and_sum_are_those_of_the_values(added):
    ledger = Ledger(2, caps=SMALL)
    for n, value in enumerate(added):
        count(ledger, n % 2, duration=value)
    got = ledger.series().get(KEY)
    if got is None:
        assert not added
        return
    assert sum(got.counts) == len(added)
    assert got.sum == pytest.approx(sum(added))


def test_buckets_of_ones_own_replace_those_alone():
    own = {"duration": (1.0, 2.0), "overhead": (0.5,)}
    ledger = Ledger(2, own)
    for duration in (0.5, 1.0, 1.5, 9.0):
        count(ledger, 1, duration=duration)
    got = ledger.series()[KEY]
    assert (got.bounds, got.counts, got.sum) == ((1.0, 2.0), [2, 1, 1], 12.0)
    route = RouteKey(ROUTE, "iris")
    assert ledger.route_histograms("overhead")[route].counts == [4, 0]
    assert ledger.route_histograms("connect")[route].bounds == HISTOGRAMS["connect"]


def test_more_buckets_than_the_default_have_room():
    bounds = tuple(float(n) for n in range(1, 101))
    ledger = Ledger(1, dict.fromkeys(HISTOGRAMS, bounds), SMALL)
    for n in range(6):
        count(ledger, 0, key(n), duration=1000.0)
    assert total(ledger) == 6
    for name in ROUTE_HISTOGRAMS:
        got = ledger.route_histograms(name)
        assert sum(sum(h.counts) for h in got.values()) == 6, name


# ---- gauges


def test_gauges_are_zeroed_and_nothing_else():
    ledger = Ledger(2, caps=SMALL)
    for worker in range(2):
        region = ledger.worker(worker)
        for n in range(len(WORKER_COUNTERS)):
            region.counters[n] = n + 1
        for n in range(3):
            count(ledger, worker, SeriesKey("GET", f"/{n}", "502", "limit", "m"), times=n + 1)
        for row, _ in region.routes.used():
            region.routes.words[row] = 7
    neighbour = bytes(ledger.worker(1).counters)
    names = [name for name in ROUTE_FIELDS if name != "active"]
    before = [
        ledger.series(),
        *map(ledger.route_histograms, ROUTE_HISTOGRAMS),
        *map(ledger.route_counts, names),
    ]
    ledger.worker(0).zero_gauges()
    after = [
        ledger.series(),
        *map(ledger.route_histograms, ROUTE_HISTOGRAMS),
        *map(ledger.route_counts, names),
    ]
    assert after == before
    assert sum(ledger.route_counts("active").values()) == 7 * SMALL.routes, "the neighbour's"
    assert bytes(ledger.worker(1).counters) == neighbour
    for n, name in enumerate(WORKER_COUNTERS):
        assert ledger.worker(0).counters[n] == (0 if name in GAUGES else n + 1), name
