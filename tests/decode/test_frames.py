"""Tables in JSON, and labels with scores: their forms, what only looks like one, any document."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.payload import MAX_COLUMNS, Refused
from agent.decode.registry import decode
from agent.decode.shapes import answers, frames
from agent.decode.shapes.ranking import ranked
from tests.decode.test_registry import check, columns, exchange, leaf, payload

ROWS = [[1, "x"], [2, "y"]]
NAMED = {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize(
    "table",
    [
        {"columns": ["a", "b"], "index": [7, 8], "data": ROWS},
        {"fields": ["a", "b"], "rows": ROWS},
        {"fields": ["a", "b"], "values": ROWS},
        {"ColumnNames": ["a", "b"], "Values": ROWS},
        {"feature_names": ["a", "b"], "data": ROWS},
        {"schema": {"fields": [{"name": "a"}, {"name": "b"}]}, "rows": ROWS},
    ],
)
def test_a_table_is_found_under_whichever_key(table):
    for asked in (table, {"x": table, "k": 3}, {"x": {"y": [table]}, "k": [3]}):
        assert columns(payload(asked).inputs) == NAMED
    for answer in (table, {"x": table, "k": 3}, {"x": {"y": [table]}}):
        assert columns(payload([[1], [2]], answer).outputs) == NAMED


@pytest.mark.parametrize(
    "document",
    [
        {"fields": ["a"], "rows": ROWS},
        {"fields": [1, 2], "rows": ROWS},
        {"names": ["a", "b"], "rows": ROWS},
        {"columns": ["a", "b"], "data": [1, 2]},
        {"columns": "ab", "data": ROWS},
        {"columns": [], "rows": []},
        {"schema": 3, "rows": ROWS},
    ],
)
def test_what_only_looks_like_a_table_is_none(document):
    assert frames.held({"x": document}) is None


def test_an_answer_that_repeats_its_request_says_what_it_says_beside():
    table = {"columns": ["a"], "data": [[1], [2]]}
    found = payload(table, {"input": table, "prediction": [0.5, 0.25]})
    assert columns(found.outputs) == {"prediction": [0.5, 0.25]}


def test_one_row_is_called_as_several_are():
    for rows in (1, 2):
        asked = [{"a": 1}] * rows
        wrapped = {"data": {"price": [1.5] * rows, "risk": ["low"] * rows}}
        assert list(payload(asked, wrapped).outputs) == ["price", "risk"]
        ranks = [[{"label": "x", "score": 0.75}, {"label": "y", "score": 0.25}]] * rows
        assert list(payload(asked, ranks).outputs) == ["label", "scores.x", "scores.y"]


def test_objects_of_two_columns_keep_apart():
    found = payload({"inputs": {"a": {"x": 1}, "b": {"x": 2}}})
    assert columns(found.inputs) == {"a.x": [1], "b.x": [2]}


@pytest.mark.parametrize(
    "document",
    [
        [{"label": "x", "score": 0.5}, {"label": "x", "score": 0.25}],
        [{"label": "x", "score": "0.5"}, {"label": "y", "score": 0.25}],
        [{"label": 1, "score": 0.5}, {"label": 2, "score": 0.25}],
        [{"label": "x", "score": 0.5, "box": {}}, {"label": "y", "score": 0.25, "box": {}}],
        [[]],
        [[], []],
        [],
    ],
)
def test_what_is_no_ranking_is_none(document):
    assert ranked(document, 1) is None


def test_rankings_of_many_labels_are_bounded():
    labels = [{"label": f"l{n}", "score": 1 / (n + 1)} for n in range(3 * MAX_COLUMNS)]
    found = payload({"inputs": "a text"}, labels)
    check(found)
    assert columns(found.outputs)["label"] == ["l0"]
    assert found.left_out > 0


def test_what_was_written_as_json_twice_is_undone_once():
    for answer, outputs in (
        ('{"y": 1}', {"y": [1]}),
        ("[0.5", {"output": ["[0.5"]}),
        (json.dumps(["[1]"]), {"output": ["[1]"]}),
    ):
        assert columns(payload({"a": 1}, json.dumps(answer).encode()).outputs) == outputs


keys = st.sampled_from([*frames._NAMES, *frames._ROWS, "label", "score", "0", "1", "x", "status",
                        "output", "logs", "name"])  # fmt: skip
tree = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
)


@given(tree, st.integers(1, 3))
def test_any_document_is_an_answer_or_refused(document, rows):
    try:
        answers.of_document(document, rows)
    except Refused:
        return


@given(tree, tree)
def test_any_documents_are_an_outcome(asked, answer):
    check(decode(exchange(asked, answer)).payload)
