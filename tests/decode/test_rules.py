"""What a route's rules make of columns: other names, more of them, fewer of them."""

from __future__ import annotations

import pytest

from agent.decode import together
from agent.decode.payload import MAX_CELLS, MAX_COLUMNS, Payload
from agent.decode.rules.reading import completed, read
from agent.decode.rules.shaping import other_names
from agent.exchange import Exchange
from agent.quality.business import Business
from tests.decode.test_registry import columns, exchange
from tests.decode.test_together import usual
from tests.decode.test_values import routes

FIELDS = [(b"content-type", b"application/json"), (b"X-Country", b"de"), (b"x-age", b"41")]


@pytest.fixture
def shaped(tmp_path):
    def shape(x: Exchange, **said: object) -> tuple[Payload, dict[str, str]]:
        found, _, unfound = read(x, routes(tmp_path, **said))
        assert found.payload is not None, found
        return found.payload, unfound

    return shape


def test_columns_get_other_names(shaped):
    x = exchange({"instances": [[1, 2]]}, {"predictions": [0.5]})
    names = {"instances-0": "age", "instances-1": "income", "predictions": "risk", "none": "x"}
    payload, _ = shaped(x, names=names)
    assert columns(payload.inputs) == {"age": [1], "income": [2]}
    assert columns(payload.outputs) == {"risk": [0.5]}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"a": "b", "b": "a"}, {"b": 1, "a": 2}),
        ({"a": "b"}, {"a": 1, "b": 2}),
        ({"a": "x"}, {"x": 1, "b": 2}),
        ({"a": "b", "b": "x"}, {"b": 1, "x": 2}),
        ({"c": "a"}, {"a": 1, "b": 2}),
    ],
)
def test_no_column_is_lost_by_its_new_name(names, found):
    assert other_names({"a": 1, "b": 2}, names) == found  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ([{"name": "age"}, {"name": "income"}], ["age", "income"]),
        ([{"name": "age"}], ["instances-0", "instances-1"]),
        ([{"name": "age"}, {"name": "age"}], ["instances-0", "instances-1"]),
        ([{"name": "age"}, {"name": 3}], ["instances-0", "instances-1"]),
        (None, ["instances-0", "instances-1"]),
    ],
)
def test_names_may_stand_in_the_request(shaped, fields, found):
    x = exchange({"instances": [[1, 2]], "fields": fields})
    payload, _ = shaped(x, columns="$.fields[*].name", dialect="kserve_v1")
    assert [*payload.inputs] == found


def test_names_may_be_a_list_in_the_answer(shaped):
    x = exchange({"instances": [[1]]}, {"predictions": [[0.1, 0.9]], "labels": ["no", "yes"]})
    payload, _ = shaped(x, outputs="$.labels", dialect="kserve_v1", names={"no": "never"})
    assert columns(payload.outputs) == {"never": [0.1], "yes": [0.9]}


def test_extra_columns_are_a_value_a_row_or_one_for_all(shaped):
    x = exchange(
        {"instances": [[1], [2]], "tiers": ["a", "b"], "who": {"team": "x"}},
        {"predictions": [0.1, 0.2], "took": [3, 4], "node": "n1"},
        fields=FIELDS,
        target=b"/p?region=eu%20west",
    )
    extra = {
        "tier": "request $.tiers[*]", "same": "request $.tiers", "team": "request $.who.team",
        "country": "header x-country", "age": "header X-Age", "region": "query region",
        "took": "response $.took", "node": "$.node",
        "none": "request $.none", "whole": "request $.who", "many": "request $.instances[*][*]",
        "three": "request $..*",
    }  # fmt: skip
    payload, unfound = shaped(x, extra=extra)
    assert columns(payload.inputs) == {
        "instances-0": [1, 2], "tier": ["a", "b"], "same": ["a", "b"], "team": ["x", "x"],
        "country": ["de", "de"], "age": [41, 41], "region": ["eu west"] * 2,
        "none": [None, None], "whole": [None, None], "many": [1, 2], "three": [None, None],
    }  # fmt: skip
    assert columns(payload.outputs)["took"] == [3, 4]
    assert columns(payload.outputs)["node"] == ["n1", "n1"]
    assert unfound == {"none": "absent", "whole": "type", "three": "type"}


