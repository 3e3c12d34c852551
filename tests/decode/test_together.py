"""Exchanges decoded together become what they become one by one, whatever a client sends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode import together
from agent.decode.payload import MAX_NAME, MAX_STRING
from agent.decode.registry import decode
from agent.exchange import Exchange
from tests.decode.test_registry import exchange

USUAL = {"instances": [{"a": 1.5, "b": "x"}]}
ANSWER = {"predictions": [[0.25, 0.75]]}


def usual(number: int = together.FEWEST) -> list[Exchange]:
    return [
        exchange({"instances": [{"a": n, "b": f"v{n}"}]}, {"predictions": [[n / 8, 1 - n / 8]]},
                 target=b"/v1/models/m/versions/2:predict")
        for n in range(number)
    ]  # fmt: skip


def one_by_one(alike: list[Exchange]) -> tuple[object, ...] | None:
    """Names and values of both sides, all rows after one another; None if one is not usual."""
    sides: list[dict[str, list[object]]] = [{}, {}]
    sizes: tuple[list[int], list[int]] = ([], [])
    names = set()
    for x in alike:
        found = decode(x)
        payload = found.payload
        if (found.dialect, found.outcome) != (together.dialect(alike), "ok") or payload is None:
            return None
        names.add((payload.model, payload.version, payload.id, payload.left_out))
        sizes[0].append(payload.rows)
        sizes[1].append(payload.output_rows)
        for side, columns in zip(sides, (payload.inputs, payload.outputs), strict=True):
            for name, values in columns.items():
                side.setdefault(name, []).extend(values)
    return (names, *sizes, *sides)


def all_at_once(alike: list[Exchange]) -> tuple[object, ...] | None:
    payload = together.decode(alike)
    if payload is None:
        return None
    names = {(payload.model, payload.version, payload.id, payload.left_out)}
    sides = [{k: list(v) for k, v in s.items()} for s in (payload.inputs, payload.outputs)]
    rows = payload.rows, payload.output_rows
    sizes = [[*(of or [1] * n)] for of, n in zip(payload.sizes, rows, strict=True)]
    assert (sum(sizes[0]), sum(sizes[1])) == rows
    return (names, *sizes, *sides)


@pytest.mark.parametrize(
    ("versions", "found"),
    [("3333", "3"), ("", "2"), ("3343", None), ([1, 1.0, 1, 1], "1"), ([None, *"333"], None)],
)
def test_answers_of_one_version_are_one_payload_of_it(versions, found):
    alike = usual()
    for n, version in enumerate(versions):
        answer = {"predictions": [[n / 8, 1 - n / 8]], "model_version": version}
        alike[n] = alike[n]._replace(response_body=(json.dumps(answer).encode(), b"", 0))
    payload = together.decode(alike)
    assert (payload and payload.version) == found
    assert payload is None or all_at_once(alike) == one_by_one(alike)


def test_usual_exchanges_are_one_payload():
    payload = together.decode(usual(5))
    assert payload is not None
    assert (payload.model, payload.version, payload.rows, payload.output_rows) == ("m", "2", 5, 5)
    assert payload.inputs == {"a": (0, 1, 2, 3, 4), "b": ("v0", "v1", "v2", "v3", "v4")}
    assert all_at_once(usual(5)) == one_by_one(usual(5))
    assert payload.sizes == ((), ())
    batch = exchange({"instances": [{"a": 9, "b": "x"}] * 3}, {"predictions": [[0.5, 0.5]] * 3},
                     target=b"/v1/models/m/versions/2:predict")  # fmt: skip
    several = [*usual(4), batch]
    payload = together.decode(several)
    assert payload is not None
    assert payload.sizes == ([1, 1, 1, 1, 3], [1, 1, 1, 1, 3])
    assert all_at_once(several) == one_by_one(several)


ODD = [
    (b'{"instances":[{"a":1,"b":"x"}\n]}', ANSWER),  # spreads over lines
    (b'{"instances":[{"a":1,"b":"x', ANSWER),  # goes on in the next line
    (b'{"instances":[]},{"instances":[{"a":1,"b":"x"}]}', ANSWER),  # two documents
    (b'{"instances":[{"a":1,"b":"x"}]}{"instances":[{"a":1,"b":"x"}]}', ANSWER),
    (b'{"instances":[', ANSWER),
    (b"", ANSWER),
    (b"\xff\xfe", ANSWER),
    ({"instances": []}, ANSWER),
    ({"instances": [{}]}, ANSWER),
    ({"instances": [{"a": 1}]}, ANSWER),  # other names
    ({"instances": [{"b": "x", "a": 1}]}, ANSWER),
    ({"instances": [[1, 2]]}, ANSWER),
    ({"instances": [{"a": {"deep": 1}, "b": "x"}]}, ANSWER),
    ({"instances": [{"a": 1, "b": "x" * (MAX_STRING + 1)}]}, ANSWER),
    ({"instances": [{"a" * (MAX_NAME + 1): 1}]}, ANSWER),
    ({"inputs": [[1]]}, ANSWER),
    (USUAL, {"predictions": []}),
    (USUAL, {"predictions": [[[1]]]}),
    (USUAL, {"error": "none"}),
    (USUAL, b""),
    (USUAL, b'{"predictions":[[0.5,0.5]]'),
]


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize(("request_", "response"), ODD)
def test_one_that_is_not_usual_sends_all_the_longer_way(request_, response, place):
    alike = usual()
    alike.insert(place, exchange(request_, response, target=alike[0].target))
    assert together.decode(alike) is None


def test_parts_of_bodies_never_make_a_row_together():
    """Joined carelessly these would be as many documents as there are exchanges."""
    halves = [b'{"instances":[{"a":1,"b":"', b'"}]}', *[b'{"instances":[{"a":1,"b":"x"}]}'] * 3]
    doubled = b'{"instances":[{"a":1,"b":"x"}]} {"instances":[{"a":2,"b":"y"}]}'
    for separator in (b"", b"\n", b"\r", b" "):
        alike = [exchange(body + separator, ANSWER) for body in [*halves, doubled]]
        assert together.decode(alike) is None


@pytest.mark.parametrize("change", [
    {"status": 400}, {"error": "upstream_reset"}, {"capture": "budget"},
])  # fmt: skip
def test_refused_and_not_captured_ones_are_left_to_the_registry(change):
    assert together.decode([x._replace(**change) for x in usual()]) is None


@pytest.mark.parametrize(
    "body", [None, (b'{"instances":[', b"1]}", 0), (b'{"instances":[1]}', b"", 9)]
)
def test_bodies_that_are_missing_or_cut_are_left_to_the_registry(body):
    assert together.decode([*usual(), usual(1)[0]._replace(request_body=body)]) is None
    assert together.decode([*usual(), usual(1)[0]._replace(response_body=body)]) is None


cell = st.none() | st.booleans() | st.integers(-3, 1 << 70) | st.floats(allow_nan=False) | st.text()
row = st.fixed_dictionaries({"a": cell, "b": cell}) | st.lists(cell, max_size=3) | cell
document = st.fixed_dictionaries({"instances": st.lists(row, max_size=3)})
answer = st.fixed_dictionaries({"predictions": st.lists(row, max_size=3)})
text = st.builds(
    lambda one, indent: json.dumps(one, indent=indent).encode(), document, st.none() | st.just(1)
)
pieces = [b'{"instances":[', b"1", b",", b"]}", b"\n", b" ", b'"', b"\\", b"{", b"}"]
request_bytes = text | st.lists(st.sampled_from(pieces), max_size=8).map(b"".join)


@given(st.lists(st.tuples(request_bytes, answer), min_size=together.FEWEST, max_size=6))
def test_together_or_not_gives_the_same(pairs):
    alike = [exchange(request, response) for request, response in pairs]
    found = all_at_once(alike)
    assert found is None or found == one_by_one(alike)


@given(
    st.lists(st.fixed_dictionaries({"a": cell, "b": cell}), min_size=together.FEWEST, max_size=9)
)
def test_plain_rows_of_the_same_names_are_decoded_together(rows):
    alike = [exchange({"instances": [one]}, ANSWER) for one in rows]
    alone = one_by_one(alike)
    small = all(len(v) <= MAX_STRING for one in rows for v in one.values() if isinstance(v, str))
    found = all_at_once(alike)
    if small and found is not None:
        assert found == alone


def test_a_batch_is_put_in_groups_of_one_kind_every_place_once():
    batch = [x._replace(model="ab"[n % 2]) for n, x in enumerate(usual(100))]
    found = [*together.groups(batch)]
    assert sorted(n for places in found for n in places) == [*range(100)]
    for places in found:
        assert len(places) <= together.AT_ONCE
        assert len({batch[n].model for n in places}) == 1
