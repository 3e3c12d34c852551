"""What exchanges become: the dialects' forms, the bounds, and any bytes at all."""

from __future__ import annotations

import json
import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.payload import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_NAME,
    MAX_NUMBERED,
    MAX_STRING,
    Cut,
    Outcome,
    Payload,
)
from agent.decode.registry import decode
from agent.decode.rules.routes import Route, Routes
from agent.exchange import ABSENT, Exchange

JSON = [(b"Content-Type", b"application/json")]


def exchange(
    request: object,
    response: object = b"",
    *,
    target: bytes = b"/predict",
    status: int = 200,
    error: str = "",
    capture: str = "full",
    skipped: int = 0,
    fields: list[tuple[bytes, bytes]] = JSON,
    model: str = "",
) -> Exchange:
    sent = request if isinstance(request, bytes) else json.dumps(request).encode()
    came = response if isinstance(response, bytes) else json.dumps(response).encode()
    return Exchange(
        start_ns=1,
        request_id=b"r1",
        method=b"POST",
        target=target,
        version="1.1",
        route="/predict",
        model=model,
        status=status,
        error=error,
        duration=0.1,
        sent=0.0,
        connect=-1.0,
        upstream=0.1,
        stream=0.0,
        overhead=0.0,
        request_size=len(sent),
        response_size=len(came),
        pieces=1,
        largest_gap=0.0,
        first_piece=ABSENT,
        streamed=False,
        client="127.0.0.1",
        upstream_reused=True,
        resent=False,
        upgrade="",
        trace=None,
        request_fields=fields,
        response_fields=JSON,
        capture=capture,
        request_body=(sent, b"", skipped),
        response_body=(came, b"", 0),
    )


def columns(side: dict[str, object]) -> dict[str, list[object]]:
    return {name: list(values) for name, values in side.items()}  # type: ignore[call-overload]


def payload(request: object, response: object = b"", **more: object) -> Payload:
    decoded = decode(exchange(request, response, **more))  # type: ignore[arg-type]
    assert decoded.payload is not None, decoded
    return decoded.payload


FORMS = [
    # request, response, dialect, inputs, outputs
    (
        {"instances": [{"a": 1, "b": "x"}, {"a": 2.5, "b": None}]},
        {"predictions": [0.1, 0.9]},
        "kserve_v1",
        {"a": [1, 2.5], "b": ["x", None]},
        {"predictions": [0.1, 0.9]},
    ),
    (
        {"instances": [[1, 2], [3, 4]]},
        {"predictions": [[0.1, 0.9], [0.2, 0.8]]},
        "kserve_v1",
        {"instances-0": [1, 3], "instances-1": [2, 4]},
        {"predictions-0": [0.1, 0.2], "predictions-1": [0.9, 0.8]},
    ),
    ({"instances": [1, 2]}, {"predictions": ["a", "b"]}, "kserve_v1",
     {"instances": [1, 2]}, {"predictions": ["a", "b"]}),
    (
        {"signature_name": "s", "inputs": {"a": [1, 2], "v": [[3, 4], [5, 6]]}},
        {"outputs": {"score": [0.5, 0.6]}},
        "kserve_v1",
        {"a": [1, 2], "v-0": [3, 5], "v-1": [4, 6]},
        {"score": [0.5, 0.6]},
    ),
    ({"inputs": [[1, 2]]}, {"outputs": [[3]]}, "kserve_v1",
     {"inputs-0": [1], "inputs-1": [2]}, {"outputs-0": [3]}),
    (
        {"instances": [{"a": 1}, {"b": {"c": 2, "d": [3, 4]}}]},
        {"predictions": [{"label": "x", "p": 0.5}, {"label": "y", "p": 0.6}]},
        "kserve_v1",
        {"a": [1, None], "b.c": [None, 2], "b.d-0": [None, 3], "b.d-1": [None, 4]},
        {"label": ["x", "y"], "p": [0.5, 0.6]},
    ),
    (
        {"inputs": [
            {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]},
            {"name": "s", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]},
            {"name": "k", "shape": [2, 1], "datatype": "BOOL", "data": [[True], [False]]},
        ]},
        {"outputs": [{"name": "y", "shape": [2], "datatype": "FP32", "data": [0.5, 0.6]}]},
        "kserve_v2",
        {"x-0": [1, 3], "x-1": [2, 4], "s": ["a", "b"], "k": [True, False]},
        {"y": [0.5, 0.6]},
    ),
    ({"age": 4, "home": {"city": "B"}}, {"prediction": 1, "probability": [0.2, 0.8]}, "tabular",
     {"age": [4], "home.city": ["B"]},
     {"prediction": [1], "probability-0": [0.2], "probability-1": [0.8]}),
    ([{"a": 1}, {"a": 2}], [0.1, 0.2], "tabular", {"a": [1, 2]}, {"output": [0.1, 0.2]}),
    ([[1, 2], [3, 4]], {"prediction": [5, 6], "model": "m"}, "tabular",
     {"input-0": [1, 3], "input-1": [2, 4]}, {"prediction": [5, 6]}),
    ({"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}, 7.5, "tabular",
     {"a": [1, 3], "b": [2, 4]}, {"output": [7.5]}),
    ({"records": [{"a": 1}, {"a": 2}]}, {"prediction": [1, 0]}, "tabular",
     {"a": [1, 2]}, {"prediction": [1, 0]}),
    ({"features": [1, 2]}, {"prediction": [1]}, "tabular",
     {"features-0": [1], "features-1": [2]}, {"prediction": [1]}),
    ({"a": [1, 2], "b": [3, 4]}, [[0.1, 0.9], [0.3, 0.7]], "tabular",
     {"a": [1, 2], "b": [3, 4]}, {"output-0": [0.1, 0.3], "output-1": [0.9, 0.7]}),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "response", "dialect", "inputs", "outputs"), FORMS)
