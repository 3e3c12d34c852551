"""Points in time from data: what is none is None, never a guess and never a crash."""

from __future__ import annotations

import math
from datetime import UTC, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drift.reference.times import epoch, epochs


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1970-01-02", 86400),
        ("1970-01-01T01:00:00Z", 3600),
        ("1970-01-01 01:00:00+01:00", 0),
        (1_700_000_000, 1_700_000_000),
        (1_700_000_000_500, 1_700_000_000.5),
        (1_700_000_000_000_000, 1_700_000_000),
        (1_700_000_000_000_000_000, 1_700_000_000),
        ("1700000000", 1_700_000_000),
        (None, None),
        (True, None),
        (math.nan, None),
        (math.inf, None),
        (10**400, None),
        ("1e400", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_time_is_seconds_since_the_epoch(value, seconds):
    assert epoch(value) == seconds


@given(st.datetimes(), st.integers(-720, 720))
def test_iso_text_is_the_time_that_it_says(time, minutes):
    zoned = time.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    if 2 <= time.year <= 9998:
        assert epoch(zoned.isoformat()) == zoned.timestamp()
        assert epoch(time.isoformat()) == time.replace(tzinfo=UTC).timestamp()


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text())
def test_any_value_is_a_time_or_none(value):
    found = epoch(value)
    assert found is None or math.isfinite(found)


@given(st.lists(st.floats() | st.integers(0, 1 << 53).map(float)))
def test_an_array_is_read_as_its_values_one_by_one(values):
    assert np.array_equal(epochs(np.array(values)), epochs(values), equal_nan=True)
