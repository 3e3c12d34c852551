"""`outrider profile` on real files, and what it says when they are wrong."""

from __future__ import annotations

import io
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from agent.cli import main
from agent.drift.engine.classic import Rule
from agent.drift.learning.build import build_profile
from agent.drift.profiles import cli as profile_cli
from agent.drift.reference.profile import load
from agent.drift.rows.table import Batch, batches

ROWS = 12_345


@pytest.fixture
def rows() -> list[dict[str, object]]:
    rng = np.random.default_rng(2)
    age = rng.integers(18, 90, size=ROWS).tolist()
    income = rng.lognormal(10, 1, size=ROWS).tolist()
    region = rng.choice(["north", "south"], size=ROWS).tolist()
    return [
        {
            "age": a,
            "income": None if i % 50 == 0 else b,
            "region": c,
            "vip": i % 3 == 0,
            "score": b / (a + b),
        }
        for i, (a, b, c) in enumerate(zip(age, income, region, strict=True))
    ]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".csv":
        lines = [",".join("" if v is None else str(v) for v in row.values()) for row in rows]
        path.write_text("\n".join([",".join(rows[0]), *lines]) + "\n")
    else:
        pyarrow = pytest.importorskip("pyarrow")
        import pyarrow.parquet as parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def build(data: Path | str, output: Path, **more: object) -> int:
    given: dict[str, object] = {
        "format": None, "model": "", "model_version": "", "columns": None, "outputs": (),
        "kind": (), "timestamp": "", "like": None, "target": "", "hash": (),
    }  # fmt: skip
    return profile_cli.build(Namespace(data=str(data), output=str(output), **{**given, **more}))


def test_all_formats_give_the_same_profile(tmp_path: Path, rows):
    hashes = set()
    for suffix in (".csv", ".jsonl", ".parquet"):
        path = write(tmp_path / f"data{suffix}", rows)
        assert build(path, tmp_path / "r.json", model="m", outputs=["score"]) == 0
        profile = load(tmp_path / "r.json", "m")
        hashes.add(profile.hash)
    assert len(hashes) == 1
    assert profile.rows == ROWS
    kinds = {column.name: (column.side, column.kind) for column in profile.columns}
    assert kinds == {
        "age": ("input", "numeric"),
        "income": ("input", "numeric"),
        "region": ("input", "categorical"),
        "vip": ("input", "boolean"),
        "score": ("output", "numeric"),
    }
    income = next(column for column in profile.columns if column.name == "income")
    assert income.missing == len(range(0, ROWS, 50))


def test_what_will_be_judged_badly_is_said(tmp_path: Path, rows, capsys):
    data = write(tmp_path / "data.csv", rows)
    assert build(data, tmp_path / "r.json", kind=[("region", "numeric")]) == 0
    (said,) = capsys.readouterr().err.splitlines()
    assert said == f"outrider profile: region: {ROWS:,} of {ROWS:,} values are not numeric"
    few = write(tmp_path / "few.csv", rows[:49])
    assert build(few, tmp_path / "r.json") == 0
    assert "fewer than 50 rows judges nothing; this has 49" in capsys.readouterr().err


def test_standard_input_and_chosen_columns(tmp_path: Path, rows, monkeypatch):
    raw = write(tmp_path / "data.csv", rows).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert build("-", tmp_path / "r.json", format="csv", columns=["age"]) == 0
    assert [c.name for c in load(tmp_path / "r.json").columns] == ["age"]


