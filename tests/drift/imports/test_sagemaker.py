"""SageMaker Model Monitor's baseline, in the form of its developer guide, whole and damaged."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drift import imports
from agent.drift.imports import sagemaker
from agent.drift.reference.profile import ProfileError, parse, shown
from agent.drift.reference.sketch import NumericBins


def numbers(name, values, missing=0, sketch=None, kind="Fractional"):
    """A feature as the prebuilt container writes it: 10 buckets of equal width."""
    counts, bounds = np.histogram(values, 10)
    kll = {
        "buckets": [
            {"lower_bound": low, "upper_bound": high, "count": float(count)}
            for low, high, count in zip(bounds, bounds[1:], counts, strict=False)
        ]
    }
    if sketch is not None:
        kll["sketch"] = {"parameters": {"c": 0.64, "k": 2048.0}, "data": sketch}
    return {
        "name": name,
        "inferred_type": kind,
        "numerical_statistics": {
            "common": {"num_present": len(values), "num_missing": missing},
            "mean": float(np.mean(values)),
            "sum": float(np.sum(values)),
            "std_dev": float(np.std(values)),
            "min": float(np.min(values)),
            "max": float(np.max(values)),
            "distribution": {"kll": kll},
        },
    }


def texts(name, counts, missing=0):
    buckets = [{"value": value, "count": count} for value, count in counts.items()]
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": sum(counts.values()), "num_missing": missing},
            "distinct_count": float(len(counts)),
            "distribution": {"categorical": {"buckets": buckets}},
        },
    }


SKEWED = np.random.default_rng(1).lognormal(size=1000)
DOCUMENT = {
    "version": 0.0,
    "dataset": {"item_count": 1000},
    "features": [
        texts("colour", {"red": 600, "green": 390}, 10),
        numbers("plain", np.arange(1000.0)),
        numbers("skewed", SKEWED, 0, [sorted(SKEWED)[:200], sorted(SKEWED)[200::2]]),
        {"name": "empty", "inferred_type": "Unknown"},
        texts("flag", {"true": 400, "false": 600}),
    ],
}
CONSTRAINTS = {
    "version": 0.0,
    "features": [
        {
            "name": "colour",
            "inferred_type": "String",
            "completeness": 1.0,
            "string_constraints": {"domains": ["red", "green", "blue"]},
        },
        {
            "name": "plain",
            "inferred_type": "String",
            "completeness": 1.0,
            "num_constraints": {"is_non_negative": True},
        },
        {"name": "gone", "inferred_type": "Integral", "completeness": 1.0},
    ],
}


def read(document, constraints=None):
    raw = None if constraints is None else json.dumps(constraints).encode()
    rows, columns, notes = sagemaker.columns(json.dumps(document).encode(), raw, "s", "c")
    return rows, {column.name: column for column in columns}, notes


def test_kinds_counts_and_missing():
    rows, found, notes = read(DOCUMENT)
    assert (rows, notes) == (1000, [])
    assert {c.rows for c in found.values()} == {1000}
    kinds = {name: column.kind for name, column in found.items()}
    assert kinds == {
        "colour": "categorical", "plain": "numeric", "skewed": "numeric", "empty": "text",
        "flag": "boolean",
    }  # fmt: skip
    colour = found["colour"]
    assert (colour.categories, colour.counts, colour.missing) == (
        ["red", "green"],
        [600, 390, 0],
        10,
    )
    assert found["empty"].missing == 1000
    assert found["flag"].counts == [600, 400, 0]
    assert found["plain"].moments.std == pytest.approx(np.arange(1000).std(ddof=1))


def test_buckets_begin_with_their_bound_and_bins_end_with_theirs():
    column = read(DOCUMENT)[1]["plain"]
    # Counted anew on our bins, the very rows fall where SageMaker counted them.
    assert NumericBins(column.edges).count(np.arange(1000.0)).tolist()[:-2] == column.counts
    assert column.counts == [0, *[100] * 10, 0]


def test_a_sketch_gives_bins_of_equal_share():
    column = read(DOCUMENT)[1]["skewed"]
    assert sum(column.counts) == 1000
    assert max(column.counts) <= 70
    anew = NumericBins(column.edges).count(list(SKEWED))[:-2]
    assert np.abs(anew - np.array(column.counts)).max() <= 5
    assert column.counts[0] == column.counts[-1] == 0


def test_a_sketch_without_its_data_leaves_the_buckets():
    feature = numbers("x", np.arange(1000.0))
    kll = feature["numerical_statistics"]["distribution"]["kll"]
    kll["sketch"] = {"parameters": {"c": 0.64, "k": 2048}}
    assert read({**DOCUMENT, "features": [feature]})[1]["x"].counts == [0, *[100] * 10, 0]


def test_a_constant_column_is_one_value():
    feature = numbers("x", [1.0, 2.0])
    kll = feature["numerical_statistics"]["distribution"]["kll"]
    kll["buckets"] = [{"lower_bound": 3.0, "upper_bound": 3.0, "count": c} for c in (0, 0, 2)]
    column = read({**DOCUMENT, "features": [feature]})[1]["x"]
    assert column.edges == [math.nextafter(3, 0), 3]
    assert column.counts == [0, 2, 0]


def test_fractions_of_rows_are_rounded_to_what_is_present():
    feature = numbers("x", np.arange(100.0))
    for bucket in feature["numerical_statistics"]["distribution"]["kll"]["buckets"]:
        bucket["count"] += 0.3
    column = read({**DOCUMENT, "features": [feature]})[1]["x"]
    assert sum(column.counts) == 100


def test_constraints_add_their_domain_and_contradictions_are_said():
    _, found, notes = read(DOCUMENT, CONSTRAINTS)
    assert found["colour"].categories == ["red", "green", "blue"]
    assert found["colour"].counts == [600, 390, 0, 0]
    assert notes == [
        "colour: 1.00% are missing, the constraints want 0.00% at most",
        "plain: String by the constraints, numeric by the statistics",
        "gone: only in c; left out",
    ]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("dataset", "item_count"), -1, "s: dataset.item_count: is not between 0 and "),
        (("dataset", "item_count"), 1.5, "dataset.item_count: is no whole number (found 1.5)"),
        (("features",), {}, "features: is no list (found {})"),
        (("features", 0, "name"), "", "features.0.name: is no text (found '')"),
        (("features", 3, "inferred_type"), "Odd", "has neither numerical_statistics nor"),
        (
            ("features", 1, "numerical_statistics", "common", "num_present"),
            "many",
            "numerical_statistics.common.num_present: is no finite number (found 'many')",
        ),
        (
            ("features", 1, "numerical_statistics", "distribution", "kll", "buckets", 2),
            {"lower_bound": 0, "upper_bound": 1, "count": 1},
            "kll.buckets.2.lower_bound: is less than the upper_bound before it, 199.8",
        ),
        (("features", 1, "numerical_statistics", "max"), -5, "max: is less than min, 0.0"),
        (("features", 2, "numerical_statistics", "distribution"), {}, "kll: is not there"),
        (
            ("features", 0, "string_statistics", "common", "num_present"),
            5,
            "counts 990 values, num_present is 5",
        ),
    ],
)
def test_each_wrong_field_is_named(path, value, said):
    document = copy.deepcopy(DOCUMENT)
    here = document
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = value
    with pytest.raises(ProfileError) as raised:
        read(document)
    assert said in str(raised.value)
    assert "; give the statistics.json of a SageMaker" in str(raised.value)


def test_what_is_no_baseline_is_refused(tmp_path):
    (tmp_path / "statistics.json").write_text("{")
    with pytest.raises(ProfileError, match="file: is not JSON"):
        imports.read(tmp_path)
    (tmp_path / "statistics.json").write_text(json.dumps(CONSTRAINTS))
    with pytest.raises(ProfileError, match="dataset: is not there"):
        imports.read(tmp_path)
    twice = {**DOCUMENT, "features": DOCUMENT["features"][:1] * 2}
    (tmp_path / "statistics.json").write_text(json.dumps(twice))
    with pytest.raises(ProfileError, match="name: is there twice"):
        imports.read(tmp_path)
    (tmp_path / "statistics.json").write_text(json.dumps(DOCUMENT))
    with pytest.raises(ProfileError, match="--outputs: is no column"):
        imports.read(tmp_path, outputs=["scor"])
    (tmp_path / "constraints.json").write_text("[1]")
    with pytest.raises(ProfileError, match=r"constraints\.json: file: is no object"):
        imports.read(tmp_path)


PLACES = []


def _walk(value, path):
    PLACES.append(path)
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[:3])
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        _walk(item, (*path, key))


_walk(DOCUMENT, ())
odd = st.one_of(
    st.none(), st.booleans(), st.text(max_size=3), st.floats(), st.integers(-5, 5),
    st.sampled_from([10**400, 2**53, 1e308, -1e308, 5e-324, [], {}, [[]], "\ud800"]),
    st.integers(),
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(PLACES[1:]), odd), min_size=1, max_size=3))
def test_mutated_documents_are_refused_or_whole(changes):
    document = copy.deepcopy(DOCUMENT)
    for path, value in changes:
        here = document
        try:
            for name in path[:-1]:
                here = here[name]
            here[path[-1]] = value
        except (TypeError, KeyError, IndexError):
            continue
    try:
        rows, found, _ = read(document, CONSTRAINTS)
    except ProfileError as problem:
        refused = str(problem)
    else:
        refused = ""
    if refused:
        assert "give the statistics.json" in refused
        return
    made = imports.make("", rows, list(found.values()))
    assert parse(shown(made), "f") == made
