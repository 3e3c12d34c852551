"""KServe V2's binary tensors: recorded requests of tritonclient, every datatype, and lies."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.payload import MAX_COLUMNS, MAX_NUMBERED, MAX_STRING
from agent.decode.registry import decode
from agent.drift.reference.sketch import CategoryBins, NumericBins
from agent.drift.traffic.columns import Side
from agent.exchange import Exchange
from tests.decode.test_registry import check, columns, exchange

CORPUS = Path(__file__).parents[1] / "corpus" / "tensors"
FIELD = b"Inference-Header-Content-Length"
DTYPES = {
    "BOOL": "?", "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "UINT8": "u1",
    "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip


def message(key: str, *tensors: tuple[dict, bytes | None], **more: object) -> tuple[bytes, list]:
    """A body and its fields, of tensors with their bytes; None: they have `data`."""
    told = [
        tensor if data is None else tensor | {"parameters": {"binary_data_size": len(data)}}
        for tensor, data in tensors
    ]
    head = json.dumps({**more, key: told}).encode()
    body = head + b"".join(data for _, data in tensors if data is not None)
    return body, [(FIELD, str(len(head)).encode())]


def tensor(datatype: str, *shape: int, name: str = "x", **more: object) -> dict:
    return {"name": name, "shape": list(shape), "datatype": datatype, **more}


def of(asked: tuple[bytes, list], answer: tuple[bytes, list] = (b"{}", [])) -> Exchange:
    return exchange(asked[0], answer[0], fields=asked[1])._replace(response_fields=answer[1])


def read(name: str) -> tuple[bytes, list, bytes]:
    """First line, fields and body of a recorded message."""
    head, _, body = (CORPUS / f"{name}.http").read_bytes().partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, [(k, v.strip()) for k, _, v in (line.partition(b":") for line in lines)], body


def recorded(name: str) -> Exchange:
    first, fields, body = read(name)
    return exchange(body, target=first.split()[1], fields=fields)


X = {"x-0": [1.5, 4.0], "x-1": [-2.25, float(np.float32(5e-3))], "x-2": [3.0, math.nan]}
TRITON = {
    "binary-fp32": X,
    "binary-gzip": X,
    "binary-deflate": X,
    "binary-no-outputs-named": X,
    "json-fp32": {**X, "x-1": [-2.25, pytest.approx(5e-3)], "x-2": [3.0, 0.0]},
    "json-parameters": {"x-0": [0.0], "x-1": [0.0]},
    "mixed": {**X, "k": [1, 2], "s": ["a", "b"]},
    "binary-every-type": {
        **{f"int{n}": [0, 2 ** (n - 1) - 1] for n in (8, 16, 32, 64)},
        **{f"uint{n}": [0, 2**n - 1] for n in (8, 16, 32, 64)},
        "fp16": [0, 1], "fp32": [0, 1], "fp64": [0, 1], "bf16": [1.5, -2.0],
        "bool": [True, False], "bytes": ["né", ""],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", TRITON)
def test_requests_of_the_real_client(name):
    found = decode(recorded(name))
    assert (found.dialect, found.outcome) == ("kserve_v2", "inputs_only")
    assert found.payload.model == "m"
    expected = TRITON[name]
    assert found.payload.inputs.keys() == expected.keys()
    for column, values in columns(found.payload.inputs).items():
        assert values == pytest.approx(expected[column], nan_ok=True)
    assert found.payload.rows == len(values)
    check(found.payload)


def test_the_request_id_and_a_model_s_version():
    assert decode(recorded("binary-every-type")).payload.id == "q-7"
    assert decode(recorded("binary-deflate")).payload.version == "3"


def test_an_answer_of_the_real_server():
    _, fields, body = read("kserve-answer")
    asked = recorded("binary-fp32")
    found = decode(asked._replace(response_body=(body, b"", 0), response_fields=fields))
    assert (found.outcome, found.payload.model, found.payload.output_rows) == ("ok", "m", 2)
    assert repr(columns(found.payload.outputs)) == repr(
        {"y": [2.25, math.nan], "k": [0, 1], "s": ["row 0", "row 1"]}
    )


def test_an_image_is_its_facts():
    found = decode(recorded("binary-images")).payload
    check(found)
    assert columns(found.inputs) == {
        "image.format": ["jpeg"], "image.width": [None], "image.height": [None],
        "image.bytes": [4 + 512],
    }  # fmt: skip


def test_bytes_that_are_neither_are_a_text_as_long_as_they_are():
    raw = b"\x80" * 600
    body = message("inputs", (tensor("BYTES", 1), len(raw).to_bytes(4, "little") + raw))
    (value,) = decode(of(body)).payload.inputs["x"]
    assert (len(value), value.length) == (MAX_STRING, 600)


def test_no_rows_are_nothing():
    assert decode(recorded("binary-zero-rows")).outcome == "empty"


@given(st.sampled_from(sorted(DTYPES)), st.integers(1, 5), st.integers(1, 4), st.data())
def test_every_datatype_comes_back(datatype, rows, width, data):
    kind = np.dtype(DTYPES[datatype])
    raw = data.draw(st.binary(min_size=rows * width * kind.itemsize, max_size=1000))
    raw = raw[: rows * width * kind.itemsize]
    if datatype == "BOOL":
        raw = bytes(byte & 1 for byte in raw)
    body = message("inputs", (tensor(datatype, rows, width), raw))
    found = decode(of(body)).payload
    check(found)
    array = np.frombuffer(raw, kind).reshape(rows, width)
    names = ["x"] if width == 1 else [f"x-{i}" for i in range(width)]
    assert list(found.inputs) == names
    for name, column in zip(names, array.T, strict=True):
        values = found.inputs[name]
        assert repr(list(values)) == repr(column.tolist())
        assert [repr(value) for value in values] == [repr(values[i]) for i in range(rows)]


def test_bf16_is_the_upper_half_of_a_float():
    raw = np.array([1.0, -3.140625, np.inf], "<f4").view("<u2")[1::2].tobytes()
    found = decode(of(message("inputs", (tensor("BF16", 3), raw)))).payload
    assert columns(found.inputs) == {"x": [1.0, -3.140625, math.inf]}


@given(st.lists(st.text(max_size=300).filter(lambda text: text.isascii() or text.isprintable())))
def test_texts_come_back(texts):
    raw = b"".join(len(t.encode()).to_bytes(4, "little") + t.encode() for t in texts)
    found = decode(of(message("inputs", (tensor("BYTES", len(texts)), raw))))
    if not texts:
        assert found.outcome == "empty"
        return
    values = found.payload.inputs["x"]
    assert list(values) == [text[:MAX_STRING] for text in texts]
    check(found.payload)


def test_binary_answers_name_their_version_and_may_answer_plain_json():
    plain = {"inputs": [tensor("FP32", 2, data=[1, 2])], "outputs": [{"name": "y"}]}
    asked = json.dumps(plain | {"parameters": {"binary_data_output": True}}).encode(), []
    scores = np.array([[0.1, 0.9], [0.2, 0.8]], "<f8")
    answer = message(
        "outputs",
        (tensor("FP64", 2, 2, name="p"), scores.tobytes()),
        (tensor("BYTES", 2, name="label", data=["a", "b"]), None),
        model_name="net",
        model_version="7",
    )
    found = decode(of(asked, answer))
    assert (found.outcome, found.dialect) == ("ok", "kserve_v2")
    assert (found.payload.model, found.payload.version) == ("net", "7")
    assert columns(found.payload.outputs) == {
        "p-0": [0.1, 0.2], "p-1": [0.9, 0.8], "label": ["a", "b"],
    }  # fmt: skip


def test_drift_counts_a_binary_tensor_as_it_counts_lists():
    array = np.array([[1, math.nan], [math.inf, -0.5], [7, 7]], "<f4")
    body = message("inputs", (tensor("FP32", 3, 2), array.tobytes()))
    sides = [Side("input"), Side("input")]
    sides[0].add(decode(of(body)).payload.inputs, 3)
    sides[1].add({"x-0": array[:, 0].tolist(), "x-1": array[:, 1].tolist()}, 3)
    taken = [repr(side.take()) for side in sides]
    assert taken[0] == taken[1]
    for name, values in decode(of(body)).payload.inputs.items():
        listed = array[:, int(name[-1])].tolist()
        for bins in (NumericBins([0.0, 2.0]), CategoryBins(["1", "7"])):
            assert bins.count(values).tolist() == bins.count(listed).tolist()
            assert bins.count(values[1:]).tolist() == bins.count(listed[1:]).tolist()


@pytest.mark.parametrize("data", [b"\0" * 12, b"{", b"1", b"ab c", b'{"a": 1', bytes(range(256))])
def test_of_a_raw_tensor_the_size_is_known(data):
    answer = message("outputs", (tensor("FP32", 1, name="y"), b"\0\0\0\0"))
    found = decode(of((data, [(FIELD, b"0")]), answer))
    assert (found.dialect, found.outcome) == ("kserve_v2", "ok")
    assert columns(found.payload.inputs) == {"input.bytes": [len(data)]}
    assert columns(found.payload.outputs) == {"y": [0.0]}


def test_a_raw_tensor_is_no_form_though_curl_says_so():
    kind = (b"Content-Type", b"application/x-www-form-urlencoded")
    found = decode(of((b"a=1&b=2,", [kind, (FIELD, b"0")])))
    assert (found.dialect, columns(found.payload.inputs)) == ("kserve_v2", {"input.bytes": [8]})
    body, fields = message("inputs", (tensor("FP32", 1), b"\0\0=\0"))
    assert decode(of((body, [kind, *fields]))).dialect == "kserve_v2"


FOUR = b"\0\0\0\0"


def told(size: object, datatype: object = "FP32", shape: object = (1,), body: bytes = FOUR):
    tensor = {"name": "x", "shape": shape, "datatype": datatype,
              "parameters": {"binary_data_size": size}}  # fmt: skip
    head = json.dumps({"inputs": [tensor]}).encode()
    return head + body, [(FIELD, str(len(head)).encode())]


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        (told(4), "inputs_only"),
        (told(8), "malformed"),
        (told(4, body=b""), "malformed"),
        (told(4, body=FOUR * 2), "malformed"),
        (told(4, body=FOUR[:3]), "malformed"),
        (told(0, body=b""), "malformed"),
        (told(-4), "malformed"),
        (told(10**30), "malformed"),
        (told(4.0), "malformed"),
        (told(True), "malformed"),
        (told("4"), "malformed"),
        (told(4, shape=[2]), "malformed"),
        (told(4, shape=[-1]), "malformed"),
        (told(4, shape=[-1, -1]), "malformed"),
        (told(4, shape=[1 << 40]), "malformed"),
        (told(4, shape=[1 << 31] * 8), "malformed"),
        (told(4, shape=[1] * 9), "malformed"),
        (told(4, shape=[1.0]), "malformed"),
        (told(4, shape=[True]), "malformed"),
        (told(4, shape="1"), "malformed"),
        (told(4, shape=None), "malformed"),
        (told(0, shape=[0, 1 << 31, 1 << 31], body=b""), "empty"),
        (told(4, shape=[]), "inputs_only"),
        (told(4, "FP8"), "unsupported"),
        (told(4, ["FP32"]), "unsupported"),
        (told(4, None), "unsupported"),
        (told(4, "BYTES"), "inputs_only"),
        (told(4, "BYTES", body=b"\1\0\0\0"), "malformed"),
        (told(4, "BYTES", body=b"\xff\xff\xff\xff"), "malformed"),
        (told(4, "BYTES", [1 << 31]), "malformed"),
        (told(3, "BYTES", body=b"\0\0\0"), "malformed"),
        (told(4, "BYTES", [0]), "malformed"),
        ((told(4)[0], [(FIELD, b"99999")]), "malformed"),
        ((told(4)[0], [(FIELD, b"-1")]), "malformed"),
        ((told(4)[0], [(FIELD, b"1e2")]), "malformed"),
        ((told(4)[0], [(FIELD, b"9" * 5000)]), "malformed"),
        ((told(4)[0], [(FIELD, b"")]), "malformed"),
        ((told(4)[0], [(FIELD, b"5")]), "malformed"),
        ((told(4, body=b"")[0], []), "unsupported"),
        ((b'{"inputs": [{"a": 1}]}', [(FIELD, b"7")]), "inputs_only"),
    ],
)  # fmt: skip
def test_lies(asked, outcome):
    assert decode(of(asked)).outcome == outcome


def test_wide_and_many_tensors_are_bounded():
    wide = decode(of(message("inputs", (tensor("INT8", 1, 1 << 20), bytes(1 << 20))))).payload
    assert (len(wide.inputs), wide.left_out) == (MAX_NUMBERED, (1 << 20) - MAX_NUMBERED)
    check(wide)
    many = [(tensor("INT8", 1, name=f"x{i}"), b"\0") for i in range(MAX_COLUMNS + 5)]
    found = decode(of(message("inputs", *many))).payload
    assert (len(found.inputs), found.left_out) == (MAX_COLUMNS, 5)
    tall = message("inputs", *[(tensor("INT8", 1 << 19, name=n), bytes(1 << 19)) for n in "abc"])
    assert decode(of(tall)).outcome == "too_large"


@given(st.data())
def test_any_damage_is_an_outcome(data):
    body, fields = message(
        "inputs",
        (tensor("FP32", 2, 3), bytes(24)),
        (tensor("BYTES", 2, name="s"), b"\1\0\0\0a\0\0\0\0"),
    )
    raw = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    length = str(data.draw(st.integers(0, len(raw)) | st.just(int(fields[0][1])))).encode()
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))])
    check(decode(of((cut, [(FIELD, length)]), (cut, [(FIELD, length)]))).payload)