@pytest.mark.parametrize(
    ("name", "text", "more", "says"),
    [
        ("d.txt", "a\n1\n", {}, "--format"),
        ("d.csv", "", {}, "empty"),
        ("d.csv", "a,b\n", {}, "no rows"),
        ("d.csv", "a,a\n1,2\n", {}, "twice"),
        ("d.csv", "a,b\n1,2\n3\n4,5\n", {}, "line 3: a row of 1 fields for 2 columns: 3"),
        ("d.csv", 'a,b\n"1\n\n1",2\n\n3,4,5\n6,7\n', {}, "line 6: a row of 3 fields"),
        ("d.csv", "a,b\n" + "1,2\n" * 70_000 + '"3\n4"\n5,6\n', {}, "line 70002: a row of 1"),
        ("d.csv", "a\n1\n", {"columns": ["z"]}, "no column z; there are a"),
        ("d.csv", b"a\n\xff\n", {}, "UTF-8"),
        ("d.jsonl", '{"a": 1}\n{"a": \n', {}, "line 2: not JSON"),
        ("d.jsonl", '{"a": "\\ud800"}\n', {}, "line 1: not JSON"),
        ("d.parquet", "PAR", {}, "not Parquet"),
    ],
)
def test_errors_say_what_to_do(tmp_path: Path, capsys, name, text, more, says):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert build(path, tmp_path / "r.json", **more) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "r.json").exists()


def test_missing_file_and_missing_extra(tmp_path: Path, capsys, monkeypatch):
    assert build(tmp_path / "none.csv", tmp_path / "r.json") == 2
    assert "No such file" in capsys.readouterr().err
    (tmp_path / "d.csv").write_text("a\n1\n")
    assert build(tmp_path / "d.csv", tmp_path / "none" / "r.json") == 2
    assert f"{tmp_path / 'none' / 'r.json'}: No such file" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert build(tmp_path / "none.parquet", tmp_path / "r.json") == 2
    assert "pip install 'outrider[parquet]'" in capsys.readouterr().err


