"""A document's shape: names and kinds, and never a value."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.outline import MAX_KEYS, SEEN
from agent.decode.skeleton import MAX_SHOWN, skeleton


@pytest.mark.parametrize(
    ("begin", "shape"),
    [
        (b'{"age": 39, "city": "Ulm"}', "{age: number, city: text}"),
        (b'[{"a": true}, {"a": false}]', "[{a: boolean}, …]"),
        (b'{"rows": [[1, "x"], [2, "y"]], "n": null}', "{rows: [[number, …], …], n: null}"),
        (b'{"a": {"b": {}}, "c": []}', "{a: {b: {}}, c: []}"),
        (b'{"who": {"mail": "kim@exam', "{who: {mail: …"),
        (b'{"a": 1, "b', "{a: number…"),
        (b'{"a": "x, "secret": 1}', "{a: text…"),
        (b'{"kim@example.org": 1, "12345678": 2}', "{…: number, …: number}"),
        (b'{"a": [1, "x" "y": 2]}', "{a: [number, ……"),
        (b'{"a": 1,}', "{a: number…"),
        (b'{"a": NaN}', "{a: …"),
        (b"39", ""),
        (b'"text"', ""),
        (b"a,b\n1,2", ""),
        (b"", ""),
        (b"\x89PNG", ""),
        (b"[" * 3000, "[" * 17 + "…"),
    ],
)
def test_shape(begin: bytes, shape: str) -> None:
    assert skeleton(begin) == shape


def test_of_many_keys_the_first_and_a_mark() -> None:
    shape = skeleton(json.dumps({f"key{n}": n for n in range(50)}).encode())
    assert shape.endswith(f"key{MAX_KEYS - 1}: number, …}}")


NAMES = st.text("abcdefgh_", min_size=1, max_size=5)
VALUE = "v@lue"
DOCUMENTS = st.recursive(
    st.sampled_from([VALUE, 424242, 0.5, True, None]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS, st.integers(0, 300))
def test_no_value_is_shown_wherever_it_is_cut(document: object, cut: int) -> None:
    raw = json.dumps(document).encode()
    for begin in (raw, raw[:cut], raw[:cut] + raw[cut + 1 :]):
        shape = skeleton(begin)
        assert VALUE not in shape
        assert "4242" not in shape


@given(st.binary(max_size=300) | st.text('{}[],:"a1 ', max_size=300).map(str.encode))
def test_no_bytes_raise(begin: bytes) -> None:
    assert len(skeleton(begin * 20)) <= MAX_SHOWN


def test_no_more_is_looked_at_than_the_beginning() -> None:
    assert "late" not in skeleton(b'{"a": "' + b"x" * SEEN + b'", "late": 1}')
