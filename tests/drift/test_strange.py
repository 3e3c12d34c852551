"""Rows that are like nothing in the reference: told by their columns, never by a value."""

from __future__ import annotations

import pytest

from agent.decode.payload import Columns, Payload
from agent.drift.monitor import Monitor, References
from agent.drift.settings import Settings
from agent.drift.traffic.strange import MOST, Ranges, Strangers
from tests.drift.test_monitor import reference

ROWS = 200
KNOWN: Columns = {
    "age": [20.0 + n % 51 for n in range(ROWS)],
    "plan": [("gold", "silver")[n % 2] for n in range(ROWS)],
    "on": [n % 2 == 0 for n in range(ROWS)],
    "gappy": [None if n % 10 == 0 else float(n) for n in range(ROWS)],
}


@pytest.mark.parametrize(
    ("name", "value", "how"),
    [
        ("age", 20.0, ""),
        ("age", 70, ""),
        ("age", 74.9, ""),  # within a tenth of the range
        ("age", 75.1, "above all that was seen"),
        ("age", 14.9, "below all that was seen"),
        ("age", float("inf"), "above all that was seen"),
        ("age", float("nan"), ""),
        ("age", "many", ""),
        ("age", None, "missing, which it never was"),
        ("gappy", None, ""),
        ("plan", "gold", ""),
        ("plan", "bronze", "a value never seen"),
        ("plan", 10**400, "a value never seen"),
        ("on", True, ""),
        ("on", "perhaps", "a value never seen"),
        ("unknown", 1.0, ""),
    ],
)
def test_what_is_strange(name: str, value: object, how: str) -> None:
    found = Ranges(reference(KNOWN)).strange({name: [value]})  # type: ignore[list-item]
    assert found == ([(name, how)] if how else [])


def test_a_word_is_not_strange_where_the_reference_had_others() -> None:
    many = {"id": [f"word{n % 150}" for n in range(3000)] + [f"rare{n}" for n in range(3000)]}
    assert Ranges(reference(many)).strange({"id": ["unheard of"]}) == []


def test_few_columns_are_told_and_an_empty_row_is_none() -> None:
    wide: Columns = {f"c{n}": [float(n) for n in range(50)] for n in range(MOST + 3)}
    ranges = Ranges(reference(wide))
    assert len(ranges.strange({name: [1e9] for name in wide})) == MOST
    assert ranges.strange({name: [] for name in wide}) == []


def test_a_monitor_looks_by_the_reference_in_use() -> None:
    monitor = Monitor(Settings(), References(default=reference(KNOWN)))
    payload = Payload("m", "", "", {"age": (500.0,)}, {}, 1, 0, 0, (b"id", b""))
    assert monitor.strange(payload) == ()
    monitor.add(payload)
    assert monitor.strange(payload) == [("age", "above all that was seen")]


def test_another_reference_is_another_range() -> None:
    strangers = Strangers()
    key = ("m", "")
    row: Columns = {"age": [500.0]}
    assert strangers.look(key, reference(KNOWN), row)
    assert not strangers.look(key, None, row)
    assert not strangers.look(key, reference({"age": [1.0, 900.0] * 100}), row)
