"""Marks of a time axis: round, in order, and with room for their labels."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drift.backtest.axis import DAY, HOUR, MOST, marks

WIDEST = 14
"""Letters that an eighth of the plot has room for."""


def labels(began: str, days: float) -> list[str]:
    first = datetime.fromisoformat(began).replace(tzinfo=UTC).timestamp()
    return [label for _, label in marks(first, first + days * DAY, timed=True)]


def test_marks_are_round_times():
    assert labels("2026-01-01 02:30", 0.25) == [f"01-01 {h:02}:00" for h in range(3, 9)]
    assert labels("2026-02-27 05:00", 5)[:3] == ["2026-02-28", "2026-03-01", "2026-03-02"]
    assert labels("2025-12-15", 200)[:2] == ["2026-01-01", "2026-02-01"]
    assert labels("2025-01-05", 355)[-2:] == ["2025-09-01", "2025-11-01"]
    assert [label for _, label in marks(0.0, 1.5 * DAY, timed=False)][:2] == [
        "day 1",
        "day 1 06:00",
    ]


@given(
    st.floats(0, 4e9),
    st.floats(0, 1e9) | st.sampled_from([0.0, 1e-3, 300.0, HOUR, DAY, 365 * DAY]),
    st.booleans(),
)
def test_marks_are_few_and_in_order(began, length, timed):
    began = began if timed else 0.0
    found = marks(began, began + length, timed)
    times = [time for time, _ in found]
    assert 1 <= len(found) <= MOST + 1
    assert times == sorted(set(times))
    assert all(began - 1 <= time <= began + length + 1 for time in times)
    assert all(len(label) <= WIDEST for _, label in found)
    gaps = [b - a for a, b in pairwise(times)]
    assert all(gap * (MOST + 2) >= length for gap in gaps)


@pytest.mark.parametrize("year", [1, 9998])
def test_a_years_end_of_the_calendar_is_no_error(year):
    first = datetime(year, 6, 1, tzinfo=UTC).timestamp()
    assert marks(first, first + 300 * DAY, timed=True)
