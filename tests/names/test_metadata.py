"""What a model server's metadata tell, and that nothing in them does harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.metadata import NOTHING, OPENAPI, Told, question, told
from agent.decode.payload import MAX_NAME
from tests.names.server import openapi, status_of, tensors

V2, V1 = b"/v2/models/m", b"/v1/models/m"


def of(path: bytes, document: Any, target: bytes = b"/score") -> Told:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return told(path, raw, [], target)


@pytest.mark.parametrize(
    ("target", "paths"),
    [
        (b"/v2/models/iris/infer", (b"/v2/models/iris",)),
        (b"/v2/models/iris/versions/3/infer?x=1", (b"/v2/models/iris/versions/3",)),
        (b"/v1/models/half_plus_two:predict", (b"/v1/models/half_plus_two",)),
        (b"/v1/models/m/versions/7:predict", (b"/v1/models/m",)),
        (b"/score", OPENAPI),
        (b"/api/v2/models/m/infer", OPENAPI),
    ],
)
def test_where_to_ask(target, paths):
    found = question(target)
    assert found is not None
    assert found.paths == paths


@pytest.mark.parametrize(
    "target", [b"", b"*", b"http://elsewhere/v2/models/m/infer", b"/v2/models/../infer"]
)
def test_where_nobody_is_asked(target):
    assert question(target) is None


@pytest.mark.parametrize("name", [b"%2e%2e%2fadmin", b"a b", b"a\r\nX: y", b"x" * 129])
def test_a_strange_model_makes_no_strange_path(name):
    found = question(b"/v2/models/" + name + b"/infer")
    assert found is None or all(b"%" not in path and b"\n" not in path for path in found.paths)
    assert found is None or name == b"x" * 129 or found.paths in (OPENAPI, (b"/v2/models/a",))


def test_what_v2_tells():
    found = of(V2, {"versions": ["3"], "inputs": tensors("age", "income"), "outputs": tensors("p")})
    assert (found.version, found.inputs, found.outputs) == ("3", ("age", "income"), ())
    wide = of(V2, {"inputs": tensors("x", columns=["age", "income"])})
    assert (wide.version, wide.inputs) == ("", ("age", "income"))


def test_a_wide_tensor_without_columns_names_nothing_but_can_be_read_raw():
    wide = {"name": "x", "datatype": "FP32", "shape": [-1, 4]}
    found = of(V2, {"inputs": [wide]})
    assert found.inputs == ()
    assert found.raw is not None
    assert (found.raw.datatype, found.raw.shape) == ("FP32", (-1, 4))


@pytest.mark.parametrize(
    ("versions", "version"),
    [
        ({"1": "AVAILABLE"}, "1"),
        ({"1": "END", "2": "AVAILABLE"}, "2"),
        ({"1": "AVAILABLE", "2": "AVAILABLE"}, ""),
        ({"1": "LOADING"}, ""),
        ({}, ""),
    ],
)
def test_what_tensorflow_serving_tells(versions, version):
    assert of(V1, status_of(versions)).version == version


def test_kserve_tells_no_version():
    assert of(V1, {"name": "m", "ready": True}) == NOTHING


def test_what_openapi_tells():
    found = of(OPENAPI[0], openapi("/score", ["Age", "Income"]))
    assert found == Told(inputs=("Age", "Income"))


def test_an_openapi_template_fits_and_another_path_does_not():
    document = openapi("/models/{model}/score", ["a", "b"])
    assert of(OPENAPI[0], document, b"/models/iris/score").inputs == ("a", "b")
    assert of(OPENAPI[0], document, b"/models/iris/other") == NOTHING
    assert of(OPENAPI[0], document, b"/models//score") == NOTHING


def test_two_lists_of_names_are_ambiguous():
    document = openapi("/score", ["a", "b"])
    other = {"prefixItems": [{"title": "c"}, {"title": "d"}]}
    schema = {"properties": {"x": {"$ref": "#/components/schemas/Row"}, "y": other}}
    body = document["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]
    body["schema"] = schema
    assert of(OPENAPI[0], document) == NOTHING


@pytest.mark.parametrize(
    "names",
    [
        ["a", "a"],
        ["a", ""],
        ["a", " "],
        ["a", "x" * (MAX_NAME + 1)],
        ["a", 1],
        ["a", None],
        ["a", ["b"]],
    ],
    ids=str,
)
def test_bad_names_are_none(names):
    assert of(V2, {"inputs": tensors("x", columns=names)}).inputs == ()


def test_a_reference_that_refers_to_itself_ends():
    loop = {"$ref": "#/components/schemas/A"}
    document = openapi("/score", ["a"])
    document["components"]["schemas"]["Row"] = {"anyOf": [loop, loop]}
    document["components"]["schemas"]["A"] = {"properties": {"a": loop, "b": loop, "c": loop}}
    assert of(OPENAPI[0], document) == NOTHING
    document["components"]["schemas"]["A"] = loop
    assert of(OPENAPI[0], document) == NOTHING


UGLY = [
    b"",
    b"<html>nothing here</html>",
    b"[" * 100_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe\x00",
    b"\x1f\x8b" + b"\x00" * 40,
    b'{"versions": 3, "inputs": {"x": 1}, "outputs": [1, 2]}',
    b'{"versions": [{}], "inputs": [{"name": 1, "shape": "x", "parameters": []}]}',
    b'{"versions": ["a", null], "inputs": [{"name": "x", "datatype": "FP32", "shape": [-2, "a"]}]}',
    b'{"model_version_status": [null, {"state": "AVAILABLE"}, {"version": {}, "state": "x"}]}',
    b'{"paths": [], "components": 1}',
    b'{"paths": {"/score": {"post": {"requestBody": {"content": {"application/json": 1}}}}}}',
    b'{"paths": {"/score": {"post": {"responses": [], "requestBody": []}}}}',
]


@pytest.mark.parametrize("raw", UGLY, ids=lambda raw: repr(raw[:30]))
@pytest.mark.parametrize("path", [V2, V1, *OPENAPI])
def test_ugly_answers_tell_nothing(path, raw):
    found = told(path, raw, [], b"/score")
    assert (found.version, found.inputs, found.outputs) == ("", (), ())


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
keys = st.sampled_from(
    ["versions", "inputs", "outputs", "name", "shape", "datatype", "parameters", "columns", "paths",
     "/score", "post", "requestBody", "content", "application/json", "schema", "$ref", "items",
     "prefixItems", "title", "properties", "anyOf", "model_version_status", "state", "version",
     "responses", "200", "#/paths", "AVAILABLE"]
)  # fmt: skip
documents = st.recursive(
    leaves | keys,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=40,
)  # fmt: skip


@given(st.sampled_from([V2, V1, *OPENAPI]), st.dictionaries(keys, documents, max_size=6))
def test_any_document_tells_bounded_things(path, document):
    found = told(path, json.dumps(document).encode(), [], b"/score")
    for names in (found.inputs, found.outputs):
        assert len({*names}) == len(names)
        assert all(isinstance(name, str) and 0 < len(name) <= MAX_NAME for name in names)
    assert len(found.version) <= MAX_NAME


@given(st.sampled_from([V2, V1, *OPENAPI]), st.binary(max_size=200), st.binary(max_size=40))
def test_any_bytes_are_taken(path, raw, target):
    told(path, raw, [], target)
    question(target)
