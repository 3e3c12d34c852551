"""What is shown of a column: all rows, once, whatever its bins are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drift.pictures.bins import MOST, bins_of
from agent.drift.pictures.column import picture_of
from agent.drift.pictures.quantiles import LEVELS, mean_of, quantiles_of
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import NumericBins

COUNTS = st.integers(0, 10**6)


def categorical(counts: list[int], names: list[str] | None = None, **more: object) -> ColumnProfile:
    names = names or [f"c{n}" for n in range(len(counts) - 1)]
    return ColumnProfile("plan", "input", "categorical", counts, 0, 0, categories=names, **more)  # type: ignore[arg-type]


def numeric(edges: list[float], counts: list[int], missing: int = 0) -> ColumnProfile:
    return ColumnProfile("age", "input", "numeric", counts, missing, 0, edges)


def test_a_range_a_single_value_and_what_lies_outside() -> None:
    edges = [0.0, 5.0, math.nextafter(7.0, 0.0), 7.0, 9.0]
    column = numeric(edges, [0, 50, 0, 30, 20, 0], missing=10)
    now = np.array([5, 40, 0, 10, 20, 15, 10, 0])
    shown = bins_of(column, now, marks=True)
    least = math.nextafter(0.0, 1.0)
    assert [(b.bin, b.low, b.high, b.kind) for b in shown] == [
        (shown[0].bin, None, least, "range"),
        ("(0, 5]", 0.0, 5.0, "range"),
        ("= 7", 7.0, 7.0, "range"),
        ("(7, 9]", 7.0, 9.0, "range"),
        ("> 9", 9.0, None, "range"),
        ("missing", None, None, "missing"),
    ]
    assert (shown[1].reference_rows, shown[1].now_rows) == (50, 40)
    assert shown[1].reference == 50 / 110


def test_what_moved_is_marked_only_where_it_is_asked_for_and_beyond_chance() -> None:
    column = categorical([5000, 3000, 2000, 0])
    now = np.array([500, 50, 450, 0, 0, 0])
    marks = {b.bin: b.moved for b in bins_of(column, now, marks=True)}
    assert marks == {"c0": 0, "c1": -1, "c2": 1}
    assert {b.moved for b in bins_of(column, now, marks=False)} == {0}
    assert {b.moved for b in bins_of(column, now * 0, marks=True)} == {0}
    assert {b.moved for b in bins_of(column, None, marks=True)} == {0}


def test_of_many_categories_the_frequent_and_the_moved_are_shown_and_the_rest_is_one() -> None:
    counts = [1000 - n for n in range(500)]
    now = [*counts, 0, 0, 0]
    now[400] = 5000
    shown = bins_of(categorical([*counts, 0]), np.array(now), marks=True)
    assert len(shown) == MOST + 1
    assert shown[0].bin == "c0"
    assert {b.bin for b in shown if b.moved == 1} == {"c400"}
    assert (shown[-1].bin, shown[-1].kind) == ("440 more categories", "other")
    assert sum(b.now_rows for b in shown) == sum(now)


def test_a_category_without_rows_on_either_side_is_left_out() -> None:
    assert [b.bin for b in bins_of(categorical([5, 0, 0, 0]), None, marks=True)] == ["c0"]


@given(st.lists(COUNTS, min_size=2, max_size=120), st.data())
def test_shares_are_of_all_rows_and_sum_to_one(counts: list[int], data: st.DataObject) -> None:
    now = data.draw(st.lists(COUNTS, min_size=len(counts) + 2, max_size=len(counts) + 2))
    edges = [float(n) for n in range(len(counts) - 1)]
    for column in (categorical(counts), numeric(edges, counts)):
        shown = bins_of(column, np.array(now), marks=True)
        assert sum(b.now_rows for b in shown) == sum(now)
        assert sum(b.reference_rows for b in shown) == sum(counts)
        for rows, shares in ((now, [b.now for b in shown]), (counts, [b.reference for b in shown])):
            assert math.isclose(sum(shares), float(any(rows)), abs_tol=1e-9)


@given(st.lists(st.floats(-1e9, 1e9), min_size=20, max_size=400))
def test_quantiles_lie_within_their_bins_and_do_not_decrease(values: list[float]) -> None:
    edges = sorted({*np.quantile(values, np.linspace(0, 1, 11)).tolist()})
    counts = NumericBins(edges).count(values)[:-2].tolist()
    found = quantiles_of(edges, counts)
    told = [getattr(found, name) for name in LEVELS]
    assert told == sorted(told)
    for level, value in zip(LEVELS.values(), told, strict=True):
        true = sorted(values)[max(0, math.ceil(level * len(values)) - 1)]
        bins = NumericBins(edges).places(np.array([value, true]))
        assert abs(bins[0] - bins[1]) <= 1


def test_beyond_the_known_range_a_quantile_is_its_end_and_says_so() -> None:
    found = quantiles_of([0.0, 10.0], [0, 50, 50])
    assert (found.p25, found.p75, found.beyond) == (5.0, 10.0, ["p75", "p95"])
    assert mean_of([0.0, 10.0], [0, 50, 50]) is None
    assert mean_of([0.0, 10.0], [0, 50, 0]) == 5.0
    assert quantiles_of([0.0, 10.0], [0, 0, 0]).p50 is None
    assert quantiles_of([], [7]).p50 is None


@pytest.mark.parametrize("edges", [[], [3.0]])
def test_columns_of_few_bins_have_a_picture_too(edges: list[float]) -> None:
    shown = picture_of(numeric(edges, [7] * (len(edges) + 1)), None, marks=False)
    assert shown["rows"] == 7 * (len(edges) + 1)
    assert (shown["quantiles"] is None) is (not edges)


def test_hidden_categories_stay_hashes() -> None:
    column = categorical([5, 5, 0], ["#0123456789ab", "#ba9876543210"], key="0" * 32)
    assert [b.category for b in bins_of(column, None, marks=False)] == column.categories
