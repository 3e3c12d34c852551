"""Percentiles are Prometheus' and, with fine buckets, those of the values."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.demo import histogram
from agent.history.percentile import percentile

BOUNDS = (0.5, 1.0, 2.5, 5.0)


@pytest.mark.parametrize(
    ("counts", "share", "wanted"),
    [
        ((0, 0, 0, 0, 0), 0.5, None),
        ((10, 0, 0, 0, 0), 0.5, 0.25),
        ((0, 10, 0, 0, 0), 0.0, 0.5),
        ((0, 10, 0, 0, 0), 1.0, 1.0),
        ((5, 0, 5, 0, 0), 0.5, 0.5),
        ((5, 0, 5, 0, 0), 0.75, 1.75),
        ((0, 0, 0, 0, 3), 0.1, 5.0),
        ((1, 0, 0, 0, 9), 0.5, 5.0),
    ],
)
def test_as_histogram_quantile_finds_it(
    counts: tuple[int, ...], share: float, wanted: float | None
) -> None:
    assert percentile(BOUNDS, counts, share) == wanted


COUNTS = st.lists(st.integers(0, 10**12), min_size=5, max_size=5)


@given(COUNTS, st.floats(0.001, 1))
def test_the_same_as_of_cumulative_buckets(counts: list[int], share: float) -> None:
    below = tuple(float(sum(counts[: n + 1])) for n in range(5))
    known = histogram.percentile(histogram.Histogram((*BOUNDS, float("inf")), below), share)
    found = percentile(BOUNDS, counts, share)
    assert found == (known if known is None else pytest.approx(known))


@given(st.lists(st.floats(0.001, 4.9), min_size=1, max_size=200), st.floats(0, 1))
def test_within_the_bucket_of_the_value_with_the_rank(values: list[float], share: float) -> None:
    bounds = tuple(n / 10 for n in range(1, 51))
    counts = [0] * 51
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    found = percentile(bounds, counts, share)
    assert found is not None
    true = float(np.quantile(values, share, method="inverted_cdf"))
    assert true - 0.1 - 1e-9 <= found <= true + 0.1 + 1e-9


@given(COUNTS, st.floats(0, 1), st.floats(0, 1))
def test_grows_with_the_share(counts: list[int], a: float, b: float) -> None:
    low, high = sorted((a, b))
    if sum(counts):
        found = percentile(BOUNDS, counts, low), percentile(BOUNDS, counts, high)
        assert found[0] is not None
        assert found[1] is not None
        assert found[0] <= found[1] + 1e-9
