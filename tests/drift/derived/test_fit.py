"""Relations between columns: found in some rows of a reference, counted over the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.drift.derived.derivation import Derivation
from agent.drift.derived.fit import MIN_ROWS, DerivedBuilder, fit
from agent.drift.derived.joint import Relations, signs
from agent.drift.derived.scores import Scorer, counted, table_of
from agent.drift.learning.build import build_profile, count, with_derived
from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.reference.derived import EDGES, MAX_INPUTS
from agent.drift.reference.profile import ColumnProfile, load, merge, save, with_columns
from agent.drift.rows.table import Batch
from tests.drift.derived.rows import reference, rows


def column(name: str, values: list[object], side: str = "input") -> ColumnProfile:
    builder = ColumnBuilder(shape_of(name, side, values))
    builder.add(values)
    return builder.profile()


def test_the_reference_of_a_file_keeps_what_goes_together(tmp_path: Path):
    profile = reference(np.random.default_rng(0))
    derived = profile.derived
    assert derived is not None
    assert [scored.name for scored in derived.inputs] == [f"c{i}" for i in range(8)]
    assert derived.prediction is not None
    assert derived.prediction.name == "y"
    assert derived.correlation[1][0] == pytest.approx(0.9, abs=0.02)
    assert abs(derived.correlation[2][0]) < 0.05
    assert {sum(counts) for counts in [*derived.relations, *derived.importance]} == {10_000}
    save(profile, tmp_path / "p.json")
    assert load(tmp_path / "p.json") == profile


def test_rows_counted_are_the_odd_ones_however_they_are_batched():
    rng = np.random.default_rng(1)
    assert (
        reference(rng, 3000, 3000).derived == reference(np.random.default_rng(1), 3000, 7).derived
    )


def test_few_rows_or_texts_derive_nothing():
    rng = np.random.default_rng(2)
    assert reference(rng, 2 * MIN_ROWS - 1).derived is None
    names = [f"name {i}" for i in range(2000)]
    profile = build_profile(lambda: iter([Batch({"a": names, "b": ["same"] * 2000}, 2000)]))
    assert profile.derived is None


def test_a_column_that_is_not_in_each_row_is_left_out():
    rng = np.random.default_rng(3)
    values = rng.normal(size=2000).tolist()
    columns = [column("a", values), column("late", values[:100]), column("b", values)]
    derived = fit(columns, {"a": values, "late": values[:100], "b": values}, {}, 2000)
    assert derived is not None
    assert [scored.name for scored in derived.inputs] == ["a", "b"]
    assert (derived.prediction, derived.importance) == (None, [])


def test_of_many_inputs_those_are_kept_that_go_with_the_prediction():
    rng = np.random.default_rng(4)
    data = {f"c{i:02}": rng.normal(size=2000).tolist() for i in range(MAX_INPUTS + 10)}
    last = f"c{MAX_INPUTS + 9}"
    profile = build_profile(lambda: iter([Batch({**data, "y": data[last]}, 2000)]), outputs=("y",))
    assert profile.derived is not None
    names = [scored.name for scored in profile.derived.inputs]
    assert len(names) == MAX_INPUTS
    assert names == sorted(names)
    assert last in names


def test_profiles_on_the_same_bins_merge_and_on_others_do_not():
    rng = np.random.default_rng(5)
    first = reference(rng)
    batch = Batch(rows(rng, 4000), 4000)
    second = with_derived(count(iter([batch]), "", first.columns), iter([batch]), first.derived)
    both = merge([first, second]).derived
    assert both is not None
    assert sum(both.relations[0]) == 12_000
    alone = count(iter([batch]), "", first.columns)
    assert merge([first, alone]).derived is None


def test_a_renewed_column_takes_the_derived_ones_with_it_until_that_is_taken_back():
    profile = reference(np.random.default_rng(6), 2000)
    known = {(c.side, c.name): c for c in profile.columns}
    assert with_columns(profile, {("input", "c0"): known["input", "c0"]}).derived is None
    assert with_columns(profile, {}) == profile


def test_scores_do_not_follow_outliers_and_leave_what_is_missing():
    values = [*map(float, range(1000)), 1e300]
    profile = column("a", values)
    table = table_of(profile)
    assert table is not None
    scores = Scorer(profile.bins(), table).of([None, "x", 1e300, float("inf"), 500.0])
    assert np.isnan(scores).tolist() == [True, True, False, True, False]
    assert scores[2] < 4
    assert abs(scores[4]) < 0.1


def test_the_most_frequent_category_is_told_from_the_others():
    profile = column("a", ["x"] * 600 + ["y"] * 300 + ["z"] * 100)
    table = table_of(profile)
    assert table is not None
    scores = Scorer(profile.bins(), table).of(["x", "y", "new", None])
    assert scores[:3].tolist() == pytest.approx(
        [0.4 / 0.24**0.5, *[-0.6 / 0.24**0.5] * 2], abs=1e-5
    )
    assert np.isnan(scores[3])


def test_booleans_and_numbers_have_the_place_that_they_are_counted_in():
    for values in (["1", "true", 1, True, "2", None], [True, False, "true", "0", None, 1, 0]):
        for profile in (column("a", ["1", "2", "true", "1"]), column("b", [True, False])):
            bins = profile.bins()
            places = bins.places(values)
            counts = np.bincount(places, minlength=bins.size + 2)
            assert counts[: bins.size].tolist() == bins.count(values)[: bins.size].tolist()


def test_counting_a_matrix_is_counting_its_rows():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(5, 300)).astype(np.float32)
    values[2, :10] = np.nan
    values[0, :3] = EDGES[2]
    found = counted(values, EDGES)
    edges = np.array(EDGES, dtype=np.float32)
    for row, counts in zip(values, found, strict=True):
        known = row[~np.isnan(row)]
        assert counts.tolist() == np.bincount(np.searchsorted(edges, known), minlength=8).tolist()


def test_columns_that_say_the_same_do_not_blow_up():
    relations = Relations([[], [1.0], [1.0, 1.0]])
    values = relations.values(np.array([[1.0], [1.0], [1.0]], dtype=np.float32))
    assert np.isfinite(values).all()


def test_signs_are_the_same_everywhere():
    found = signs(4)
    assert (found == found.T).all()
    assert (np.diag(found) == 0).all()
    assert np.sign(found[0, 1:]).tolist() == SIGNS


SIGNS = [-1.0, -1.0, 1.0]


def test_a_row_that_lacks_a_value_is_in_no_bin_of_that_column():
    rng = np.random.default_rng(8)
    profile = reference(rng)
    assert profile.derived is not None
    builder = DerivedBuilder(profile.derived, profile.columns)
    some = dict(rows(rng, 2000))
    some["c3"] = [None] * 2000
    builder.add(some, {}, 2000)
    derived = builder.derived()
    assert [sum(counts) for counts in derived.relations] == [1000] * 3 + [0] + [1000] * 4
    assert {sum(counts) for counts in derived.importance} == {0}
    assert len(Derivation(derived).profiles()) == 16