def test_extra_columns_are_no_more_cells_than_a_side_may_have(shaped):
    rows = MAX_CELLS // 3
    x = exchange(b'{"instances": [' + b"1," * (rows - 1) + b"1]}", fields=FIELDS)
    extra = dict.fromkeys("abcd", "header x-country")
    payload, unfound = shaped(x, extra=extra, dialect="kserve_v1")
    assert [*payload.inputs] == ["instances", "a", "b"]
    assert payload.left_out == 2 * rows
    assert unfound == {"c": "bounds", "d": "bounds"}


def test_what_is_ignored_is_no_column(shaped):
    x = exchange({"instances": [{"id": 7, "age": 3, "meta.a": 1, "meta.b": 2, "when": 5}]},
                 {"predictions": [{"id": 7, "score": 0.5}]})  # fmt: skip
    payload, _ = shaped(x, ignore=["input id", "meta.*", "whe?"])
    assert columns(payload.inputs) == {"age": [3]}
    assert [*payload.outputs] == ["id", "score"]
    payload, _ = shaped(x, ignore=["$..id", "request $.instances[*].when"])
    assert [*payload.inputs] == ["age", "meta.a", "meta.b"]
    assert [*payload.outputs] == ["score"]
    payload, _ = shaped(x, ignore=["*"])
    assert (payload.inputs, payload.outputs, payload.rows) == ({}, {}, 1)


def test_a_path_is_ignored_before_columns_are_counted(shaped):
    noise = {f"n{n}": n for n in range(2 * MAX_COLUMNS)}
    x = exchange({"noise": noise, "age": 3})
    assert shaped(x)[0].left_out > 0
    payload, _ = shaped(x, ignore=["request $.noise"])
    assert columns(payload.inputs) == {"age": [3]}
    assert payload.left_out == 0


def test_ignored_paths_that_lead_everywhere_are_too_large(tmp_path):
    x = exchange(b"[" + b"[0]," * 300_000 + b"0]")
    found, _, _ = read(x, routes(tmp_path, ignore=["$..a"]))
    assert found.outcome == "too_large"


def test_rows_read_together_become_what_they_become_alone(tmp_path):
    values = {"high": "output no >= 0.25", "age": "age", "none": "input none", "b": "b > 'v1'",
              "c": "b"}  # fmt: skip
    said = routes(
        tmp_path, names={"a": "age", "predictions-0": "no"}, ignore=["b", "*-1"], values=values
    )
    alike = usual(5)
    assert not said.are_alone(alike[0].target)
    payload = together.decode(alike)
    assert payload is not None
    payload, found = completed(payload, alike, said)
    business, one_by_one = Business(), Business()
    business.add("m", "2", found)
    for n, x in enumerate(alike):
        decoded, tallies, _ = read(x, said)
        one_by_one.add("m", "2", tallies)
        alone = decoded.payload
        assert alone is not None
        assert columns(alone.inputs) == {"age": [payload.inputs["age"][n]]}
        assert columns(alone.outputs) == {"no": [payload.outputs["no"][n]]}
    assert len(payload.inputs) == len(payload.outputs) == 1
    assert business.status() == one_by_one.status()
    shown = {value["name"]: value for value in business.status()[0]["values"]}
    assert shown["high"] == {"name": "high", "true": 3, "false": 2, "missing": {}}
    assert shown["none"]["missing"] == {"absent": 5}
    assert shown["c"]["missing"] == {"type": 5}


@pytest.mark.parametrize(
    "said",
    [{"extra": {"c": "header x"}}, {"values": {"v": "$.a"}}, {"ignore": ["$.a"]},
     {"values": {"v": "a", "w": "query a"}}, {"columns": "$.a"}, {"dialect": "kserve_v1"}],
)  # fmt: skip
def test_what_needs_the_exchange_is_read_alone(tmp_path, said):
    assert routes(tmp_path, **said).are_alone(b"/v1/models/m:predict")
