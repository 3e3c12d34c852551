"""Names of keys, and never a value, of whatever beginning."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.outline import MAX_KEYS, SEEN, UNSHOWN, first_keys


@pytest.mark.parametrize(
    ("begin", "names"),
    [
        (b'{"model": "gpt", "messages": [{"role": "user"}], "n": 1}', ["model", "messages", "n"]),
        (b' [ {"a": [1, [2]], "b": {"c": {}}, "d": NaN}, {"e": 1}]', ["a", "b", "d"]),
        (b'{"a": "x\\": 1, \\"secret\\": ", "b": [], "c', ["a", "b"]),
        (b'{"alice@example.org": 1, "user_12345678": 2, "ok": 3}', [UNSHOWN, UNSHOWN, "ok"]),
        (b'{"a: "secret": 1, "b": 2}', []),
        (b'{"a": "x, "secret": 1}', ["a"]),
        (b'{"a": 1, "secret", "b": 2}', ["a"]),
        (b'{"a" "secret": 1}', []),
        (b'{"a": 1}, {"secret": 1}', ["a"]),
        (b'"secret": 1', []),
        (b"[[1, 2]]", []),
        (b'["secret", {"secret": 1}]', ["secret"]),
        (b"secret,other\n1,2", []),
        (b"\x89PNG", []),
        (b"", []),
    ],
)
def test_first_keys(begin, names):
    assert first_keys(begin) == names


VALUES = st.recursive(
    st.none() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=5), VALUES, max_size=20))
def test_a_document_gives_its_own_keys(document):
    names = first_keys(json.dumps(document).encode())
    assert names == list(document)[: len(names)]
    if len(json.dumps(document)) < SEEN:
        assert len(names) == min(len(document), MAX_KEYS)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ab1 ').map(str.encode))
def test_any_bytes(begin):
    assert len(first_keys(begin)) <= MAX_KEYS


def test_a_beginning_of_quotes_is_soon_read():
    assert first_keys(b'{"\\' + b'"\\' * SEEN) == []
