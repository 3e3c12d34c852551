"""From a column that drifts to the requests that did it: sampled evenly, bounded, never a value."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decode.payload import Payload
from agent.drift.engine.cells import bin_label as label
from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.monitor import Monitor, References
from agent.drift.reference.profile import ColumnProfile, SideName
from agent.drift.reference.sketch import Ints
from agent.drift.settings import Settings
from agent.drift.traffic.examples import MOST, MOST_CELLS, SHOWN, Reservoir, find, grown
from tests.drift.test_monitor import Clock, reference

TRACE = bytes(range(16))


def payload(n: int, inputs: dict, outputs: dict | None = None, trace: bytes = b"") -> Payload:
    out = outputs or {}
    rows = max(map(len, inputs.values()), default=0)
    answers = max(map(len, out.values()), default=0)
    return Payload("m", "", "", inputs, out, rows, answers, 0, (b"id-%d" % n, trace))


def profile(values: list, name: str = "a", side: SideName = "input") -> ColumnProfile:
    builder = ColumnBuilder(shape_of(name, side, values))
    builder.add(values)
    return builder.profile()


def counted(column: ColumnProfile, values: list) -> Ints:
    return column.bins().count(values)


@pytest.mark.parametrize("rows", [640, 40, 3])
def test_a_reservoir_is_a_uniform_sample(rows):
    """Each tenth of a window is as likely as any other."""
    taken: Counter[int] = Counter()
    reservoir = Reservoir(seed=1)
    for _ in range(300_000 // rows):
        for n in range(rows):
            reservoir.add(payload(n, {"a": (1.0,)}))
        kept = reservoir.drain()
        assert min(MOST // 2, rows) <= len(kept) < 2 * MOST
        taken.update(int(one.first[0][3:]) for one in kept)
    tenths = [sum(taken[n] for n in range(rows) if n * 10 // rows == i) for i in range(10)]
    sizes = [sum(n * 10 // rows == i for n in range(rows)) for i in range(10)]
    whole = sum(tenths) / rows
    for tenth, size in zip(tenths, sizes, strict=True):
        assert abs(tenth - whole * size) < 0.1 * whole * size + 1, tenths


def test_a_window_that_is_much_longer_than_the_last_stays_bounded():
    reservoir = Reservoir(seed=1)
    early = late = 0
    for rows in (10, 10_000) * 20:
        for n in range(rows):
            reservoir.add(payload(n, {"a": (1.0,)}))
        kept = reservoir.drain()
        assert len(kept) < 2 * MOST
        if rows == 10_000:
            places = [int(one.first[0][3:]) for one in kept]
            early += sum(place < 5000 for place in places)
            late += sum(place >= 5000 for place in places)
    assert abs(early - late) < 0.2 * late, (early, late)


def test_wide_rows_are_fewer_and_rows_without_an_id_none():
    reservoir = Reservoir()
    for n in range(500):
        reservoir.add(payload(n, {f"c{i}": (1.0,) for i in range(1000)}))
    assert len(reservoir.drain()) < 2 * MOST_CELLS // 1000
    reservoir = Reservoir()
    reservoir.add(Payload("m", "", "", {"a": (1.0,)}, {}, 1, 0, 0))
    assert reservoir.drain() == []


def test_examples_are_those_in_the_bins_that_grew_and_show_no_value():
    column = profile([*"aab"] * 100)
    reservoir = Reservoir()
    for n in range(60):
        secret = "secret" if n % 3 == 0 else "a"
        reservoir.add(payload(n, {"a": (secret,)}, trace=TRACE if n % 2 else b""))
    now = counted(column, ["secret", "a", "a"] * 20)
    found = find(reservoir.drain(), column, column.bins(), now, 5.0)
    assert len(found) == SHOWN
    assert {example.bin for example in found} == {"other"}
    numbers = [int(example.request_id[3:]) for example in found]
    assert all(n % 3 == 0 for n in numbers)
    assert numbers == sorted(numbers, reverse=True)
    assert [example.trace_id for example in found] == [
        TRACE.hex() if n % 2 else None for n in numbers
    ]
    assert "secret" not in repr(found)


def test_a_row_that_lacks_the_column_is_an_example_of_missing():
    column = profile([1.0, 2.0] * 100)
    reservoir = Reservoir()
    reservoir.add(payload(1, {"b": (3,)}))
    (found,) = find(reservoir.drain(), column, column.bins(), counted(column, [None]), 0.0)
    assert found.bin == "missing"


def test_the_only_prediction_needs_no_equal_name():
    column = profile([1.0, 2.0] * 100, "price", "output")
    reservoir = Reservoir()
    reservoir.add(payload(1, {"a": (1,)}, {"predictions": (9.0,)}))
    remembered = reservoir.drain()
    now = counted(column, [9.0] * 10)
    assert [e.bin for e in find(remembered, column, column.bins(), now, 0.0, True)] == ["> 2"]
    assert find(remembered, column, column.bins(), now, 0.0) == []


@given(st.lists(st.none() | st.floats() | st.text(max_size=3), min_size=1, max_size=40))
def test_every_bin_has_a_name(values):
    column = profile(values)
    names = [label(column, place) for place in range(len(column.counts) + 2)]
    assert all(names) or column.categories  # a category may be called anything, or nothing
    assert names[-2:] == ["missing", "invalid"]
    grown(column, counted(column, values))


def test_from_the_alarm_to_the_request():
    rng = np.random.default_rng(0)
    base = {"a": rng.normal(size=5000).tolist(), "b": rng.normal(size=5000).tolist()}
    clock = Clock()
    monitor = Monitor(Settings(), References(reference(base)), clock=clock)
    for n in range(2000):
        moved = n >= 1000 and n % 4 == 0
        row = {"a": (99.0 if moved else rng.normal(),), "b": (rng.normal(),)}
        assert not monitor.add(payload(n, row, trace=TRACE)), "worth keeping, while all is stable"
    status = json.loads(json.dumps(monitor.status()))["models"][0]
    a, b = status["columns"]
    assert (a["state"], b["state"]) == ("drift", "stable")
    assert b["examples"] == []
    assert 0 < len(a["examples"]) <= SHOWN
    for example in a["examples"]:
        n = int(example["request_id"][3:])
        assert n >= 1000, example
        assert example["trace_id"] == TRACE.hex()
        if example["bin"].startswith("> "):
            assert n % 4 == 0, example
    (change,) = [c for c in monitor.take_changes() if c.after == "drift"]
    assert [e.request_id for e in change.examples] == [e["request_id"] for e in a["examples"]]

    row = {"a": (99.0,), "b": (0.0,)}
    worth = {n for n in range(2000, 3000) if monitor.add(payload(n, row))}
    assert MOST // 2 <= len(worth) < 4 * MOST
    (column,) = [c for c in monitor.models["m", ""].columns if c.base.column.name == "a"]
    assert {int(example.request_id[3:]) for example in column.examples} <= worth
