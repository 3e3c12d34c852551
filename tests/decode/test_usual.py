"""What is read in one go becomes what the dialects make of it, whatever a client sends."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode import registry, usual
from agent.decode.payload import MAX_COLUMNS, MAX_NAME, MAX_STRING
from agent.decode.registry import decode
from agent.decode.shapes import delimited
from agent.exchange import Exchange
from tests.decode.corpus import cases, exchange_of
from tests.decode.test_registry import columns, exchange


def tensor(name: object = "x", *data: object, shape: object = None, **more: object) -> object:
    shape = [1, len(data)] if shape is None else shape
    return {"name": name, "datatype": "FP64", "shape": shape, "data": [*data], **more}


ASKED: list[Any] = [
    {"instances": [{"a": 1.5, "b": "x"}]},
    {"instances": [[1, 2.5, None]]},
    {"instances": [3]},
    {"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"]]}},
    {"dataframe_split": {"index": [0, 1], "columns": ["a", "b"], "data": [[1, 2], [3, 4]]}},
    {"dataframe_records": [{"a": 1, "b": None}], "params": {"t": 0.5}},
    {"dataframe_records": [{"a": 1}, {"a": 2}]},
    {"inputs": [tensor("x", 1, 2), tensor("y", 3, shape=[1])], "id": "7"},
    {"inputs": [tensor("x", 1), tensor("y", True, shape=[1])]},
    {"inputs": [tensor("x", [1, 2], [3, 4], shape=[2, 2], parameters={"content_type": "np"})]},
    {"a": 1, "b": "x", "c": None, "d": True},
    [{"a": 1, "b": 2}, {"a": 3, "b": 4}],
    b"a,b\n1,2\n3,4.5\n",
    b"1,2,3\n",
]
ANSWERED: list[Any] = [
    {"predictions": [[0.25, 0.75]]},
    {"predictions": [1], "model_version": "3"},
    {"outputs": [tensor("y", 0.5)], "model_name": "m", "model_version": "2", "id": "9"},
    {"outputs": [tensor("y", 0.5, 0.75, shape=[2])], "model_version": 4},
    {"prediction": 1, "p": 0.5},
    {"prediction": 1, "model_version": "2", "modelVersionId": None},
    {"prediction": 1, "model_version": None, "modelVersionId": "4"},
    [0.5],
    [0.5, 0.25],
    b"0.5",
]
TARGETS = [
    b"/predict", b"/invocations", b"/v2/models/m/infer", b"/predictions/net",
    b"/api/v1.0/predictions",
    b"/v1/endpoints/1:predict", b"/v1/models/m/versions/2:predict", b"/v1/chat/completions",
    b"/v1/completions", b"/api/generate", b"/generate", b"/api/embed", b"/embed",
]  # fmt: skip
TYPES = ["application/json", "application/json; charset=utf-8", "application/x-ndjson", "text/csv",
         "text/csv; header=present", "text/csv; header=absent", "", "text/plain",
         "application/vnd.apache.arrow.stream", "text/event-stream"]  # fmt: skip
KEYS = ["instances", "inputs", "strData", "jsonData", "binData", "error", "detail",
        "message", "prompt", "messages", "input", "model",
        "data",
        "columns", "params", "parameters", "predictions", "outputs", "model_version", "id",
        "modelVersionId", "model_name", "datatype", "binary_data_size", "configuration",
        "n" * (MAX_NAME + 1), "max_tokens", "shape"]  # fmt: skip
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "x", "y" * (MAX_STRING + 1), "\ud800", "[", "{", "9" * 400, 10**400]),
    st.just([]),
    st.just({}),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from(
        [[[1]], [None], [{"a": 1}], {"a": {"b": 1}}, [tensor("z", 1)], {"b64": "YQ=="}]
    ),
)
PIECES = [b",", b"[", b"]", b"{", b"}", b'"', b"\n", b"\r", b" ", b"1", b"-", b"nan", b"inf",
          b"e400",
          b"\xff", b"\xc2\xa0", b'{"a":1}', b'"datatype"', b'"binary_data_size"', b"null", b"01",
          b"\xef\xbb\xbf", b"NA", b"1_0"]  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, usual_ones: list[Any]) -> bytes:
    """A usual body, or one that is changed in one or some places."""
    body = draw(st.sampled_from(usual_ones))
    if not isinstance(body, bytes):
        body = json.loads(json.dumps(body))
        for _ in range(draw(st.integers(0, 2))):
            change(draw, body)
        body = json.dumps(
            body, separators=draw(st.sampled_from([(", ", ": "), (",", ":")]))
        ).encode()
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.sampled_from(PIECES)) + body[at + draw(st.integers(0, 2)) :]
    return body


def change(draw: st.DrawFn, node: Any) -> None:
    """Another value, or another key with one, somewhere in it."""
    while True:
        inner = [
            x
            for x in (node.values() if isinstance(node, dict) else node)
            if isinstance(x, dict | list)
        ]
        if not inner or draw(st.booleans()):
            break
        node = draw(st.sampled_from(inner))
    if isinstance(node, dict):
        node[draw(st.sampled_from([*node, *KEYS]))] = deepcopy(draw(VALUES))
    elif node and draw(st.booleans()):
        node[draw(st.integers(0, len(node) - 1))] = deepcopy(draw(VALUES))
    else:
        node.append(deepcopy(draw(VALUES)))


def told(found: Exchange) -> str:
    """All that comes out, as a text: NaN is not equal to itself."""
    decoded = decode(found)
    if decoded.payload is None:
        return repr(decoded)
    payload = decoded.payload
    sides = [columns(side) for side in (payload.inputs, payload.outputs)]
    rest = [getattr(payload, name) for name in payload.__struct_fields__ if "puts" not in name]
    return repr((sides, rest, decoded.dialect, decoded.outcome, decoded.evidence, decoded.why))


def the_long_way(found: Exchange) -> str:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(registry, "_instances", lambda exchange: None)
        patched.setattr(usual, "request", lambda *of: None)
        patched.setattr(usual, "response", lambda *of: None)
        patched.setattr(delimited, "_headed", lambda *of: None)
        return told(found)


def fields(kind: str) -> list[tuple[bytes, bytes]]:
    return [(b"Host", b"m"), (b"Content-Type", kind.encode())] if kind else [(b"Host", b"m")]


@given(
    bodies(ASKED), bodies(ANSWERED), st.sampled_from(TARGETS),
    st.sampled_from(TYPES[:1] * 8 + TYPES), st.sampled_from(TYPES[:1] * 8 + TYPES),
)  # fmt: skip
def test_what_comes_out_is_what_the_dialects_make(asked, answered, target, kind, answer_kind):
    found = exchange(asked, answered, target=target, fields=fields(kind))
    found = found._replace(response_fields=fields(answer_kind))
    assert told(found) == the_long_way(found)


def test_of_what_is_documented_too():
    for case in cases("rows*.jsonl"):
        found = exchange_of(case)
        assert told(found) == the_long_way(found), case["source"]


@pytest.mark.parametrize("asked", ASKED[3:12])
def test_usual_requests_are_read_in_one_go(asked):
    raw = json.dumps(asked).encode()
    assert usual.request(raw, fields("application/json"), b"/predict") is not None


@pytest.mark.parametrize(
    ("n", "name"), [(2, "kserve_v2"), (3, "kserve_v2"), (4, "tabular"), (7, "mlflow")]
)
def test_usual_answers_are_too(n, name):
    raw = json.dumps(ANSWERED[n]).encode()
    assert usual.response(name, raw, fields("application/json"), 1) is not None


@pytest.mark.parametrize(
    "body",
    [b"a,b\n1,2\n ", b"a,b\n1\r,2\n", b" a,b\n1,2", b"a,inf\n1,2", b"a,b\n\n1,2\r\n\r\n",
     b"a,a\n1,2", b",b\n1,2", b"NA,\n1,2"],
)  # fmt: skip
def test_csv_that_is_nearly_usual(body):
    found = exchange(body, b"0.5", fields=fields("text/csv"))
    assert told(found) == the_long_way(found)


@pytest.mark.parametrize("width", [1, MAX_COLUMNS, MAX_COLUMNS + 1])
def test_wide_ones_are_bounded_alike(width):
    names = [f"f{n}" for n in range(width)]
    for asked in (
        dict.fromkeys(names, 1),
        {"inputs": [tensor(name, 1) for name in names]},
        {"dataframe_split": {"columns": names, "data": [[1] * width]}},
        (",".join(names) + "\n" + ",".join(["1"] * width)).encode(),
    ):
        found = exchange(
            asked,
            [1],
            fields=fields("text/csv" if isinstance(asked, bytes) else "application/json"),
        )
        assert told(found) == the_long_way(found)
