"""`outrider profile diff`: what differs is named, what does not is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli import main
from agent.drift.learning.build import build_profile, count
from agent.drift.learning.learn import ColumnBuilder
from agent.drift.learning.natural_build import with_variation
from agent.drift.profiles.compare import Difference, Level, compare
from agent.drift.profiles.shared import shared
from agent.drift.reference.private import new_key
from agent.drift.reference.profile import ColumnProfile, Moments, Profile, make, save
from agent.drift.rows.table import Batch
from tests.drift.charts import COLUMNS, cat3, normal, profile
from tests.drift.test_detectable import passes_of

SELDOM = Level()
OFTEN = Level(0.25, 0.0)
"""So often that a few comparisons say whether it holds."""


def numeric(values: np.ndarray, edges: list[float]) -> ColumnProfile:
    empty = ColumnProfile("x", "input", "numeric", [0] * (len(edges) + 1), 0, 0, edges)
    return like(empty, values)


def like(column: ColumnProfile, values: object) -> ColumnProfile:
    rows = values.tolist() if isinstance(values, np.ndarray) else list(values)
    builder = ColumnBuilder(
        msgspec.structs.replace(column, counts=[0] * len(column.counts), missing=0, invalid=0)
    )
    builder.add(rows)
    return builder.profile()


def named(counts: dict[str, int], other: int = 0) -> ColumnProfile:
    each = [*counts.values(), other]
    return ColumnProfile("x", "input", "categorical", each, 0, 0, categories=list(counts))


def only(a: ColumnProfile, b: ColumnProfile, level: Level = SELDOM) -> Difference:
    (found,) = compare(make("", a.rows, [a]), make("", b.rows, [b]), level)
    return found


@pytest.mark.parametrize(("m", "n", "own"), [(2000, 4000, False), (2000, 1000, True)])
def test_alike_profiles_differ_no_more_often_than_the_level(m, n, own):
    trials, differ = 24, 0
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        first = [profile(draw(rng, m), draw.__name__) for draw in COLUMNS]
        drawn = [draw(rng, n) for draw in COLUMNS]
        second = [
            profile(values, a.name) if own else like(a, values)
            for a, values in zip(first, drawn, strict=True)
        ]
        found = compare(make("", m, first), make("", n, second), OFTEN)
        differ += any(difference.state == "differs" for difference in found)
    assert differ <= OFTEN.chance * trials


@pytest.mark.parametrize("own", [False, True], ids=["same bins", "own bins"])
@pytest.mark.parametrize(
    ("before", "after", "tests"),
    [
        (normal, lambda rng, n: rng.normal(0.15, size=n), {"location", "mean"}),
        (normal, lambda rng, n: rng.normal(0, 2, size=n), {"scale", "<=", "unseen"}),
        (cat3, lambda rng, n: rng.choice(["a", "b"], p=[0.8, 0.2], size=n), {"a", "b"}),
        (cat3, lambda rng, n: rng.choice(["a", "b", "d"], p=[0.9, 0.05, 0.05], size=n), {"unseen"}),
        (normal, lambda rng, n: np.where(rng.random(n) < 0.1, None, rng.normal(size=n)), None),
        (normal, lambda rng, n: np.where(np.arange(n) % 9, rng.normal(size=n), np.inf), None),
        (lambda rng, n: np.ones(n), lambda rng, n: np.full(n, 2.0), None),
    ],
)
def test_what_differs_is_named(own, before, after, tests):
    rng = np.random.default_rng(5)
    a, changed = profile(before(rng, 5000)), after(rng, 4000)
    b = profile(changed.tolist()) if own and a.kind != "numeric" else like(a, changed)
    if own and a.kind == "numeric":
        numbers = [v for v in changed.tolist() if v is not None and np.isfinite(v)]
        b = like(profile(numbers), changed)
    found = only(a, b)
    assert found.state == "differs"
    assert found.found.score > found.found.threshold
    assert tests is None or found.found.test.split()[0] in tests
    assert only(a, like(a, before(rng, 4000))).state == "alike"
    assert only(a, b, Level(min_effect=1000.0)).state == "alike"


@given(
    st.lists(st.integers(-20, 20), min_size=50, max_size=300),
    st.sets(st.integers(-15, 15)),
    st.sets(st.integers(-15, 15)),
)
def test_shared_bins_are_exact(values, some, others):
    rows = np.array(values, dtype=float)
    a, b = numeric(rows, sorted(map(float, some))), numeric(rows, sorted(map(float, others)))
    pair = shared(a, b)
    assert pair.a.edges == pair.b.edges
    assert pair.a.counts == pair.b.counts
    assert set(pair.a.edges or ()) == some & others


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 500), min_size=1),
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 500), min_size=1),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_shared_categories_lose_no_row_and_claim_nothing(first, second, rest_a, rest_b):
    a, b = named(first, rest_a), named(second, rest_b)
    pair = shared(a, b)
    assert pair.a.categories == pair.b.categories
    assert (pair.a.rows, pair.b.rows) == (a.rows, b.rows)
    for name, of_a, of_b in zip(pair.a.categories, pair.a.counts, pair.b.counts, strict=False):
        assert of_a == first.get(name, 0)
        assert of_b == second.get(name, 0)
        assert name in first or not rest_a
        assert name in second or not rest_b


def test_a_category_that_one_does_not_know_is_not_taken_for_none():
    """`c` is a third of the first; the second kept two names and has as much in `other`."""
    a = named({"a": 400, "b": 300, "c": 300})
    assert only(a, named({"a": 400, "b": 300}, 300)).state == "alike"
    assert only(a, named({"a": 550, "b": 450})).found.test in ("a", "b", "c")
    assert only(a, named({"a": 400, "b": 300, "d": 300})).state == "differs"


def test_hashed_categories_are_found_again_unless_the_key_is_another():
    rng = np.random.default_rng(0)
    values = rng.choice(["ann@x.org", "bob@x.org"], p=[0.7, 0.3], size=2000)
    a, b = profile(values), profile(values)
    assert a.key != b.key
    found = only(a, b)
    assert found.state == "not_comparable"
    assert found.note == "hashed with another key: build it with --like the first"
    plain = named({"ann@x.org": 1400, "bob@x.org": 600})
    for one, two in ((a, plain), (plain, a)):
        assert only(one, msgspec.structs.replace(two, name=one.name)).state == "alike"
    swapped = named({"ann@x.org": 600, "bob@x.org": 1400})
    assert only(a, msgspec.structs.replace(swapped, name=a.name)).state == "differs"
    assert len(new_key()) == 32


def test_variation_that_is_known_is_allowed_for():
    """Two weeks that wander by a third of a standard deviation from hour to hour."""
    rng = np.random.default_rng(4)
    times = np.arange(0, 7 * 86400, 120.0)

    def week(began: float) -> Batch:
        walk = np.repeat(rng.normal(0, 0.6, size=7 * 6), len(times) // 42)
        return Batch(
            {"t": (began + times).tolist(), "x": (rng.normal(size=len(times)) + walk).tolist()},
            len(times),
        )

    passes = passes_of(week(0.0))
    bare = build_profile(passes, timestamp="t")
    known = with_variation(bare, passes(), "t")
    assert known.columns[0].variation is not None
    other = count(iter([week(7e5)]), "", bare.columns, timestamp="t")
    assert compare(bare, other, Level())[0].state == "differs"
    assert compare(known, other, Level())[0].state == "alike"


@pytest.fixture
def data() -> dict[str, list[object]]:
    rng = np.random.default_rng(7)
    return {
        "age": rng.integers(18, 90, size=3000).tolist(),
        "income": rng.lognormal(size=3000).tolist(),
        "region": rng.choice(["n", "s"], size=3000).tolist(),
        "y": rng.normal(size=3000).tolist(),
    }


def saved(path: Path, columns: dict[str, list[object]], like: Profile | None = None) -> str:
    rows = len(columns["y"])
    batch = Batch(columns, rows)
    outputs = ["y"]
    if like is not None:
        save(count(iter([batch]), "m", like.columns), path)
    else:
        save(build_profile(passes_of(batch), model="m", outputs=outputs), path)
    return str(path)


def diff(capsys, *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    status = main(["profile", "diff", *arguments])
    return status, capsys.readouterr().out


def test_the_exit_status_and_the_summary(tmp_path, data, capsys):
    a = saved(tmp_path / "a.json", data)
    assert diff(capsys, a, a)[0] == 0
    alike = "\n0 of 4 columns differ (1 in 1,000 by chance, 0.05 sd or more)\n"
    assert alike in diff(capsys, a, a)[1]

    older = {**data, "age": [age + 5 for age in data["age"]], "region": ["n"] * 3000}
    older["new"] = older.pop("income")
    status, out = diff(capsys, a, saved(tmp_path / "b.json", older))
    assert status == 1
    assert "2 of 3 columns differ, 1 is missing in b, 1 is new in b" in out
    lines = [line.split() for line in out.splitlines()[4:]]
    assert [line[0] for line in lines[1:5]] == ["income", "new", "region", "age"]
    assert lines[1][2:5] == ["missing", "in", "b"]
    assert "other bins" in out
    assert "--like A" in out
    assert diff(capsys, a, str(tmp_path / "b.json"), "--columns", "y")[0] == 0
    assert diff(capsys, a, str(tmp_path / "b.json"), "--columns", "a*")[0] == 1

    text = {**data, "age": [f"about {age}" for age in data["age"]]}
    status, out = diff(capsys, a, saved(tmp_path / "c.json", text))
    assert status == 1
    assert "numeric to categorical" in out


def test_what_cannot_be_compared_is_no_silent_pass(tmp_path, data, capsys):
    a = saved(tmp_path / "a.json", data)
    few = {name: values[:40] for name, values in data.items()}
    status, out = diff(capsys, a, saved(tmp_path / "few.json", few))
    assert status == 2
    assert "not comparable" in out
    assert "fewer than 50 rows" in out
    assert main(["profile", "diff", a, saved(tmp_path / "z.json", {"y": data["y"]})]) == 1
    alien = build_profile(passes_of(Batch({"q": data["y"]}, 3000)))
    save(alien, tmp_path / "q.json")
    for arguments, says in (
        ([str(tmp_path / "q.json")], "compare two profiles of one model"),
        ([str(tmp_path / "none.json")], "No such file"),
        ([a, "--level", "0"], "--level"),
        ([a, "--min-effect", "nan"], "--min-effect"),
        ([a, "--columns", "zz"], "no column zz"),
    ):
        assert main(["profile", "diff", a, *arguments]) == 2
        assert says in capsys.readouterr().err


def test_programs_see_all_columns(tmp_path, data, capsys):
    a = saved(tmp_path / "a.json", data)
    status, out = diff(capsys, a, saved(tmp_path / "b.json", data), "--json")
    found = json.loads(out)
    assert (status, found["status"], found["reference"]["model"]) == (0, 0, "m")
    assert [row["state"] for row in found["columns"]] == ["alike"] * 4
    age = next(row for row in found["columns"] if row["name"] == "age")
    assert age["rows"] == [3000, 3000]
    assert age["distances"]["psi"] == 0
    assert age["correlation"][0] == age["correlation"][1]
    assert diff(capsys, a, a, "--all")[1].count("input") == 3


def test_a_correlation_that_moved_is_told(tmp_path, data, capsys):
    follows = {**data, "y": (np.array(data["age"]) / 10 + np.array(data["y"])).tolist()}
    a, b = saved(tmp_path / "a.json", follows), saved(tmp_path / "b.json", data)
    assert "correlation with y: age +0.8" in diff(capsys, a, b)[1]


def test_five_hundred_columns_fit_in_a_hundred_characters(tmp_path, capsys):
    rng = np.random.default_rng(0)
    first = {f"{'long' * 40}_{i}": rng.normal(size=60).tolist() for i in range(500)}
    second = {name: (np.array(values) * 1e200 + 1).tolist() for name, values in first.items()}
    for columns, name in ((first, "a"), (second, "b")):
        save(build_profile(passes_of(Batch(columns, 60))), tmp_path / f"{name}.json")
    status, out = diff(capsys, str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--all")
    assert status == 1
    assert len(out.splitlines()) > 500
    assert max(map(len, out.splitlines()[2:])) <= 100


def test_columns_of_two_constants_and_of_no_moments():
    a, b = profile([1.0] * 100), profile([2.0] * 100)
    assert only(a, b).state == "differs"
    bare = msgspec.structs.replace(profile(np.arange(100.0)), moments=None)
    other = msgspec.structs.replace(profile(np.arange(100.0) + 0.5), moments=None)
    assert only(bare, other).state == "alike"
    far = msgspec.structs.replace(profile(np.arange(100.0) + 50), moments=None)
    assert only(bare, far).state == "differs"
    huge = msgspec.structs.replace(a, moments=Moments(100, 1e308, 1e308, 1e308, 0.0))
    assert only(huge, b).state == "differs"


def test_views_of_a_vector_are_compared_only_along_the_same_directions():
    rng = np.random.default_rng(9)
    first, second = (
        Batch({f"e-{i}": rng.normal(size=600).tolist() for i in range(64)}, 600) for _ in range(2)
    )
    a, b = (build_profile(passes_of(batch)) for batch in (first, second))
    assert a.vectors != b.vectors
    states = {d.name: (d.state, d.note) for d in compare(a, b, SELDOM)}
    assert states.pop("e")[0] == "alike"  # its norm
    assert set(states.values()) == {("not_comparable", "a view along other directions")}
    liked = count(iter([second]), "", a.columns, vectors=a.vectors)
    assert {d.state for d in compare(a, liked, SELDOM)} == {"alike"}
