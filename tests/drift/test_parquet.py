"""Parquet of any types: numbers stay arrays, the rest is named and written as traffic has it."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import numpy as np
import pytest

from agent.drift.learning.build import build_profile
from agent.drift.reference.coded import Coded
from agent.drift.rows.batch import TableError
from agent.drift.rows.table import batches

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def written(path: Path, columns: dict[str, object]) -> Path:
    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_each_type_becomes_what_traffic_has(tmp_path: Path):
    long_id = (1 << 60) + 1
    path = written(
        tmp_path / "d.parquet",
        {
            "f": [1.5, None, float("nan")],
            "i": pyarrow.array([1, None, 3], pyarrow.int32()),
            "id": [long_id, None, 2],
            "d": [decimal.Decimal("1.25"), None, decimal.Decimal("2")],
            "b": [True, None, False],
            "s": ["x" * 300, None, "y"],
            "k": pyarrow.array(["u", None, "u"]).dictionary_encode(),
            "t": pyarrow.array([1, None, 2], pyarrow.timestamp("ns")),
            "day": [datetime.date(2026, 1, 2), None, None],
            "v": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        },
    )
    (batch,) = batches(path, "parquet")
    found = batch.columns
    for name, values in {"f": [1.5, 0, 0], "i": [1, 0, 3], "d": [1.25, 0, 2]}.items():
        assert isinstance(found[name], np.ndarray)
        assert np.nan_to_num(np.asarray(found[name])).tolist() == values
    assert found["id"] == [long_id, None, 2]
    assert found["b"] == [True, None, False]
    assert found["s"] == ["x" * 256, None, "y"]
    assert found["k"] == ["u", None, "u"]
    assert found["t"][0] == "1970-01-01 00:00:00"
    assert found["day"] == ["2026-01-02", None, None]
    assert [*map(list, (found["v-0"], found["v-1"]))] == [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]


@pytest.mark.parametrize("encoded", [False, True])
def test_texts_of_many_rows_are_read_once_each(encoded: bool, tmp_path: Path):
    rows = ["red", None, "green", "x" * 300, "x" * 299] * 40
    column = pyarrow.array(rows)
    path = written(tmp_path / "d.parquet", {"s": column.dictionary_encode() if encoded else column})
    (batch,) = batches(path, "parquet")
    found = batch.columns["s"]
    assert isinstance(found, Coded)
    assert list(found) == [v and v[:256] for v in rows]
    many = pyarrow.array([f"id {i}" for i in range(5000)])
    (batch,) = batches(
        written(tmp_path / "ids.parquet", {"s": many.dictionary_encode()}), "parquet"
    )
    assert batch.columns["s"] == many.to_pylist()


def test_a_name_twice_is_refused(tmp_path: Path):
    table = pyarrow.table([pyarrow.array([1]), pyarrow.array([2])], names=["a", "a"])
    parquet.write_table(table, tmp_path / "d.parquet")
    with pytest.raises(TableError, match="twice: 'a'"):
        list(batches(tmp_path / "d.parquet", "parquet"))


def test_of_many_columns_the_sample_is_smaller_but_all_rows_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("agent.drift.learning.build.SAMPLE_CELLS", 2000)
    rows = np.random.default_rng(0).normal(size=(12_000, 2))
    path = written(tmp_path / "d.parquet", {"a": rows[:, 0], "b": rows[:, 1]})
    profile = build_profile(lambda: batches(path, "parquet"))
    assert [column.rows for column in profile.columns] == [12_000, 12_000]
    shares = np.array(profile.columns[0].counts) / 12_000
    assert np.abs(shares[1:-1] - 0.05).max() < 0.03
    assert profile.columns[0].moments is not None
    assert profile.columns[0].moments.count == 12_000


def test_a_file_is_read_without_being_held(tmp_path: Path):
    rng = np.random.default_rng(8)
    table = pyarrow.table({f"x{i}": rng.normal(size=400_000) for i in range(10)})
    path = tmp_path / "large.parquet"
    parquet.write_table(table, path, row_group_size=20_000)
    del table
    before = pyarrow.total_allocated_bytes()
    most = max(pyarrow.total_allocated_bytes() - before for _ in batches(path, "parquet"))
    assert most < path.stat().st_size / 4