def test_forms_of_each_dialect(request_, response, dialect, inputs, outputs):
    decoded = decode(exchange(request_, response))
    assert (decoded.dialect, decoded.outcome) == (dialect, "ok")
    assert columns(decoded.payload.inputs) == inputs
    assert columns(decoded.payload.outputs) == outputs
    assert decoded.payload.rows == len(next(iter(inputs.values())))


def test_model_version_and_alias_come_from_path_and_body():
    tensor = {"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}
    found = payload(
        {"id": "q7", "inputs": [tensor]}, target=b"/v2/models/iris/versions/3/infer?x=/v1/models/n"
    )
    assert (found.model, found.version, found.id) == ("iris", "3", "q7")
    assert payload({"instances": [1]}, target=b"/v1/models/house:predict").model == "house"
    assert payload({"instances": [1]}, target=b"/v1/models/house:predict", model="m").model == "m"
    named = {"model_name": "net", "outputs": [tensor]}
    assert payload({"inputs": [tensor]}, named).model == "net"


TENSOR = {"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}
BINARY = {"name": "x", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}


@pytest.mark.parametrize(
    ("target", "answer", "version"),
    [
        (b"/v2/models/m/infer", {"model_version": "4", "outputs": [TENSOR]}, "4"),
        (b"/v2/models/m/infer", {"model_version": None, "outputs": [TENSOR]}, ""),
        (b"/v2/models/m/infer", {"model_version": "4", "outputs": [BINARY]}, "4"),
        (b"/v2/models/m/versions/3/infer", {"model_version": "4", "outputs": [TENSOR]}, "4"),
        (b"/v2/models/m/versions/3/infer", {"model_version": ["4"], "outputs": [TENSOR]}, "3"),
        (b"/v2/models/m/versions/3/infer", b"", "3"),
        (b"/v2/models/m/versions/1%2F2/infer", b"", "1/2"),
        (b"/v2/models/m/versions/%C3%A9/infer", b"", "é"),
        (b"/v2/models/m/versions/%FF%00/infer", b"", "\ufffd\0"),
        (b"/predictions/m/2.0", b"", "2.0"),
        (b"/score?x=/v1/models/m/versions/3", b"", ""),
        (b"/v1/models/m:predict", {"predictions": [1], "model_version": 7}, "7"),
        (b"/v1/models/m:predict", {"predictions": [1], "model_version": 3.0}, "3"),
        (b"/v1/models/m:predict", {"predictions": [1], "model_version": True}, ""),
        (b"/v1/models/m:predict", b'{"predictions": [1], "model_version": 1e400}', "inf"),
    ],
)  # fmt: skip
def test_what_the_answer_says_goes_before_the_path(target, answer, version):
    asked = {"inputs": [TENSOR]} if b"/v2" in target else {"instances": [1]}
    assert payload(asked, answer, target=target).version == version


def test_the_settings_say_what_neither_answer_nor_path_do():
    routes = Routes(
        [Route("/score", "7"), Route("/by/{model}/{version}"), Route("/by/{x}/{y}", "9")]
    )
    found = {
        b"/score?version=8": "7",
        b"/by/m/1%2F2": "1/2",
        b"/by/m/" + b"v" * 999: "v" * (MAX_NAME - 9) + "~",
        b"/by/m": "",
    }
    for target, version in found.items():
        completed = routes.complete(payload({"a": 1}, {"y": 1}, target=target), target)
        assert completed.version.startswith(version)
        assert bool(completed.version) == bool(version)
    named = payload({"a": 1}, {"y": 1, "model_version": "4"}, target=b"/score")
    assert routes.complete(named, b"/score").version == "4"
    assert Routes([Route("/score")]).version(b"/score") == ""


def test_a_version_in_a_plain_answer_is_no_prediction():
    found = payload({"age": 3}, {"score": 0.5, "model_version": "2026-01"})
    assert (found.version, list(found.outputs)) == ("2026-01", ["score"])


def test_long_versions_are_cut_and_stay_apart():
    long = "v" * (1 << 20)
    one, other = (payload({"a": 1}, {"y": 1, "model_version": long + end}) for end in "ab")
    assert len(one.version) == len(other.version) == MAX_NAME
    assert one.version != other.version
    for end in (b"a", b"b"):
        target = b"/v2/models/m/versions/" + b"v" * 60_000 + end + b"/infer"
        found = payload({"inputs": [TENSOR]}, target=target)
        assert (found.model, len(found.version)) == ("m", MAX_NAME)


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        ({"request": b""}, "empty"),
        ({"request": {"instances": []}}, "empty"),
        ({"request": {"a": 1}, "status": 503}, "error_status"),
        ({"request": {"a": 1}, "error": "upstream_reset"}, "error_status"),
        ({"request": {"a": 1}, "capture": "unsampled"}, "not_captured_unsampled"),
        ({"request": {"a": 1}, "capture": "budget"}, "not_captured_budget"),
        ({"request": {"a": 1}, "capture": "off"}, "not_captured_off"),
        ({"request": {"a": 1}, "skipped": 7}, "too_large"),
        ({"request": b'{"a": 1'}, "malformed"),
        ({"request": b"{'a': 1}"}, "malformed"),
        ({"request": b"a sentence", "fields": [(b"content-type", b"text/html")]}, "unsupported"),
        ({"request": b"\xff,2", "fields": [(b"content-type", b"text/csv")]}, "malformed"),
        ({"request": b'"' + b"x" * 200_000, "fields": [(b"content-type", b"text/csv")]},
         "too_large"),
        ({"request": b"\n\n", "fields": [(b"content-type", b"text/csv")]}, "empty"),
        ({"request": b'{"a":1}\n{"a":', "fields": [(b"content-type", b"application/x-ndjson")]},
         "malformed"),
        ({"request": b"1\n" * (MAX_CELLS + 1), "fields": [(b"content-type", b"text/csv")]},
         "too_large"),
        ({"request": b"x", "fields": [(b"content-type", b"multipart/form-data")]}, "unsupported"),
        ({"request": b"--b", "fields": [(b"content-type", b"multipart/form-data")]}, "malformed"),
        ({"request": b"x", "fields": [(b"content-encoding", b"compress")]}, "unsupported"),
        ({"request": 3}, "unsupported"),
        ({"request": b"[" * 200_000}, "too_large"),
        ({"request": b'{"a":' * 200_000}, "too_large"),
        ({"request": b'{"instances":[' + b"9" * 10_000 + b"]}", "response": {"predictions": []}},
         "ok"),
        ({"request": {"inputs": [{"name": "x", "shape": [3], "datatype": "FP32", "data": [1]}]}},
         "malformed"),
        ({"request": {"inputs": [{"name": "x", "shape": [-1], "datatype": "FP32", "data": [1]}]}},
         "malformed"),
        ({"request": {"inputs": [{"name": "x", "shape": [0], "datatype": "FP32", "data": []}]}},
         "empty"),
        ({"request": {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32"}]}},
         "unsupported"),
    ],
)  # fmt: skip
def test_outcomes(case, outcome):
    found = decode(exchange(**{"response": 1, **case}))
    assert found.outcome == outcome
    assert (found.payload is None) == (outcome != "ok")


def test_answer_that_is_not_understood_leaves_the_inputs():
    for answer in (b"", b"<html>", b'{"error"', {"note": "x"}):
        decoded = decode(exchange({"instances": [1, 2]}, answer))
        assert decoded.outcome == "inputs_only"
        assert decoded.payload.outputs == {}
        assert decoded.payload.output_rows == 0


def test_numbers_and_strings_that_strict_json_has_not():
    found = payload(
        b'[{"a": NaN, "b": -Infinity, "c": 1e400, "d": "\\ud800x", "e": "\\\\ud800", "f": '
        b'"\\ud83d\\ude00", "g": 123456789012345678901234567890}]'
    ).inputs
    assert math.isnan(found["a"][0])
    assert (found["b"][0], found["c"][0]) == (-math.inf, math.inf)
    assert (found["d"][0], found["e"][0], found["f"][0]) == ("\ufffdx", "\\ud800", "\U0001f600")
    assert found["g"][0] == 123456789012345678901234567890


def test_half_a_surrogate_pair_never_comes_out():
    for raw in (
        '{"a": "\ud800"}'.encode("utf-16", "surrogatepass"),
        '{"a": "\udfff"}'.encode("utf-8", "surrogatepass"),
    ):
        assert decode(exchange(raw)).outcome == "malformed"
    for encoding in ("utf-16", "utf-32-le", "utf-8-sig"):
        raw = r'{"a\udc00": "\ud800"}'.encode(encoding)
        assert columns(payload(raw).inputs) == {"a\ufffd": ["\ufffd"]}


def test_a_long_name_is_not_copied_for_each_value():
    found = payload({"n" * 300_000: [0] * 200_000})
    assert {len(name) for name in found.inputs} == {MAX_NAME}


def test_columns_names_strings_and_depth_are_bounded():
    wide = payload([{f"c{i}": i for i in range(MAX_COLUMNS + 5)}])
    assert (len(wide.inputs), wide.left_out) == (MAX_COLUMNS, 5)
    tensor = {"name": "x", "shape": [2, 5000], "datatype": "FP32", "data": [0] * 10_000}
    assert payload({"inputs": [tensor]}).left_out == 2 * (5000 - MAX_NUMBERED)
    long = payload([{"n" * 999: "v" * 9999}]).inputs
    assert [(len(n), len(v[0])) for n, v in long.items()] == [(MAX_NAME, MAX_STRING)]
    deep: object = 1
    for _ in range(50):
        deep = {"d": deep}
    found = payload([{"a": 1, "deep": deep}])
    assert (columns(found.inputs), found.left_out) == ({"a": [1]}, 1)


def test_rows_that_share_no_names_do_not_multiply():
    rows = [{f"c{i}": 1} for i in range(5000)]
    assert decode(exchange(rows)).outcome == "too_large"


leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300)
tree = st.recursive(
    leaf,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=200), inner),
    max_leaves=20,
)
keyed = st.dictionaries(
    st.sampled_from(
        ["instances", "inputs", "columns", "data", "predictions", "outputs", "name", "shape",
         "datatype", "id", "model_name", "fields", "rows", "schema", "label", "score", "Inputs",
         "status", "output", "0", "1"]
    ),
    tree | st.lists(st.dictionaries(st.sampled_from(["name", "shape", "datatype", "data"]), tree)),
)  # fmt: skip


