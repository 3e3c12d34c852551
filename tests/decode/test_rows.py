"""Dialects of rows: each payload of tests/corpus/rows*.jsonl as its source documents it."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.decode.bodies.message import Message
from agent.decode.payload import MAX_COLUMNS, MAX_NUMBERED, Outcome, Payload, Refused
from agent.decode.registry import BY_NAME, DIALECTS, decode
from agent.decode.rules.routes import Route, Routes
from agent.settings.shown import schema
from tests.decode.corpus import body_of, cases, exchange_of
from tests.decode.test_registry import check, columns, exchange

CORPUS = cases("rows*.jsonl")
TYPES = ["", "text/csv", "application/jsonlines", "application/json", "text/plain", "image/png",
         "application/x-www-form-urlencoded", "multipart/form-data; boundary=X"]  # fmt: skip
TARGETS = [b"/", b"/invocations", b"/predict", b"/predictions/m/2", b"/v1/endpoints/1:predict",
           b"/api/v1.0/predictions"]  # fmt: skip


def as_text(side: dict[str, list[object]]) -> dict[str, list[object]]:
    """Columns, with a text for what JSON has no number for."""
    return {
        name: [str(v) if isinstance(v, float) and not math.isfinite(v) else v for v in values]
        for name, values in side.items()
    }


@pytest.mark.parametrize("case", CORPUS, ids=[f"{n}-{c['source']}" for n, c in enumerate(CORPUS)])
def test_each_documented_payload_is_of_its_dialect_and_columns(case):
    found = decode(exchange_of(case))
    assert found.dialect == case["dialect"]
    if "outcome" in case:
        assert (found.outcome, found.payload) == (case["outcome"], None)
        return
    assert found.payload is not None, found
    assert as_text(columns(found.payload.inputs)) == as_text(case["columns"])
    if "answer" in case:
        assert found.outcome == case.get("answer_outcome", "ok")
        assert columns(found.payload.outputs) == case.get("outputs", {})
        assert found.payload.model == case.get("model", found.payload.model)
        assert found.payload.version == case.get("version", found.payload.version)


def test_the_settings_know_every_dialect_and_no_other():
    known = schema()["$defs"]["Route"]["properties"]["dialect"]
    assert set(known["anyOf"][0]["enum"]) == set(BY_NAME)


def taken(body: bytes, kind: str = "", answer: bytes = b"1", target: bytes = b"/x") -> Payload:
    fields = [(b"content-type", kind.encode())] if kind else []
    found = decode(exchange(body, answer, fields=fields, target=target))
    assert found.payload is not None, found
    check(found.payload)
    return found.payload


def test_the_settings_name_what_comes_without_names():
    routes = Routes([Route("/x", columns=("age", "income"), outputs=("score",))])
    named = routes.complete(taken(b"41,2.5\n30,3\n", "text/csv", b"[0.1, 0.2]"), b"/x?q")
    assert columns(named.inputs) == {"age": [41, 30], "income": [2.5, 3]}
    assert columns(named.outputs) == {"score": [0.1, 0.2]}
    other = routes.complete(taken(b"1,2,3", "text/csv"), b"/x")
    assert list(other.inputs) == ["input-0", "input-1", "input-2"]
    own = routes.complete(taken(b'{"a": 1, "b": 2}'), b"/x")
    assert list(own.inputs) == ["a", "b"]
    assert list(routes.complete(taken(b'{"a": 1}'), b"/y").outputs) == ["output"]
    one = Routes([Route("/x", columns=("age",))])
    assert list(one.complete(taken(b'{"years": 1}'), b"/x").inputs) == ["years"]
    assert list(one.complete(taken(b'{"instances": [1]}'), b"/x").inputs) == ["age"]


def test_the_settings_say_the_dialect():
    asked = exchange(b'"a",1', b"1", fields=[])
    assert decode(asked).payload is None
    found = decode(asked, "csv")
    assert found.payload is not None
    assert (found.dialect, columns(found.payload.inputs)) == (
        "csv",
        {"input-0": ["a"], "input-1": [1]},
    )
    refused = decode(exchange({"a": 1}, b"1"), "kserve_v2")
    assert (refused.dialect, refused.payload) == ("kserve_v2", None)
    routes = Routes([Route("/x/{version}", dialect="csv")])
    assert (routes.of(b"/x/1?q").dialect, routes.version(b"/x/1"), routes.of(b"/y").dialect) == (
        "csv", "1", "",
    )  # fmt: skip


def test_fields_of_forms_are_bounded():
    many = b"&".join(b"f%d=1" % n for n in range(MAX_COLUMNS + 7))
    found = taken(many, "application/x-www-form-urlencoded")
    assert (len(found.inputs), found.left_out) == (MAX_COLUMNS, 7)
    same = taken(b"&".join([b"f=1"] * 900), "application/x-www-form-urlencoded")
    assert len(same.inputs) == 900
    part = b'--X\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n'
    parts = b"".join(part % n for n in range(MAX_COLUMNS + 7)) + b"--X--\r\n"
    found = taken(parts, "multipart/form-data; boundary=X")
    assert (len(found.inputs), found.left_out) == (MAX_COLUMNS, 7)
    long = taken(b"a=" + b"%C3%A9" * 100_000, "application/x-www-form-urlencoded")
    (kept,) = long.inputs["a"]
    assert (kept, kept.length) == ("\u00e9" * 256, 100_000)  # type: ignore[union-attr]


def test_a_wide_csv_keeps_what_fits():
    row = b",".join(b"%d" % n for n in range(5000))
    found = taken(row + b"\n" + row, "text/csv")
    assert len(found.inputs) < 5000
    assert found.left_out == 2 * (5000 - len(found.inputs))


cells = st.one_of(
    st.integers(-(10**18), 10**18).map(str),
    st.floats(allow_nan=False).map(repr),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
)
texts = st.sampled_from(["", "\n", "\r\n", ",", '"', "{", "}", "[", "]", "=", "&", "--X", ":", "1",
                         "a", "\ufeff", '{"a":1}', "null", '"instances":', "%", "\0", "NaN",
                         'Content-Disposition: form-data; name="a"\r\n\r\n'])  # fmt: skip
bodies = st.lists(texts, max_size=30).map("".join).map(str.encode) | st.binary(max_size=99)


@given(bodies, bodies, st.sampled_from(TYPES), st.sampled_from(TYPES), st.sampled_from(TARGETS))
def test_any_bytes_of_any_kind_are_an_outcome(body, answer, kind, answered, target):
    asked = exchange(body, answer, fields=[(b"content-type", kind.encode())], target=target)
    found = decode(asked._replace(response_fields=[(b"content-type", answered.encode())]))
    assert found.outcome in get_args(Outcome)
    check(found.payload)


@given(bodies, st.sampled_from(TYPES), st.sampled_from(TARGETS), st.sampled_from(DIALECTS))
def test_a_dialect_raises_nothing_but_refused_where_the_settings_chose_it(
    body, kind, target, dialect
):
    message = Message(body, [(b"content-type", kind.encode())], target)
    for read in (lambda: dialect.request(message), lambda: dialect.response(message, 2)):
        with suppress(Refused):
            assert len(read().columns) <= MAX_NUMBERED


@given(st.sampled_from([case for case in CORPUS if case["body"]]), st.data())
def test_any_damage_to_a_payload_is_an_outcome(case, data):
    raw = bytearray(body_of(case))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    body = (bytes(raw), b"", 0)
    found = decode(exchange_of(case)._replace(request_body=body, response_body=body))
    assert found.outcome in get_args(Outcome)
    check(found.payload)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=6))
def test_csv_that_python_writes_is_read_row_by_row(rows):
    import csv
    import io

    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    assume(text.getvalue()[:1] not in "[{")  # what is JSON by its bytes is none
    fields = [(b"content-type", b"text/csv;header=absent")]
    found = decode(exchange(text.getvalue().encode(), b"1", fields=fields))
    assert found.payload is not None
    assert found.payload.rows == len(rows)
    for name, values in found.payload.inputs.items():
        for row, value in zip(rows, values, strict=True):
            text_ = row[int(name.removeprefix("input-"))].strip()
            if isinstance(value, str):
                assert value == text_[:256]


@pytest.mark.parametrize(
    ("body", "kind", "columns_"),
    [
        (b"{x},1\n{y},2\n", "text/csv", {"input-0": ["{x}", "{y}"], "input-1": [1, 2]}),
        (b"a,a\n1,2\n3,4\n", "text/csv", {"a": [1, 3], "a.1": [2, 4]}),
        (b"c\nx\ny\n", "text/csv", {"input": ["c", "x", "y"]}),
        (b"c\n1\nx\n", "text/csv", {"input": ["c", 1, "x"]}),
        (b"a,b\n1,\n,x\n", "text/csv", {"a": [1, None], "b": [None, "x"]}),
    ],
)
def test_csv_of_doubtful_forms(body, kind, columns_):
    assert columns(taken(body, kind).inputs) == columns_


def test_rows_of_unequal_length_do_not_multiply():
    body = b"x" + b"," * 40_000 + b"\n" + b"1\n" * 40_000
    found = decode(exchange(body, b"1", fields=[(b"content-type", b"text/csv")]))
    assert found.outcome == "too_large"


@pytest.mark.parametrize("row", [b"x,", b'"a",1,', b"1,"])
def test_a_row_of_many_fields_keeps_the_first_and_counts_the_rest(row):
    found = taken(row * 20_000 + b"1", "text/csv")
    fields = (row * 20_000 + b"1").count(b",") + 1
    assert len(found.inputs) == MAX_NUMBERED
    assert found.left_out == fields - MAX_NUMBERED
