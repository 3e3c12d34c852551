"""Columns of times: judged by how they are written, never by what time it is."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.cli import main
from agent.drift.engine.classic import Rule, judge
from agent.drift.learning.learn import kind_of, shape_of
from agent.drift.monitor import Monitor, References
from agent.drift.reference.forms import FORMS, TimeBins, form_of
from agent.drift.reference.profile import ProfileError, load, make, merge, parse, shown
from agent.drift.reference.sketch import INVALID, MISSING
from agent.drift.settings import Settings
from tests.drift.charts import profile
from tests.drift.test_monitor import Clock, payload, reference

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("2026-01-02", "date"),
        (" 20260102 ", "date"),
        ("2026-01-02T03:04", "date and time"),
        ("2026-01-02 03:04:05.123456789+02:00", "date and time"),
        ("2026-01-02T03:04:05Z", "date and time"),
        (1_700_000_000, "seconds"),
        ("1700000000.5", "seconds"),
        (-1e9, "seconds"),
        (1_700_000_000_000, "milliseconds"),
        (1.7e15, "microseconds"),
        (1_700_000_000_000_000_000, "nanoseconds"),
        (0, "placeholder"),
        ("0", "placeholder"),
        ("1970-01-01T00:00:00Z", "placeholder"),
        ("0001-01-01T00:00:00", "placeholder"),
        ("9999-12-31 23:59:59", "placeholder"),
        ("1900-01-01", "placeholder"),
        ("02.01.2026", None),
        ("2026-02-30", None),
        ("yesterday", None),
        ("", None),
        ("\ud800", None),
        ("2026-01-02" + " " * 1_000_000, None),
        (True, None),
        (math.nan, None),
        (math.inf, None),
        (1e300, None),
        (10**400, None),
    ],
)
def test_a_time_has_one_form_or_is_none(value, form):
    place = form_of(value)
    assert (None if place is None else FORMS[place]) == form
    counts = TimeBins().count([value, None])
    assert (counts[MISSING], counts[INVALID]) == (1, form is None)
    assert counts.sum() == 2


value = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.datetimes().map(datetime.isoformat)
    | st.dates().map(str)
    | st.sampled_from([0, 1, 1.0, True, "1", "2026-01-02"])
)


@given(st.lists(value, max_size=40), st.data())
def test_each_row_is_counted_once_in_any_batches(rows, data):
    bins = TimeBins()
    counts = bins.count(rows)
    one_by_one = sum((bins.count([row]) for row in rows), np.zeros(bins.size + 2, dtype=np.int64))
    assert (counts.sum(), counts.tolist()) == (len(rows), one_by_one.tolist())
    at = data.draw(st.integers(0, len(rows)))
    assert (bins.count(rows[:at]) + bins.count(rows[at:])).tolist() == counts.tolist()
    assert counts[MISSING] == rows.count(None)


@given(st.lists(st.floats() | st.sampled_from([0.0, 1.7e9, 1.7e12])))
def test_an_array_counts_like_the_list_with_nan_as_missing(rows):
    plain = [None if v != v else v for v in rows]
    assert TimeBins().count(np.array(rows)).tolist() == TimeBins().count(plain).tolist()


@given(st.lists(st.lists(value, max_size=20), min_size=3, max_size=3))
def test_merging_adds_in_any_order(parts):
    def built(rows):
        shape = shape_of("at", "input", rows, kind="timestamp")
        counts = shape.bins().count(rows).tolist()
        column = replace(
            shape, counts=counts[:MISSING], missing=counts[MISSING], invalid=counts[INVALID]
        )
        return make("m", len(rows), [column])

    a, b, c = map(built, parts)
    whole = built([row for rows in parts for row in rows]).columns
    assert merge([merge([a, b]), c]).columns == merge([c, merge([b, a])]).columns == whole


def test_times_are_told_by_iso_text_and_numbers_only_when_declared():
    days = [f"2026-01-{day:02}" for day in range(1, 29)]
    assert kind_of(days) == kind_of(days, from_text=True) == "timestamp"
    assert kind_of([*days * 4, None, "?"]) == "timestamp"
    assert kind_of([*days, "?"]) == "text"
    assert kind_of([1_700_000_000 + i for i in range(99)]) == "numeric"
    assert kind_of([f"{1_700_000_000 + i}" for i in range(99)], from_text=True) == "numeric"
    assert kind_of(["20260102", "20260103"] * 9) == "categorical"
    assert kind_of(["2026-01", "2026-02"] * 9) == "categorical"
    shape = shape_of("at", "input", [1_700_000_000] * 9, kind="timestamp")
    assert (shape.categories, shape.edges) == ([*FORMS], None)


def test_a_file_with_times_is_read_and_one_with_other_forms_refused(tmp_path: Path):
    good = profile([f"2026-01-{1 + i % 28:02}" for i in range(90)])
    assert parse(shown(make("m", 90, [good])), "r.json").columns == [good]
    for wrong in (replace(good, categories=FORMS[::-1]), replace(good, categories=None, edges=[])):
        with pytest.raises(ProfileError, match="its kind"):
            parse(shown(make("m", 90, [wrong])), "r.json")

    data, out = tmp_path / "d.csv", tmp_path / "r.json"
    lines = [f"{1_700_000_000 + i},2026-01-{1 + i % 28:02}T10:00:00Z,{i % 5}" for i in range(99)]
    data.write_text("\n".join(["at,day,x", *lines]) + "\n")
    assert main(["profile", "build", str(data), "-o", str(out), "--kind", "at=timestamp"]) == 0
    kinds = {column.name: column.kind for column in load(out).columns}
    assert kinds == {"at": "timestamp", "day": "timestamp", "x": "numeric"}


def test_times_of_parquet_are_times(tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    times = [BEGAN + timedelta(minutes=i) for i in range(99)]
    columns = {"at": times, "day": [time.date() for time in times], "n": [None] * 99}
    parquet.write_table(pyarrow.table(columns), tmp_path / "d.parquet")
    out = tmp_path / "r.json"
    assert main(["profile", "build", str(tmp_path / "d.parquet"), "-o", str(out)]) == 0
    found = {
        c.name: dict(zip(c.categories or (), c.counts, strict=False)) for c in load(out).columns
    }
    assert found["at"]["date and time"] == 99
    assert found["day"]["date"] == 99


class Site:
    """Rows that bear the time that they are of, in windows of an hour."""

    def __init__(self) -> None:
        rows = [self.row(minute) for minute in range(0, 14 * 24 * 60, 5)]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        self.clock = Clock()
        self.monitor = Monitor(
            Settings(window_seconds=3600), References(reference(columns)), clock=self.clock
        )

    @staticmethod
    def row(minute: float) -> dict[str, object]:
        now = BEGAN + timedelta(minutes=minute)
        return {"at": now.isoformat(), "day": f"{now:%Y-%m-%d}"}

    def hour(self, hour: int, **wrong: object) -> dict[str, dict]:
        self.clock.now += 3600
        for minute in range(60):
            row = {**self.row(hour * 60 + minute), **wrong}
            self.monitor.add(payload({name: [value] for name, value in row.items()}))
        self.monitor.tick()
        [model] = json.loads(json.dumps(self.monitor.status()))["models"]
        return {column["name"]: column for column in model["columns"]}


def test_time_goes_on_and_nothing_drifts_until_the_form_changes():
    site = Site()
    for hour in range(14 * 24, 24 * 24):
        found = site.hour(hour)
    assert {column["state"] for column in found.values()} == {"stable"}
    assert {column["kind"] for column in found.values()} == {"timestamp"}
    assert not [change for change in site.monitor.take_changes() if change.after == "drift"]

    for hour in range(24 * 24, 24 * 24 + 3):
        found = site.hour(hour, at=1_769_000_000_000, day="1970-01-01")
    assert (found["at"]["state"], found["at"]["test"]) == ("drift", "unseen")
    assert (found["day"]["state"], found["day"]["direction"]) == ("drift", "up")


@pytest.mark.parametrize(
    ("wrong", "test"), [(None, "missing"), ("03/02/2026", "invalid"), ("2026-02-03", "date")]
)
def test_what_is_no_time_any_more_is_said(wrong, test):
    base = profile([f"2026-01-02T03:{i % 60:02}:00Z" for i in range(2000)] + ["2026-01-02"] * 20)
    monitor = Monitor(Settings(), References(make("", 2020, [replace(base, name="at")])))
    for i in range(1000):
        monitor.add(payload({"at": [wrong if i % 5 == 0 else "2026-02-03T04:05:06Z"]}))
    [column] = json.loads(json.dumps(monitor.status()))["models"][0]["columns"]
    assert (column["state"], column["test"]) == ("drift", test)


@pytest.mark.parametrize("rule", get_args(Rule))
def test_old_rules_judge_forms_as_categories(rule):
    base = profile([f"2026-01-02T03:{i % 60:02}:00Z" for i in range(2000)])
    later = base.bins().count([f"2027-05-06T07:{i % 60:02}:00Z" for i in range(1000)])
    assert not judge(rule, base, later).drift
    assert judge(rule, base, base.bins().count([1_800_000_000] * 1000)).drift