def check(found: Payload | None) -> None:
    if found is None:
        return
    for side, rows in ((found.inputs, found.rows), (found.outputs, found.output_rows)):
        assert len(side) <= MAX_NUMBERED
        assert len(side) * rows <= MAX_CELLS
        for name, values in side.items():
            assert len(name) <= MAX_NAME
            assert len(values) <= rows
            for value in values:
                assert value is None or type(value) in (int, float, str, Cut, bool)
                if isinstance(value, str):
                    value.encode()
                    assert len(value) <= MAX_STRING


@given(keyed | tree, keyed | tree)
def test_any_document_becomes_bounded_plain_columns(request_, response):
    decoded = decode(exchange(request_, response))
    assert decoded.outcome in get_args(Outcome)
    check(decoded.payload)


@given(st.binary(max_size=200), st.sampled_from([b"", b"gzip", b"deflate", b"\xff"]))
def test_any_bytes_are_an_outcome(raw, coding):
    decoded = decode(exchange(raw, raw, target=raw, fields=[(b"content-encoding", coding)]))
    assert decoded.outcome in get_args(Outcome)


@given(keyed, st.data())
def test_any_damage_to_a_request_is_an_outcome(request_, data):
    raw = bytearray(json.dumps(request_).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    decoded = decode(exchange(bytes(raw), bytes(raw)))
    assert decoded.outcome in get_args(Outcome)
    check(decoded.payload)


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), leaf, min_size=1), min_size=1))
def test_rows_in_are_rows_out(rows):
    found = payload({"instances": rows}).inputs
    for name, values in found.items():
        assert [repr(v) for v in values] == [
            repr(v[:MAX_STRING] if isinstance(v := row.get(name), str) else v) for row in rows
        ]
