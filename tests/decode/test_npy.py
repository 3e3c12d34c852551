"""NumPy files as bodies: every type and order comes back, and nothing in one is run."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.decode.files import npy
from agent.decode.payload import MAX_NUMBERED, Payload
from agent.decode.registry import decode
from tests.decode.test_registry import check, columns, exchange


def saved(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def zipped(**more: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **more)
    return file.getvalue()


def written(header: str, data: bytes = b"", version: int = 1) -> bytes:
    size = 2 if version == 1 else 4
    text = header.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(size, "little") + text + data


def payload(asked: bytes, answer: object = b"{}") -> Payload:
    found = decode(exchange(asked, answer))
    assert found.dialect == "numpy"
    assert found.payload is not None, found
    check(found.payload)
    return found.payload


def test_a_matrix_in_and_scores_out():
    found = payload(saved(np.array([[1, 2], [3, 4]], "<f4")), saved(np.array([0.25, 0.5])))
    assert columns(found.inputs) == {"input-0": [1.0, 3.0], "input-1": [2.0, 4.0]}
    assert columns(found.outputs) == {"output": [0.25, 0.5]}


def test_an_answer_may_be_json_and_an_answer_to_json_a_file():
    assert columns(payload(saved(np.eye(2)), [0.1, 0.2]).outputs) == {"output": [0.1, 0.2]}
    found = decode(exchange([[1, 2], [3, 4]], saved(np.array([[0.1, 0.9], [0.2, 0.8]]))))
    assert (found.dialect, found.outcome) == ("tabular", "ok")
    assert columns(found.payload.outputs) == {"output-0": [0.1, 0.2], "output-1": [0.9, 0.8]}


def test_one_dimension_is_a_row_and_an_answer_s_a_value_a_row():
    found = payload(saved(np.array([1, 2, 3])), saved(np.array([0.5])))
    assert columns(found.inputs) == {"input-0": [1], "input-1": [2], "input-2": [3]}
    assert columns(found.outputs) == {"output": [0.5]}
    assert list(payload(saved(np.eye(3)), saved(np.array([1, 2]))).outputs) == [
        "output-0",
        "output-1",
    ]


def test_records_are_columns_and_a_zip_has_names():
    table = np.array([(1, 0.5, True), (2, 1.5, False)], [("a", "<i4"), ("b", ">f8"), ("c", "?")])
    asked = {"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]}
    assert columns(payload(saved(table)).inputs) == asked
    found = payload(zipped(x=np.eye(2), y=np.array([7, 8])))
    assert columns(found.inputs) == {"x-0": [1.0, 0.0], "x-1": [0.0, 1.0], "y": [7, 8]}


@pytest.mark.parametrize("order", "<>")
def test_texts_of_both_kinds(order):
    found = payload(saved(np.array([["é\U0001f600", ""], ["b", "cc"]], f"{order}U3")))
    assert columns(found.inputs) == {"input-0": ["é\U0001f600", "b"], "input-1": ["", "cc"]}
    assert columns(payload(saved(np.array([[b"a"], [b"\xff"]]))).inputs) == {"input": ["a", "ÿ"]}


KINDS = ["?", "i1", "<i2", ">i4", "<i8", "u1", ">u2", "<u4", "<u8", "<f2", "<f4", ">f8"]


@given(
    arrays.arrays(st.sampled_from(KINDS), st.tuples(*[st.integers(1, 4)] * 3)),
    st.sampled_from([(1, 0), (2, 0), (3, 0)]),
    st.booleans(),
)
def test_every_type_version_and_order_comes_back(array, version, by_column):
    found = payload(saved(np.asfortranarray(array) if by_column else array, version))
    flat = array.reshape(len(array), -1).T
    assert repr([list(column) for column in found.inputs.values()]) == repr(flat.tolist())


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
EIGHT = bytes(8)


def member(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as whole:
        for name, data in files:
            whole.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        (written(GOOD, EIGHT), "inputs_only"),
        (written(GOOD.replace(", }", "}"), EIGHT), "inputs_only"),
        (written("{'shape':(2,),'fortran_order':False,'descr':'<f4'}", EIGHT, 3), "inputs_only"),
        (written(GOOD, EIGHT[1:]), "malformed"),
        (written(GOOD, EIGHT * 2), "malformed"),
        (written(GOOD.replace("(2,)", "(9999999999,)"), EIGHT), "malformed"),
        (written(GOOD.replace("(2,)", "(0, 2147483648, 2147483648)")), "empty"),
        (written(GOOD.replace("(2,)", "(0, 2147483648)").replace("False", "True")), "empty"),
        (written(GOOD.replace("(2,)", "(-2,)"), EIGHT), "malformed"),
        (written(GOOD.replace("(2,)", "(2.0,)"), EIGHT), "malformed"),
        (written(GOOD.replace("(2,)", "(1<<40,)"), EIGHT), "malformed"),
        (written(GOOD.replace("(2,)", "(" + "1, " * 9 + ")"), EIGHT), "malformed"),
        (written(GOOD.replace("(2,)", "(" * 5000 + ")" * 5000)), "malformed"),
        (written(GOOD.replace("(2,)", "(" + "1" * 20_000 + ",)")), "malformed"),
        (written(GOOD.replace("2,", "__import__('os').abort()"), EIGHT), "malformed"),
        (written("__import__('os').abort()"), "malformed"),
        (written("{'descr': '<f4', 'descr': '<f4', 'shape': (2,)}", EIGHT), "malformed"),
        (written(GOOD.replace("'<f4'", "-" * 9000 + "1"), EIGHT), "malformed"),
        (written(GOOD.replace("<f4", "|O"), pickle.dumps([1, 2])), "unsupported"),
        (written(GOOD.replace("<f4", "<c8"), EIGHT * 2), "unsupported"),
        (written(GOOD.replace("<f4", "<M8[ns]"), EIGHT * 2), "unsupported"),
        (written(GOOD.replace("<f4", "<U999999999"), EIGHT), "malformed"),
        (written(GOOD.replace("<f4", "<U0")), "unsupported"),
        (written(GOOD.replace("'<f4'", "[('a', '|O')]"), EIGHT), "unsupported"),
        (written(GOOD.replace("'<f4'", "[('a', '<f4'), ('a', '<f4')]"), EIGHT * 2), "malformed"),
        (written(GOOD.replace("'<f4'", "[]")), "unsupported"),
        (saved(np.array([{"a": 1}], dtype=object)), "unsupported"),
        (saved(np.array([[1.5]]), (1, 0))[:40], "malformed"),
        (written(GOOD, EIGHT, 9), "malformed"),
        (b"\x93NUMPY", "malformed"),
        (written(" " * 65_000), "malformed"),
        (member(("a.npy", b"")), "malformed"),
        (member(("a.npy", pickle.dumps(1))), "malformed"),
        (member(("a.npy", saved(np.eye(2))), ("b.txt", b"x")), "unsupported"),
        (member(("a.npy", saved(np.eye(2))), method=zipfile.ZIP_BZIP2), "unsupported"),
        (member(("a.npy", saved(np.zeros((1, 5 << 20), "u1")))), "too_large"),
        (member(*((f"{i}.npy", saved(np.zeros((1, 99_999)))) for i in range(50))), "too_large"),
        (member(*((f"{i}.npy", b"") for i in range(npy.MAX_MEMBERS + 1))), "too_large"),
        (zipped(x=np.eye(2))[:-30], "malformed"),
        (member(("a.npy", member(("b.npy", saved(np.eye(2)))))), "malformed"),
    ],
)  # fmt: skip
def test_lies(asked, outcome):
    found = decode(exchange(asked))
    assert (found.dialect, found.outcome) == ("numpy", outcome)


def test_a_zip_that_wants_a_password_is_malformed():
    raw = bytearray(zipped(x=np.eye(2)))
    raw[6] |= 1
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    assert decode(exchange(bytes(raw))).outcome == "malformed"


def test_wide_arrays_are_bounded():
    found = payload(saved(np.zeros((2, 5000), "<f4")))
    assert (len(found.inputs), found.left_out) == (MAX_NUMBERED, 2 * (5000 - MAX_NUMBERED))


SEEDS = [
    saved(np.array([[1, 2], [3, 4]], "<f4")),
    saved(np.array([(1, 2)], [("a", "<i4"), ("b", "<f8")])),
    saved(np.array([["é", "b"]])),
    zipped(x=np.eye(2), y=np.array([7, 8])),
]


@given(st.sampled_from(SEEDS), st.data())
def test_any_damage_is_an_outcome(seed, data):
    raw = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.just(len(raw)) | st.integers(0, len(raw)))])
    check(decode(exchange(cut, cut)).payload)
