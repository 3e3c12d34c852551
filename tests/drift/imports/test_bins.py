"""Weights to whole counts, and summaries to bins."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.drift.imports.bins import apportioned, categorical, from_weighted
from agent.drift.learning.learn import numeric_edges
from agent.drift.reference.profile import MAX_COUNT

weights = st.lists(st.floats(0, 1e300), min_size=1, max_size=40).filter(any)


@given(weights, st.integers(0, MAX_COUNT))
def test_whole_counts_sum_to_the_total(shares, total):
    counts = apportioned(shares, total)
    assert sum(counts) == total
    assert min(counts) >= 0
    assert all(share or not count for share, count in zip(shares, counts, strict=True))


@given(weights, st.integers(0, 1 << 40))
def test_each_is_within_one_of_its_share(shares, total):
    exact = np.array(shares) / max(shares)
    exact = exact / exact.sum() * total
    assert np.abs(exact - apportioned(shares, total)).max() < 1.001


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300))
def test_rows_that_weigh_one_get_the_bins_of_rows(rows):
    values = np.array(rows)
    edges, counts = from_weighted(values, np.ones(len(rows)), min(rows), max(rows), len(rows))
    # The extremes count once more for the edges, which moves a quantile by a row at most.
    assert {edges[0], edges[-1]} <= set(numeric_edges(values))
    assert counts == np.bincount(np.searchsorted(edges, values), minlength=len(counts)).tolist()
    assert (counts[0], counts[-1], sum(counts)) == (0, 0, len(rows))


def test_categories_beyond_the_most_frequent_are_other():
    seen = {f"c{i:02}": 100 - i for i in range(30)}
    column = categorical("c", 3, 5000, seen, distinct=30)
    assert column.categories == [f"c{i:02}" for i in range(20)]
    assert column.counts[-1] == 5000 - sum(column.counts[:-1])
    assert column.rows == 5003


def test_texts_that_are_nearly_all_different_are_no_categories():
    assert categorical("t", 0, 40, {f"id{i}": 1 for i in range(40)}, distinct=40).kind == "text"
    assert categorical("t", 0, 4, {"x" * 100: 4}, distinct=1).kind == "text"
    flag = categorical("t", 0, 5, {"True": 3, "false": 2}, distinct=2)
    assert (flag.kind, flag.counts) == ("boolean", [2, 3, 0])
