"""KServe V1's and TensorFlow Serving's tensors: lists in lists of any rank, and encoded bytes."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.payload import MAX_NUMBERED, MAX_STRING
from agent.decode.registry import decode
from tests.decode.test_registry import check, columns, exchange, payload

IMAGE = base64.b64encode(bytes(range(256)) * 3).decode()


@given(st.lists(st.integers(1, 3), min_size=3, max_size=6))
def test_any_rank_is_numbered_row_major(shape):
    array = np.arange(np.prod(shape)).reshape(shape)
    flat = array.reshape(len(array), -1).T.tolist()
    tensor = array.tolist()

    def numbered(name: str) -> dict[str, list[object]]:
        return {f"{name}-{i}": values for i, values in enumerate(flat)}

    for asked, name in (
        ({"instances": tensor}, "instances"),
        ({"inputs": tensor}, "inputs"),
        ({"inputs": {"x": tensor}}, "x"),
    ):
        found = payload(asked)
        check(found)
        assert columns(found.inputs) == numbered(name)
    rows = [{"x": row, "k": 7} for row in tensor]
    found = payload({"signature_name": "s", "instances": rows}, {"predictions": tensor})
    assert columns(found.inputs) == numbered("x") | {"k": [7] * len(tensor)}
    assert columns(found.outputs) == numbered("predictions")


def test_texts_of_a_tensor():
    found = payload({"instances": [[["a", "b" * 999]], [["c", None]]]})
    assert columns(found.inputs) == {
        "instances-0": ["a", "c"],
        "instances-1": ["b" * MAX_STRING, None],
    }


def test_rows_that_are_no_tensor_keep_the_places_of_their_values():
    found = payload({"instances": [[1, [2, 3]], [4, [5, 6]]]})
    assert columns(found.inputs) == {
        "instances-0": [1, 4], "instances-1-0": [2, 5], "instances-1-1": [3, 6],
    }  # fmt: skip
    found = payload({"instances": [[[1, 2], [3]], [[4]]]})
    assert columns(found.inputs) == {
        "instances-0": [1, 4], "instances-1": [2, None], "instances-2": [3, None],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"instances": [{"image": {"b64": IMAGE}}]}, ["image"]),
        ({"instances": [{"image": {"b64": IMAGE}, "k": 1}]}, ["image", "k"]),
        ({"instances": [{"b64": IMAGE}]}, ["b64"]),
        ({"inputs": {"image": [{"b64": IMAGE}]}}, ["image"]),
        ({"inputs": {"image": {"b64": IMAGE}}}, ["image"]),
        ({"instances": [[{"b64": IMAGE}, {"b64": IMAGE}]]}, ["instances-0", "instances-1"]),
        ({"instances": [{"pair": [{"b64": IMAGE}, {"b64": IMAGE}]}]}, ["pair-0", "pair-1"]),
    ],
)
def test_bytes_are_a_text_with_its_length(asked, names):
    found = payload(asked).inputs
    assert list(found) == names
    value = found[names[0]][0]
    assert (value, value.length) == (IMAGE[:MAX_STRING], len(IMAGE))


def test_short_bytes_are_the_same_column_as_long_ones():
    assert list(payload({"instances": [{"b64": "YQ=="}]}).inputs) == ["b64"]
    assert columns(payload({"instances": [{"a": {"b64": "YQ=="}}]}).inputs) == {"a": ["YQ=="]}


@pytest.mark.parametrize("value", [1, None, ["YQ=="], {"b64": "YQ=="}])
def test_what_only_looks_like_bytes_is_an_object(value):
    found = payload({"instances": [{"a": {"b64": value}}, {"a": {"b64": "x", "c": 1}}]})
    check(found)
    assert "a.c" in found.inputs


def test_wide_and_deep_tensors_are_bounded():
    found = payload({"instances": [[[0] * 5000] * 2]})
    assert (len(found.inputs), found.left_out) == (MAX_NUMBERED, 10_000 - MAX_NUMBERED)
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    assert decode(exchange({"instances": [deep, deep]})).payload is None
