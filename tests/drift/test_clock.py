"""The times of rows: whatever form they have, and what is said of those that are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from agent.drift.rows.clock import Clock
from agent.drift.rows.table import TableError, batches

NOON = 1_772_366_400  # 2026-03-01T12:00:00Z


def read(*batched: list) -> list[float]:
    clock = Clock("at")
    return [time for values in batched for time in clock.read({"at": values}, len(values)).tolist()]


def of_file(path: Path, form: str) -> list[float]:
    clock = Clock("at")
    found = batches(path, form, times="at")
    return [t for batch in found for t in clock.read(dict(batch.columns), batch.rows).tolist()]


@pytest.mark.parametrize(
    "values",
    [
        ["2026-03-01T12:00:00Z", "2026-03-01 12:00:01+00:00"],
        ["2026-03-01 12:00:00", "2026-03-01 12:00:01"],  # no zone: UTC
        ["2026-03-01T13:00:00+01:00", "2026-03-01T07:00:01-05:00"],
        [NOON, NOON + 1],
        [NOON * 10**3, (NOON + 1) * 10**3],
        [NOON * 10**6, (NOON + 1) * 10**6],
        [NOON * 10**9, (NOON + 1) * 10**9],
        [float(NOON), NOON + 1.0],
        [str(NOON), f"{NOON + 1}.0"],
        np.array([NOON, NOON + 1.0]) * 1e3,
    ],
)
def test_times_of_every_form_are_seconds_since_the_epoch(values):
    assert read(values) == [NOON, NOON + 1]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_parquet_times_of_every_unit_and_zone(unit, zone, tmp_path):
    moments = np.array([NOON, NOON + 1], dtype="datetime64[s]").astype(f"datetime64[{unit}]")
    column = pyarrow.array(moments).cast(pyarrow.timestamp(unit, zone))
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"at": column}), path)
    assert of_file(path, "parquet") == [NOON, NOON + 1]


@pytest.mark.parametrize(
    "column",
    [
        pyarrow.array([NOON * 10**9, (NOON + 1) * 10**9]),  # beyond 2^53
        pyarrow.array(["2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z"]).dictionary_encode(),
        pyarrow.array([NOON, NOON + 1], pyarrow.uint32()),
    ],
)
def test_parquet_times_that_are_no_timestamps(column, tmp_path):
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"at": column}), path)
    assert of_file(path, "parquet") == [NOON, NOON + 1]


def test_dates_are_their_midnight(tmp_path):
    path = tmp_path / "rows.parquet"
    days = pyarrow.array(np.array(["2026-03-01", "2026-03-02"], dtype="datetime64[D]"))
    pyarrow.parquet.write_table(pyarrow.table({"at": days}), path)
    assert (
        of_file(path, "parquet") == [NOON - 43200, NOON + 43200] == read(["20260301", "2026-03-02"])
    )


def test_equal_times_and_gaps_are_right():
    gap = 40 * 86400
    assert read([NOON] * 3, [NOON, NOON + gap]) == [NOON] * 4 + [NOON + gap]


@pytest.mark.parametrize(
    ("batched", "said"),
    [
        ([[NOON, NOON - 1]], r"row 2: at is 2026-03-01T11:59:59\+00:00, after .*sort the rows"),
        ([[NOON], [NOON + 9, NOON + 8]], "row 3: .*sort the rows by time"),
        ([[NOON], [NOON - 86400]], "row 2: .*sort the rows by time"),
        ([[NOON, None]], "row 2: at: None is no time; .*leave out rows"),
        ([[NOON, float("nan")]], "row 2: at: None is no time"),
        ([np.array([NOON, np.nan])], "row 2: at: None is no time"),
        ([[NOON], [True]], "row 2: at: True is no time"),
        ([["yesterday"]], "row 1: at: 'yesterday' is no time; wanted ISO 8601"),
        ([["25/03/2026 10:00"]], "row 1: at: '25/03/2026 10:00' is no time"),
    ],
)
def test_what_is_no_time_or_goes_back_is_said_with_its_row(batched, said):
    with pytest.raises(TableError, match=said):
        read(*batched)


def test_a_missing_time_in_a_file_is_said_with_its_row(tmp_path):
    path = tmp_path / "rows.parquet"
    column = pyarrow.array([NOON, None], pyarrow.timestamp("s"))
    pyarrow.parquet.write_table(pyarrow.table({"at": column}), path)
    with pytest.raises(TableError, match="row 2: at: None is no time"):
        of_file(path, "parquet")


def test_local_times_that_summer_time_sets_back_are_told_of_zones():
    before = "2025-10-26T02:59:59", "2025-10-26T02:00:00"  # no zone: the hour comes twice
    with pytest.raises(TableError, match=r"row 2: .*summer time.*zone"):
        read([*before])
    zoned = read(["2025-10-26T02:59:59+02:00", "2025-10-26T02:00:00+01:00"])
    assert zoned[1] - zoned[0] == 1
    spring = read(["2026-03-29T01:59:59", "2026-03-29T03:00:00"])  # an hour that never was: a gap
    assert spring[1] - spring[0] == 3601