def test_show_diff_and_merge(tmp_path: Path, rows, capsys):
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    build(write(tmp_path / "a.csv", rows), first)
    moved = [{**row, "age": int(str(row["age"])) + 20} for row in rows]
    build(write(tmp_path / "b.csv", moved), second, like=str(first))
    capsys.readouterr()

    assert main(["profile", "show", str(first)]) == 0
    assert "age" in capsys.readouterr().out
    assert main(["profile", "show", str(first), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == ROWS

    assert main(["profile", "diff", str(first), str(second), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    by = {row["name"]: row for row in found["columns"]}
    assert set(by["age"]["distances"]) == set(get_args(Rule))
    assert set(by["region"]["distances"]) == set(get_args(Rule)) - {"ks", "wasserstein"}
    assert by["age"]["distances"]["psi"] > 0.25
    assert by["income"]["distances"]["psi"] == 0
    assert [name for name, row in by.items() if row["state"] != "alike"] == ["age"]

    both = tmp_path / "3.json"
    files = [str(first), str(second)]
    assert profile_cli.merge(Namespace(profiles=files, output=str(both))) == 0
    assert load(both).rows == 2 * ROWS

    own = tmp_path / "4.json"
    build(tmp_path / "b.csv", own)
    files = [str(first), str(own)]
    assert profile_cli.merge(Namespace(profiles=files, output=str(both))) == 2
    assert "other bins" in capsys.readouterr().err


def test_more_rows_than_the_sample_are_all_counted(tmp_path: Path, rows):
    path = write(tmp_path / "data.csv", rows)
    profile = build_profile(lambda: batches(path, "csv"), from_text=True, sample_rows=2000)
    assert profile.rows == ROWS
    assert all(column.rows == ROWS for column in profile.columns)
    income = next(column for column in profile.columns if column.name == "income")
    shares = np.array(income.counts) / sum(income.counts)
    assert len(shares) == 22
    assert np.abs(shares[1:-1] - 0.05).max() < 0.02
    assert 0 < shares[0] + shares[-1] < 0.01  # out of the sample's range


def test_columns_that_come_and_go_are_missing_elsewhere():
    parts = [Batch({"a": [1.0, 2.0]}, 2), Batch({"a": [3.0], "b": ["x"]}, 1), Batch({}, 0)]
    profile = build_profile(lambda: iter(parts))
    assert {c.name: (c.rows, c.missing) for c in profile.columns} == {"a": (3, 0), "b": (3, 2)}


def test_derived_columns_are_shown_merged_and_said_to_be_left_out(tmp_path: Path, capsys):
    rng = np.random.default_rng(0)

    def data(name: str) -> Path:
        x = rng.normal(size=(1200, 2))
        p = 1 / (1 + np.exp(-x.sum(1)))
        found = [
            {"a": float(x[i, 0]), "b": float(x[i, 1]), "p": float(p[i]), "y": int(p[i] > 0.4)}
            for i in range(1200)
        ]
        return write(tmp_path / name, found)

    one, like = tmp_path / "one.json", tmp_path / "like.json"
    assert build(data("one.jsonl"), one, outputs=["p"], target="y") == 0
    assert build(data("like.jsonl"), like, like=str(one)) == 0
    capsys.readouterr()
    assert main(["profile", "show", str(one)]) == 0
    shown = capsys.readouterr().out
    assert "derived: relations of 2 inputs, importance for p, confidence, right in 89." in shown

    both = tmp_path / "both.json"
    assert profile_cli.merge(Namespace(profiles=[one, like], output=both)) == 0
    derived = load(both).derived
    assert derived is not None
    assert sum(derived.relations[0]) == 1200
    assert derived.calibration is None  # the second had no target
    assert "without relations, importance or confidence" in capsys.readouterr().out
    assert profile_cli.merge(Namespace(profiles=[like, like], output=both)) == 0
    assert "without" not in capsys.readouterr().out


def test_kinds_version_and_times_are_said_on_the_command_line(tmp_path: Path, capsys):
    data, out = tmp_path / "d.csv", tmp_path / "r.json"
    lines = [f"2026-01-{1 + i % 28:02},{10000 + i % 3},{i}" for i in range(100)]
    data.write_text("\n".join(["when,zip,x", *lines]) + "\n")
    command = ["profile", "build", str(data), "-o", str(out), "--model-version", "7",
               "--kind", "zip=categorical", "--timestamp", "when"]  # fmt: skip
    assert main(command) == 0
    profile = load(out)
    assert profile.version == "7"
    assert {c.name: c.kind for c in profile.columns} == {"zip": "categorical", "x": "numeric"}
    assert profile.columns[1].categories == ["10000", "10001", "10002"]
    assert profile.period is not None
    assert profile.period.ended - profile.period.began == 27 * 86400

    liked = [*command[:3], "-o", str(tmp_path / "2.json"), "--like", str(out)]
    assert main(liked) == 0
    assert load(tmp_path / "2.json").columns == profile.columns
    assert load(tmp_path / "2.json").version == "7"
    assert "natural variation is not known: row 29: when is" in capsys.readouterr().err

    assert main([*liked, "--kind", "x=text"]) == 2
    assert "--like takes" in capsys.readouterr().err
    assert main([*liked, "--target", "x"]) == 2
    assert "--target" in capsys.readouterr().err
    assert main([*command[:5], "--timestamp", "zz"]) == 2
    assert "no column zz" in capsys.readouterr().err
    assert main(["profile", "show", str(out)]) == 0
    assert "of 27.0 days from 2026-01-01 00:00 UTC" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*command[:5], "--kind", "x=number"])
    assert "KIND one of numeric" in capsys.readouterr().err


def test_a_time_that_is_none_is_told(tmp_path: Path, capsys):
    data = tmp_path / "d.csv"
    data.write_text("t,x\nsoon,1\n")
    assert build(data, tmp_path / "r.json", timestamp="t") == 2
    assert "no value of column t is a time" in capsys.readouterr().err


def test_a_column_without_a_name_is_a_feature_and_no_target(tmp_path: Path):
    """As pandas writes its index."""
    data = tmp_path / "d.csv"
    data.write_text(",p,q\n" + "".join(f"{i},{i % 11 / 10},{1 - i % 11 / 10}\n" for i in range(99)))
    assert build(data, tmp_path / "r.json", outputs=["p", "q"]) == 0
    names = [(c.side, c.name) for c in load(tmp_path / "r.json").columns]
    assert names == [("input", ""), *(("output", name) for name in ("(confidence)", "p", "q"))]


def test_an_output_that_takes_nothing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("a\n" + "1\n2\n" * 50)
    full = ["report", str(rows), str(rows), "-o", "/dev/full", "--format", "json"]
    assert main(full) == 2
    assert "outrider report: /dev/full: No space left on device" in capsys.readouterr().err
