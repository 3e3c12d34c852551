"""Percentiles of Prometheus histograms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.demo.histogram import EMPTY, Histogram, add, from_buckets, percentile, since

INF = math.inf


def test_is_interpolated_within_its_bucket() -> None:
    histogram = Histogram((0.1, 0.2, INF), (10.0, 20.0, 20.0))
    assert percentile(histogram, 0.5) == pytest.approx(0.1)
    assert percentile(histogram, 0.75) == pytest.approx(0.15)
    assert percentile(histogram, 0.25) == pytest.approx(0.05)


def test_beyond_the_last_bound_is_that_bound() -> None:
    assert percentile(Histogram((0.1, INF), (1.0, 100.0)), 0.99) == 0.1


def test_without_values_is_none() -> None:
    assert percentile(EMPTY, 0.5) is None
    assert percentile(Histogram((0.1, INF), (0.0, 0.0)), 0.5) is None


def test_series_of_one_metric_are_added_by_bound() -> None:
    buckets: dict[float, float] = {}
    for bound, count in ((0.1, 1.0), (INF, 2.0), (0.1, 3.0), (INF, 5.0)):
        add(buckets, bound, count)
    assert from_buckets(buckets) == Histogram((0.1, INF), (4.0, 7.0))


def test_since_is_what_was_added() -> None:
    before, now = Histogram((0.1, INF), (1.0, 2.0)), Histogram((0.1, INF), (4.0, 7.0))
    assert since(now, before) == Histogram((0.1, INF), (3.0, 5.0))


def test_since_other_bounds_is_all() -> None:
    now = Histogram((0.1, INF), (4.0, 7.0))
    assert since(now, EMPTY) == now


@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=20),
    st.floats(0.01, 1.0),
    st.floats(0.01, 1.0),
)
def test_percentiles_rise_and_stay_within_the_bounds(
    added: list[int], one: float, other: float
) -> None:
    bounds = (*(float(i + 1) for i in range(len(added) - 1)), INF)
    counts = tuple(float(sum(added[: i + 1])) for i in range(len(added)))
    histogram = Histogram(bounds, counts)
    low = percentile(histogram, min(one, other))
    high = percentile(histogram, max(one, other))
    if histogram.total == 0:
        assert low is high is None
        return
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= bounds[-2]
