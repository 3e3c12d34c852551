"""Business values of an exchange: what is counted, what is summed, and what is missing and why."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.payload import MAX_CELLS
from agent.decode.rules.reading import read
from agent.decode.rules.routes import Routes, routes_of
from agent.decode.rules.tally import Tally
from agent.decode.rules.walk import MAX_VISITED
from agent.exchange import Exchange
from agent.settings.loading import load
from tests.decode.test_binary import message, of, tensor
from tests.decode.test_registry import exchange


def routes(tmp, **said: object) -> Routes:
    file = tmp / "outrider.yaml"
    file.write_text(json.dumps({"routes": [{"path": "/{+rest}", **said}]}))
    return routes_of(load(str(file)))


@pytest.fixture
def value(tmp_path):
    """The tally of one expression of an exchange."""

    def tally(expression: str, x: Exchange) -> Tally:
        _, tallies, _ = read(x, routes(tmp_path, values={"v": expression}))
        [one] = tallies
        assert one.name == "v"
        return one

    return tally


TRUE, FALSE = Tally("v", true=1), Tally("v", false=1)
ANSWER = {"ok": True, "no": False, "n": 2.5, "i": 3, "t": "b", "nil": None, "list": [1, 2, "x"],
          "rows": [{"s": 0.9}, {"s": 0.1}, {"s": None}], "o": {"k": -4}}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "tally"),
    [
        ("$.ok", TRUE),
        ("$.no", FALSE),
        ("$.n", Tally("v", numbers=1, positive=2.5)),
        ("$.i", Tally("v", numbers=1, positive=3.0)),
        ("$.o.k", Tally("v", numbers=1, negative=4.0)),
        ("$.n > 2", TRUE),
        ("$.n > 2.5", FALSE),
        ("$.n >= 2.5", TRUE),
        ("$.i == 3", TRUE),
        ("$.i == 3.0", TRUE),
        ("$.i != 3", FALSE),
        ("$.ok == 1", FALSE),
        ("$.ok == true", TRUE),
        ("$.nil == null", TRUE),
        ("$.nil == 'x'", FALSE),
        ("$.t == 'b'", TRUE),
        ("$.t < 'c'", TRUE),
        ("$.t in ['a', 'b']", TRUE),
        ("$.i in ['a', true]", FALSE),
        ("$.t > 1", Tally("v", missing=1, why="type")),
        ("$.ok > 0", Tally("v", missing=1, why="type")),
        ("$.nil > 0", Tally("v", missing=1, why="type")),
        ("$.t", Tally("v", missing=1, why="type")),
        ("$.o", Tally("v", missing=1, why="type")),
        ("$.o == 1", FALSE),
        ("$.none", Tally("v", missing=1, why="absent")),
        ("$.list[3]", Tally("v", missing=1, why="absent")),
        ("$.ok.deeper", Tally("v", missing=1, why="absent")),
        ("$.list[*]", Tally("v", numbers=2, positive=3.0, missing=1, why="type")),
        ("$.rows[*].s > 0.5", Tally("v", true=1, false=1, missing=1, why="type")),
        ("$..s > 0.5", Tally("v", true=1, false=1, missing=1, why="type")),
        ("$.rows[1].s", Tally("v", numbers=1, positive=0.1)),
        ("request $.amount", Tally("v", numbers=1, positive=9.5)),
        ("input amount", Tally("v", numbers=1, positive=9.5)),
        ("output t == 'b'", TRUE),
        ("t == 'b'", TRUE),
        ("amount > 1", TRUE),
        ("output amount", Tally("v", missing=1, why="absent")),
        ("query region == 'eu'", TRUE),
        ("query n", Tally("v", numbers=1, positive=7.0)),
        ("query none", Tally("v", missing=1, why="absent")),
        ("header X-Tier", Tally("v", numbers=1, positive=2.0)),
        ("header none == 1", Tally("v", missing=1, why="absent")),
    ],
)
def test_what_is_counted(value, expression, tally):
    x = exchange({"amount": 9.5}, ANSWER, target=b"/score?region=eu&n=7",
                 fields=[(b"Content-Type", b"application/json"), (b"x-tier", b"2")])  # fmt: skip
    assert value(expression, x) == tally


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e400", b"1" + b"0" * 400])
def test_what_no_sum_could_have_is_missing(value, number):
    x = exchange({"a": 1}, b'{"n": %b}' % number)
    assert value("$.n", x) == Tally("v", missing=1, why="type")
    assert value("$.n > 0", x).true == (number != b"NaN")


def test_a_plain_answer_is_a_document(value):
    assert value("$ > 0.5", exchange({"a": 1}, 0.75)) == TRUE


BINARY = message("outputs", (tensor("FP32", 3, name="score"), b"\0\0\x80\x3f\0\0\0\0\0\0\0\xbf"))


@pytest.mark.parametrize(
    ("expression", "tally"),
    [
        ("output score >= 0.0", Tally("v", true=2, false=1)),
        ("score", Tally("v", numbers=3, positive=1.0, negative=0.5)),
        ("$.outputs[0].name == 'score'", TRUE),
        ("$.outputs[0].data[0]", Tally("v", missing=1, why="absent")),
    ],
)
def test_a_column_of_a_binary_tensor_is_counted_row_by_row(value, expression, tally):
    asked = message("inputs", (tensor("INT8", 3), b"abc"))
    assert value(expression, of(asked, BINARY)) == tally


CSV = [(b"Content-Type", b"text/csv")]
LINES = [(b"Content-Type", b"application/x-ndjson")]
EVENTS = [(b"Content-Type", b"text/event-stream")]


@pytest.mark.parametrize(
    ("answer", "fields", "expression", "tally"),
    [
        (b"0.9\n0.1\n", CSV, "output output > 0.5", Tally("v", true=1, false=1)),
        (b"0.9\n0.1\n", CSV, "$.x > 0.5", Tally("v", missing=1, why="not_json")),
        (b'{"s": 1}\n{"s": 0}\n', LINES, "$[*].s == 1", Tally("v", true=1, false=1)),
        (b'data: {"s": 1}\n\ndata: {"s": 0}\n\ndata: [DONE]\n\n', EVENTS, "$[1].s == 0", TRUE),
        (b"", [], "$.x", Tally("v", missing=1, why="not_json")),
        (b"{", [], "$.x", Tally("v", missing=1, why="not_json")),
        (b"[" * 100_000, [], "$.x", Tally("v", missing=1, why="bounds")),
    ],
)
def test_answers_of_other_forms(value, answer, fields, expression, tally):
    x = exchange(b"1,2\n3,4\n", answer, fields=CSV)._replace(response_fields=fields)
    assert value(expression, x) == tally


def test_an_answer_to_what_nobody_can_read_is_counted(value):
    x = exchange(b"\x89PNG\r\n", {"ok": True}, fields=[(b"Content-Type", b"image/png")])
    assert read(x, Routes())[0].outcome == "unsupported"
    assert value("$.ok", x) == TRUE


@pytest.mark.parametrize(
    "change",
    [{"status": 404}, {"status": 302}, {"error": "client_abort"}, {"capture": "unsampled"},
     {"capture": "budget"}, {"request_size": 0}],
)  # fmt: skip
def test_only_what_was_scored_and_captured_is_counted(tmp_path, change):
    x = exchange({"a": 1}, {"ok": True})
    said = routes(tmp_path, values={"v": "$.ok"})
    assert [*read(x, said)[1]] == [TRUE]
    assert [*read(x._replace(**change), said)[1]] == []


def test_a_huge_document_is_looked_at_within_bounds(tmp_path):
    answer = b"[" + b"[0]," * (MAX_VISITED // 2) + b"0]"
    said = routes(tmp_path, values={f"v{n}": "$..*..*..* > 0" for n in range(32)})
    found = read(exchange({"a": 1}, answer), said)[1]
    assert [(one.missing, one.why) for one in found] == [(1, "bounds")] * 32
    assert MAX_VISITED < MAX_CELLS


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["a", "b", "instances", "predictions"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)
PATHS = ["$", "$.a", "$..a", "$.*", "$..*", "$.a[*].b", "$[0]", "$.predictions[*]", "$..[1]"]
COMPARED = ["", "> 0", "<= 'a'", "== null", "!= true", "in [1, 'a']"]


@given(
    st.binary(max_size=20) | JSON.map(lambda it: json.dumps(it).encode()),
    st.sampled_from(["", "request "]),
    st.sampled_from(PATHS),
    st.sampled_from(COMPARED),
)
def test_any_document_is_counted_or_missing(tmp_path_factory, document, side, path, compared):
    said = _kept(tmp_path_factory, f"{side}{path} {compared}".strip())
    [one] = read(exchange(document or b"0", document), said)[1]
    counted = one.true + one.false + one.numbers
    assert counted + one.missing > 0
    assert bool(one.missing) == bool(one.why)
    assert one.positive >= 0
    assert one.negative >= 0
    assert math.isfinite(one.positive + one.negative) or one.numbers > 1


_MADE: dict[str, Routes] = {}


def _kept(factory, expression: str) -> Routes:
    if expression not in _MADE:
        _MADE[expression] = routes(factory.mktemp("r"), values={"v": expression})
    return _MADE[expression]
