"""Whatever a client sends is bounded, counted by dialect and outcome, and never raises.

What it costs: `python -m bench.hostile`.
"""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest

from agent.decode.payload import (
    CELLS_A_VALUE,
    FEW_CELLS,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_NAME,
    MAX_NUMBERED,
    MAX_STRING,
)
from agent.decode.registry import decode
from bench.hostile_made import CASES, UNPACKED
from tests.decode.test_registry import payload
from tests.observer.outlets import Run, usual

MEMORY = 4 * UNPACKED
"""Bytes on the way."""


@pytest.mark.parametrize("name", CASES)
def test_it_is_counted_and_stays_within_the_bounds(name):
    case = CASES[name]
    hostile = usual(b"hostile")._replace(request_body=case.captured(), request_fields=case.fields)
    run = Run()
    assert run.handle([hostile, usual(b"usual")]) == 0
    counted = run.pipeline.decoded.totals()
    assert counted == Counter([("kserve_v1", "ok"), (case.dialect, case.outcome)])
    for made in run.out.payloads:
        _is_bounded(made.inputs, made.rows)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.size])
def test_what_unpacks_to_more_takes_no_more_memory(name):
    case = CASES[name]
    bomb = usual(b"bomb")._replace(request_body=case.captured(), request_fields=case.fields)
    tracemalloc.start()
    try:
        assert decode(bomb).outcome == "too_large"
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


def _is_bounded(columns, rows):
    assert len(columns) <= MAX_NUMBERED
    assert len(columns) * rows <= MAX_CELLS
    for name, values in columns.items():
        assert len(name) <= MAX_NAME
        assert all(len(value) <= MAX_STRING for value in values if isinstance(value, str))
        name.encode()  # no half of a surrogate pair


def test_rows_with_names_of_their_own_keep_the_fullest_columns():
    rows = [{"always": n, f"own{n}": 1} for n in range(1000)]
    found = payload(rows, [0] * 1000)
    assert found.inputs["always"] == list(range(1000))
    assert len(found.inputs) * 1000 <= FEW_CELLS + CELLS_A_VALUE * 2000
    assert found.left_out == 1000 - (len(found.inputs) - 1)


def test_rows_that_lack_some_names_keep_all_columns():
    rows = [{f"c{n % 5}": n, "always": 1} for n in range(5000)]
    found = payload(rows, [0] * 5000)
    assert set(found.inputs) == {"always", *(f"c{n}" for n in range(5))}
    assert found.left_out == 0
    few = payload([{f"own{n}": n} for n in range(60)], [0] * 60)
    assert len(few.inputs) == 60 <= MAX_COLUMNS
