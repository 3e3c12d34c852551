"""`outrider profile show`: all that is known, in lines that a person can read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agent.cli import main
from agent.drift.learning.build import build_profile
from agent.drift.learning.natural_build import with_variation
from agent.drift.reference.profile import save
from agent.drift.rows.table import Batch
from tests.drift.test_detectable import passes_of

ROWS = 1200


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> str:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, size=ROWS)
    columns = {
        "age": age.tolist(),
        "income": [None if i % 50 == 0 else v for i, v in enumerate(rng.lognormal(10, 1, ROWS))],
        "region": rng.choice(["north", "south"], p=[0.7, 0.3], size=ROWS).tolist(),
        "ok": (rng.random(ROWS) < 0.2).tolist(),
        "mixed": ["x" if i % 200 == 0 else float(i) for i in range(ROWS)],
        "note": [f"a text {i}" for i in range(ROWS)],
        "score": (age + rng.normal(size=ROWS)).tolist(),
    }
    path = tmp_path_factory.mktemp("show") / "small.json"
    kinds = {"mixed": "numeric"}
    profile = build_profile(
        passes_of(Batch(columns, ROWS)), model="churn", version="7", outputs=["score"], kinds=kinds
    )
    save(profile, path)
    return str(path)


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> str:
    """500 columns, some with names that no line has room for."""
    rng = np.random.default_rng(1)
    columns = {f"c{i:03}": rng.normal(0, 10.0**i, size=200).tolist() for i in range(-150, 150)}
    columns |= {f"{'long' * 60}_{i}": rng.normal(size=200).tolist() for i in range(100)}
    columns |= {f"a\tb\x1b[31m{i}": rng.choice(["x" * 63, "y"], size=200) for i in range(100)}
    path = tmp_path_factory.mktemp("show") / "wide.json"
    save(build_profile(passes_of(Batch(columns, 200))), path)
    return str(path)


def shown(capsys, *arguments: str) -> list[str]:
    capsys.readouterr()
    assert main(["profile", "show", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def cells(lines: list[str], start: str) -> list[list[str]]:
    """The words of the lines that begin so."""
    return [line.split() for line in lines if line.strip().startswith(start)]


def test_people_see_columns_and_what_is_found(small, capsys):
    lines = shown(capsys, small)
    assert lines[0].startswith(f"{small}: churn 7, 1,200 rows, 7 columns, ")
    content, told = cells(lines, "age")
    assert content[:3] == ["age", "input", "numeric"]
    assert float(content[3]) > 0.95
    assert "18 to 89" in " ".join(content)
    assert (told[2], told[4], told[7]) == ("sd", "sd", "sd")
    assert float(told[1]) > float(told[3]) > float(told[6])
    assert float(told[5]) == pytest.approx(20.8 * float(told[3]), rel=0.05)  # in years
    assert "north 71.7%" in " ".join(cells(lines, "region")[0])
    assert "2.0%" in cells(lines, "income")[0]
    assert "0.5%" in cells(lines, "mixed")[0]
    assert "length: mean 10.07, sd 0.519, 8 to 11" in " ".join(cells(lines, "note")[0])
    assert cells(lines, "region")[1][:2] == ["region", "(north)"]
    assert "natural variation is not known" in "\n".join(lines)
    assert lines[-2] == "A lasting change of 0.05 sd (min_effect) cannot be told here:"
    assert lines[-1].startswith("7 columns from its own error; 0.1")
    assert lines[-1].endswith("rows; it has 1,200.")


def test_programs_see_the_same(small, capsys):
    (line,) = shown(capsys, small, "--json")
    found = json.loads(line)
    assert (found["model"], found["version"], found["rows"]) == ("churn", "7", ROWS)
    assert found["prediction"] == "score"
    assert found["judging"]["window_rows"] == 1000
    assert found["lack"]["columns"] == 7
    by = {column["name"]: column for column in found["columns"]}
    assert by["income"]["missing"] == 0.02
    assert by["age"]["detectable"]["day"]["windows"] == 256
    assert by["region"]["detectable"]["day"]["category"] == "north"
    assert by["ok"]["top"][0] == {"category": "false", "share": pytest.approx(0.8, abs=0.04)}


def test_the_budget_and_windows_may_be_said(small, capsys, tmp_path):
    def day(*arguments: str) -> float:
        found = json.loads(shown(capsys, small, "--json", *arguments)[0])
        return found["columns"][0]["detectable"]["day"]["shift_sd"]

    assert day("--false-alarms", "1 per 3650d") > day()
    assert day("--replicas", "1000") > day()
    assert day("--window", "60", "--interval", "1h") > day()
    assert day("--min-effect", "0.4") > 0.4
    config = tmp_path / "o.yaml"
    config.write_text("drift: {false_alarms: 1 per 3650d, window: {rows: 60, seconds: 1h}}\n")
    assert day("--config", str(config)) == day(
        "--false-alarms", "1 per 3650d", "--window", "60", "--interval", "1h"
    )
    lines = shown(
        capsys, small, "--window", "200", "--interval", "1m", "--false-alarms", "2 per 1d"
    )
    assert "60 false alarms in 30 days, in windows of 200 rows and 1m" in "\n".join(lines)


def test_five_hundred_columns_fit_in_a_hundred_characters(wide, capsys):
    lines = shown(capsys, wide)
    assert max(map(len, lines)) <= 100
    assert all(line.isprintable() for line in lines)
    assert len(cells(lines, "c0")) == 2 * 100
    assert len(lines) > 1000


def test_columns_are_chosen_and_sorted(wide, small, capsys):
    lines = shown(capsys, wide, "--columns", "c00*,c149")
    assert [row[0] for row in cells(lines, "c")][1:12] == [*(f"c{i:03}" for i in range(10)), "c149"]
    for order, first in (("correlation", "age"), ("missing", "income"), ("name", "age")):
        (line,) = shown(capsys, small, "--sort", order, "--json")
        assert json.loads(line)["columns"][0]["name"] == first
    (line,) = shown(capsys, small, "--sort", "shift", "--json")
    days = [column["detectable"]["day"] for column in json.loads(line)["columns"]]
    sizes = [day["shift_sd"] for day in days if day["shift_sd"]]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--columns", "age,agee"], "has no column agee"),
        (["--interval", "soon"], "--interval"),
        (["--interval", "off"], "--interval"),
        (["--window", "0"], "--window"),
        (["--false-alarms", "few"], "1 per 30d"),
        (["--min-effect", "-1"], "--min-effect"),
        (["--min-effect", "nan"], "--min-effect"),
        (["--config", "/nowhere.yaml"], "/nowhere.yaml"),
    ],
)
def test_what_is_wrong_is_said(small, capsys, arguments, says):
    assert main(["profile", "show", small, *arguments]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.out == ""


def test_natural_variation_and_its_period_are_told(tmp_path: Path, capsys):
    rng = np.random.default_rng(3)
    times = np.arange(0, 8 * 86400, 240.0)
    wave = np.sin(times / 86400 * 2 * np.pi)
    columns = {
        "t": times.tolist(),
        "daily": (rng.normal(size=len(times)) + wave).tolist(),
        "plain": rng.normal(size=len(times)).tolist(),
    }
    passes = passes_of(Batch(columns, len(times)))
    path = tmp_path / "r.json"
    save(with_variation(build_profile(passes, timestamp="t"), passes(), "t"), path)
    lines = shown(capsys, str(path))
    assert "  of 8.0 days from 1970-01-01 00:00 UTC" in lines
    assert "slots of 5m, 1.1 weeks; 1 column varies, 1 with the hour of day" in "\n".join(lines)
    found = json.loads(shown(capsys, str(path), "--json")[0])
    assert {c["name"]: c["daily"] for c in found["columns"]} == {"daily": True, "plain": False}
