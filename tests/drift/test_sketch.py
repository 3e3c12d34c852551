"""Counts on fixed bins: every row once, whatever the batches, whatever the values."""

from __future__ import annotations

import math
import sys
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.drift.learning.learn import BINS, ColumnBuilder, kind_of, numeric_edges, shape_of
from agent.drift.reference.coded import Coded
from agent.drift.reference.sketch import MISSING, CategoryBins, NumericBins, category

value = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**308, max_value=10**320)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["1.5", "true", "nan", "inf", "x", 0, 0.0, -0.0, 5e-324])
)
values = st.lists(value, max_size=60)
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(values, values)
def test_each_row_is_counted_once(sample, rows):
    for from_text in (False, True):
        bins = shape_of("c", "input", sample, from_text=from_text).bins()
        counts = bins.count(rows)
        assert len(counts) == bins.size + 2
        assert counts.sum() == len(rows)
        assert counts[MISSING] == sum(v is None for v in rows)


@given(values, values, st.data())
def test_any_split_into_batches_gives_the_same_counts(sample, rows, data):
    at = data.draw(st.integers(0, len(rows)))
    bins = shape_of("c", "input", sample).bins()
    parts = bins.count(rows[:at]) + bins.count(rows[at:])
    assert parts.tolist() == bins.count(rows).tolist()


names = st.lists(st.none() | st.sampled_from(["a", "1.5", "true", "b" * 9, "c", "0"]), max_size=60)


@given(names, names, st.data())
def test_coded_texts_are_counted_as_their_rows(sample, rows, data):
    held = [*dict.fromkeys([*filter(None, rows), "d"]), None]
    codes = np.array([held.index(name) for name in rows], dtype=np.int64)
    first = data.draw(st.integers(0, len(rows)))
    coded, rows = Coded(codes, held)[first:], rows[first:]
    assert list(coded) == rows
    assert [coded[i] for i in range(len(rows))] == rows
    for from_text in (False, True):
        bins = shape_of("c", "input", sample, from_text=from_text).bins()
        assert bins.count(coded).tolist() == bins.count(rows).tolist()
        if isinstance(bins, CategoryBins):
            assert bins.places(coded).tolist() == bins.places(rows).tolist()
    for boolean, key in ((True, ""), (False, "00ff")):
        bins = CategoryBins(["false", "true"], boolean=boolean, key=key)
        assert bins.places(coded).tolist() == bins.places(rows).tolist()


@given(st.lists(finite, min_size=1, max_size=200), st.lists(finite, max_size=50))
def test_a_bin_is_open_below_and_closed_above(sample, rows):
    edges = numeric_edges(np.array(sample))
    bounds = [-math.inf, *edges, math.inf]
    counts = NumericBins(edges).count(rows)
    for i, (low, high) in enumerate(pairwise(bounds)):
        assert counts[i] == sum(low < x <= high for x in rows)


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 2.5, -7.0]), min_size=1))
def test_few_distinct_numbers_are_a_bin_each(sample):
    edges = numeric_edges(np.array(sample))
    counts = NumericBins(edges).count(sample)
    assert sorted(c for c in counts.tolist() if c) == sorted(sample.count(x) for x in set(sample))


def test_a_value_more_frequent_than_a_bin_is_a_bin_of_its_own():
    rng = np.random.default_rng(0)
    rows = np.where(rng.random(10_000) < 0.6, 0.0, rng.normal(size=10_000))
    counts = NumericBins(numeric_edges(rows)).count(rows.tolist())
    assert counts.max() == (rows == 0).sum()
    assert len(counts) <= 2 * BINS + 3


def test_quantile_bins_of_a_continuous_column_are_equally_full():
    rows = np.random.default_rng(1).lognormal(size=20_000)
    counts = NumericBins(numeric_edges(rows)).count(rows.tolist())[:MISSING]
    assert counts.tolist() == [0, *[20_000 // BINS] * BINS, 0]


@given(st.lists(finite, min_size=1, max_size=200), finite)
def test_what_is_out_of_the_references_range_is_a_bin_of_its_own(sample, other):
    bins = NumericBins(numeric_edges(np.array(sample)))
    counts = bins.count([other])
    least, greatest = min(sample), max(sample)
    if least > -sys.float_info.max:  # nothing is below the least float
        assert bool(counts[0]) == (other < least)
    assert bool(counts[bins.size - 1]) == (other > greatest)


def test_not_finite_and_not_numeric_are_invalid_and_none_is_missing():
    counts = NumericBins([0.0]).count([1, -1, None, math.nan, math.inf, "x", "2", True, 10**400])
    assert counts.tolist() == [1, 3, 1, 4]


@given(values, st.lists(st.none() | st.floats() | st.sampled_from([0, 1, 2, 1])))
def test_an_array_counts_like_the_list_with_nan_as_missing(sample, rows):
    array = np.array(rows, dtype=np.float64)
    plain = [None if v is None or v != v else float(v) for v in rows]
    for from_text in (False, True):
        bins = shape_of("c", "input", sample, from_text=from_text).bins()
        assert bins.count(array).tolist() == bins.count(plain).tolist()


def test_categories_beyond_the_top_are_other():
    names = [f"c{i}" for i in range(100_000)] + ["a"] * 200_000
    shape = shape_of("c", "input", names)
    assert len(shape.categories or []) == BINS
    counts = shape.bins().count(names)
    assert counts[0] == 200_000
    assert counts[-3] == 100_000 - BINS + 1


def test_a_category_is_the_same_from_json_and_from_csv():
    assert [category(v) for v in (True, 3, 3.0, 2.5, "x")] == ["true", "3", "3", "2.5", "x"]
    assert CategoryBins(["false", "true"], boolean=True).count(
        ["True", "true", True, 1, "FALSE", None, "x"]
    ).tolist() == [1, 4, 1, 1, 0]


def test_kinds():
    assert kind_of([]) == kind_of([None]) == "text"
    assert kind_of([True, False, None]) == "boolean"
    assert kind_of(["True", "false"], from_text=True) == "boolean"
    assert kind_of([1, 2.5, True]) == "numeric"
    assert kind_of(["1", "2.5"]) == "categorical"
    assert kind_of(["1", "2.5"], from_text=True) == "numeric"
    assert kind_of(["a", "b"] * 50) == "categorical"
    assert kind_of([f"user-{i}" for i in range(100)]) == "text"
    assert kind_of(["a sentence that is long, as people write them to a model " * 2] * 9) == "text"


@given(st.lists(st.none() | finite, max_size=40), st.data())
def test_a_profile_does_not_depend_on_batches(rows, data):
    at = data.draw(st.integers(0, len(rows)))
    shape = shape_of("c", "input", rows)
    whole, parts = ColumnBuilder(shape), ColumnBuilder(shape)
    whole.add(rows)
    parts.add(rows[:at])
    parts.add(rows[at:])
    a, b = whole.profile(), parts.profile()
    assert (a.counts, a.missing, a.invalid) == (b.counts, b.missing, b.invalid)
    assert (a.rows, b.rows) == (len(rows), len(rows))
    if a.moments and b.moments:
        assert (a.moments.count, a.moments.min, a.moments.max) == (
            b.moments.count,
            b.moments.min,
            b.moments.max,
        )
        scale = max(abs(a.moments.min), abs(a.moments.max))
        assert math.isclose(a.moments.mean, b.moments.mean, rel_tol=1e-9, abs_tol=scale * 1e-9)
