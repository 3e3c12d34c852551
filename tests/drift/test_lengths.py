"""Columns of texts: how long they are, so that cut, empty and suddenly long ones are found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli import main
from agent.decode.payload import MAX_STRING, Cut, cut, from_rows
from agent.drift.engine.cells import bin_label, cells_of
from agent.drift.engine.classic import Rule, judge
from agent.drift.engine.scores import scores_of
from agent.drift.imports.bins import categorical
from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.monitor import Monitor, References
from agent.drift.reference.lengths import lengths
from agent.drift.reference.profile import load, make, merge
from agent.drift.reference.sketch import MISSING
from agent.drift.settings import Settings
from agent.drift.state.orders import parse as parse_order
from tests.drift.charts import profile
from tests.drift.test_monitor import Clock, payload, reference

RNG = np.random.default_rng(4)
WORDS = ["the", "parcel", "came", "late", "with", "a", "wet", "corner", "but", "undamaged"]


def written(rng: np.random.Generator, count: int, least: int = 5, most: int = 40) -> list[str]:
    """Comments of so many words."""
    return [" ".join(rng.choice(WORDS, size=n)) for n in rng.integers(least, most, size=count)]


BASE = written(RNG, 4000)
text = st.text(max_size=30) | st.sampled_from(["", "\ud800", "日本", "x" * 256, "y" * 1_000_000])
value = text | st.none() | st.booleans() | st.integers() | st.floats()


def test_a_text_is_as_long_as_its_code_points_and_what_is_none_as_its_name():
    found = lengths(["", "abc", "日本", "🙂", "\ud800", "e\u0301", None, True, 12, 3.0, 2.5])
    assert found.finite.tolist() == [0, 3, 2, 1, 1, 2, 4, 2, 1, 3]
    assert (found.missing, found.invalid) == (1, 0)
    array = lengths(np.array([10.0, np.nan, 2.5]))
    assert (array.finite.tolist(), array.missing) == ([2, 3], 1)


def test_a_text_that_was_cut_when_it_was_read_keeps_its_length(tmp_path: Path):
    long = "x" * 1_000_000
    [short] = from_rows([{"a": long}], "value").columns["a"]
    assert isinstance(short, Cut)
    assert (short, len(short), short.length) == (long[:MAX_STRING], MAX_STRING, 1_000_000)
    assert lengths([short, "x" * MAX_STRING, None]).finite.tolist() == [1_000_000, MAX_STRING]
    assert not isinstance(cut("x" * MAX_STRING), Cut)

    csv, lines, out = tmp_path / "d.csv", tmp_path / "d.jsonl", tmp_path / "r.json"
    texts = [*BASE[:100], long]
    csv.write_text("\n".join(["said", *texts]) + "\n")
    lines.write_text("".join(json.dumps({"said": said}) + "\n" for said in texts))
    for path in (csv, lines):
        assert main(["profile", "build", str(path), "-o", str(out)]) == 0
        [column] = load(out).columns
        assert column.kind == "text"
        assert column.moments is not None
        assert column.moments.max == 1_000_000
        assert BASE[0] not in out.read_text()


@given(st.lists(value, max_size=40), st.lists(value, max_size=40), st.data())
def test_each_row_is_counted_once_in_any_batches(sample, rows, data):
    shape = shape_of("c", "input", sample, kind="text")
    bins = shape.bins()
    counts = bins.count(rows)
    assert (counts.sum(), len(counts)) == (len(rows), len(shape.counts) + 2)
    assert counts[MISSING] == rows.count(None)
    at = data.draw(st.integers(0, len(rows)))
    assert (bins.count(rows[:at]) + bins.count(rows[at:])).tolist() == counts.tolist()
    if shape.edges:
        empty = next(i for i in range(bins.size) if bin_label(shape, i) == "length = 0")
        assert counts[empty] == rows.count("")


@given(st.lists(st.lists(value, max_size=20), min_size=3, max_size=3))
def test_merging_adds_in_any_order(parts):
    shape = shape_of("c", "input", [row for rows in parts for row in rows], kind="text")

    def built(rows):
        builder = ColumnBuilder(shape)
        builder.add(rows)
        return make("m", len(rows), [builder.profile()])

    a, b, c = map(built, parts)
    whole = built([row for rows in parts for row in rows]).columns[0]
    for merged in (merge([merge([a, b]), c]), merge([c, merge([b, a])]), merge([b, c, a])):
        [column] = merged.columns
        found = (column.counts, column.missing, column.invalid)
        assert found == (whole.counts, whole.missing, whole.invalid)


def test_questions_are_asked_of_the_length_and_are_named_so():
    column = profile(BASE)
    assert column.kind == "text"
    labels = scores_of(cells_of(column), column.edges).labels
    assert labels[:2] == ("length", "length scale")
    assert all(name.startswith("length ") for name in labels[2:-3])
    assert labels[-3:] == ("unseen", "missing", "invalid")
    assert bin_label(column, len(column.counts) - 1).startswith("length > ")
    nothing = shape_of("c", "input", [None, None])
    assert (nothing.kind, bin_label(nothing, 0)) == ("text", "any length")


@pytest.mark.parametrize("name", ["location", "length"])
def test_a_category_of_that_name_has_no_location(name):
    column = profile([name] * 60 + ["weight"] * 40)
    scores = scores_of(cells_of(column), column.edges)
    assert (scores.labels[0], scores.has_location) == (name, False)
    texts = profile(BASE)
    assert scores_of(cells_of(texts), texts.edges).has_location


def changed(rows: list[str], how: str) -> list[str | None]:
    if how == "cut":
        return [row[:60] for row in rows]
    few = RNG.random(len(rows)) < 0.1
    wrong = {"empty": "", "long": "x" * 5000, "missing": None, "same": "n/a"}[how]
    return [wrong if is_wrong else row for is_wrong, row in zip(few, rows, strict=True)]


@pytest.mark.parametrize(
    ("how", "test"),
    [
        ("cut", "length"),
        ("empty", "unseen"),
        ("long", "unseen"),
        ("same", "unseen"),
        ("missing", "missing"),
    ],
)
def test_texts_that_are_cut_empty_long_or_gone_are_drift_and_others_are_not(how, test):
    clock = Clock()
    monitor = Monitor(Settings(), References(reference({"said": BASE})), clock=clock)

    def window(rows: list[str | None]) -> dict:
        clock.now += 300
        for row in rows:
            monitor.add(payload({"said": [row]}))
        [column] = json.loads(json.dumps(monitor.status()))["models"][0]["columns"]
        return column

    for _ in range(4):
        found = window([*written(RNG, 1000)])
    assert (found["kind"], found["state"]) == ("text", "stable")
    found = window(changed(written(RNG, 1000), how))
    assert (found["state"], found["test"].startswith(test)) == ("drift", True), found
    if how == "cut":
        assert found["shift"] < 0
    else:
        assert found["direction"] == "up"


def test_texts_of_unknown_lengths_are_judged_by_what_is_missing_and_renewed():
    """As another tool's profile knows them."""
    column = categorical("said", 10, 5000, {}, distinct=5000)
    assert (column.kind, column.edges, column.counts) == ("text", [], [5000])
    monitor = Monitor(Settings(), References(make("", 5010, [column])))
    for _ in range(3):
        for i in range(1000):
            monitor.add(payload({"said": [None if i % 3 else "well"]}))
    monitor.acknowledge(parse_order(b'{"model": "m", "action": "new_normal", "column": "said"}'))
    [column] = json.loads(json.dumps(monitor.status()))["models"][0]["columns"]
    assert column["renewed"]["caveat"].endswith("deviations is not seen")


@pytest.mark.parametrize("rule", get_args(Rule))
def test_old_rules_judge_lengths_too(rule):
    column = profile(BASE)
    counts = column.bins().count([row[:60] for row in written(RNG, 1000)])
    assert judge(rule, column, counts).drift
    same = judge(rule, column, column.bins().count(BASE))
    assert (same.rule, same.drift) == (rule, False)
    unknown = profile([None] * 90)
    judge(rule, unknown, unknown.bins().count(BASE[:90]))
