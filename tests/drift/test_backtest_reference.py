"""What a history is held against: a reference that fits, or its own beginning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from agent.cli import main
from agent.drift.learning.build import build_profile
from agent.drift.reference.profile import save
from agent.drift.rows.table import Batch

BEGAN = 1_772_323_200.0  # 2026-03-01T00:00:00Z
DAY = 86400.0


def written(path: Path, columns: dict[str, np.ndarray | list]) -> str:
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path)
    return str(path)


def cycling(days: int, every: float = 60.0) -> dict[str, np.ndarray]:
    """A column that follows the hour of day by half a standard deviation, with times."""
    rng = np.random.default_rng(8)
    at = BEGAN + np.arange(0, days * DAY, every)
    daily = 0.5 * np.sin(2 * np.pi * at / DAY)
    return {"at": (at * 1e3).astype("datetime64[ms]"), "a": rng.normal(daily, 1.0)}


def told(capsys: pytest.CaptureFixture[str]) -> tuple[dict, str]:
    """The summary, and standard error."""
    said = capsys.readouterr()
    return json.loads(said.out.splitlines()[-1]), said.err


def profile_of(path: Path, columns: dict[str, list], **more) -> str:
    rows = len(next(iter(columns.values())))
    save(build_profile(lambda: iter([Batch(columns, rows)]), **more), path)
    return str(path)


def backtest(*args: str) -> int:
    return main(["drift", "backtest", *args])


def test_a_reference_until_a_time_knows_the_weeks_own_variation(tmp_path, capsys):
    data = written(tmp_path / "rows.parquet", cycling(days=10))
    args = [data, "--timestamp", "at", "--interval", "1h", "--json"]
    assert backtest(*args, "--reference-until", "2026-03-08T00:00Z") == 0
    summary, err = told(capsys)
    assert summary["rows"] + summary["rows_not_judged"] == 3 * 1440
    assert summary["began"] == BEGAN + 7 * DAY
    assert summary["alarms"] == 0
    assert "hour of day" not in err

    assert backtest(*args, "--reference-until", "2026-03-03") == 0
    summary, err = told(capsys)
    assert summary["alarms"] > 0
    assert "natural variation is not known: it takes rows of 7 days, these cover 2.0 days" in err
    assert any("cover 2.0 days" in caveat for caveat in summary["caveats"])


def test_a_reference_of_rows_knows_it_too_if_they_have_times(tmp_path, capsys):
    data = written(tmp_path / "rows.parquet", cycling(days=9))
    args = ["--timestamp", "at", "--reference-rows", str(7 * 1440), "--interval", "1h", "--json"]
    assert backtest(data, *args) == 0
    summary, _ = told(capsys)
    assert summary["alarms"] == 0
    assert not any("hour" in caveat for caveat in summary["caveats"])


def test_an_old_rule_promises_nothing(tmp_path, capsys):
    data = written(tmp_path / "rows.parquet", cycling(days=2))
    args = ["--timestamp", "at", "--reference-rows", "500", "--interval", "1h", "--mode", "psi"]
    assert backtest(data, *args) == 0
    out = capsys.readouterr().out
    assert "The rule psi knows no budget" in out
    assert "allows" not in out
    assert backtest(data, *args, "--json") == 0
    assert told(capsys)[0]["allowed"] is None


def test_settings_say_whether_natural_variation_is_allowed_for(tmp_path, capsys):
    data = written(tmp_path / "rows.parquet", cycling(days=9))
    config = tmp_path / "outrider.yaml"
    config.write_text("drift: {natural_variation: off, window: {seconds: 1h}}\n")
    args = [data, "--timestamp", "at", "--reference-until", "2026-03-08", "--json"]
    assert backtest(*args, "--config", str(config)) == 0
    summary, _ = told(capsys)
    assert summary["alarms"] > 0


def test_dates_without_times_of_day_are_told_of_longer_windows(tmp_path, capsys):
    days = cycling(days=20)
    days["at"] = days["at"].astype("datetime64[D]")
    data = written(tmp_path / "rows.parquet", days)
    args = [data, "--timestamp", "at", "--reference-until", "2026-03-11"]
    assert backtest(*args) == 0
    said = capsys.readouterr()
    assert "try a longer --interval, such as 1d" in said.err
    assert "it takes rows of 32 times or more" in said.err
    assert "of which windows cover" in said.out
    assert backtest(*args, "--interval", "1d", "--window", "10000") == 0
    assert "--interval" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--reference-until", "2026-03-02"], "--reference-until needs --timestamp"),
        (["--reference-until", "then", "--timestamp", "at"], "wanted ISO 8601"),
        (["--reference-until", "2026-02-01", "--timestamp", "at"], "no row is before 2026-02-01"),
        (["--reference-until", "2027-01-01", "--timestamp", "at"], "all 1440 rows"),
        (["--reference-rows", "99999"], "all 1440 rows"),
        (["--reference-rows", "0"], "--reference-rows"),
        (["--mode", "guess", "--reference-rows", "100"], "--mode: 'guess': wanted evidence, psi,"),
    ],
)
def test_a_beginning_that_cannot_be_is_refused(args, said, tmp_path, capsys):
    data = written(tmp_path / "rows.parquet", cycling(days=1))
    assert backtest(data, *args) == 2
    assert said in capsys.readouterr().err


def test_a_reference_of_other_columns_is_refused_with_both_names(tmp_path, capsys):
    reference = profile_of(tmp_path / "other.json", {"age": [1.0, 2.0] * 50, "income": [3.0] * 100})
    data = written(tmp_path / "rows.parquet", cycling(days=1))
    assert backtest(data, "--timestamp", "at", "--reference", reference) == 2
    err = capsys.readouterr().err
    assert "has none of the reference's columns" in err
    assert "age, income" in err
    assert "there are: a;" in err


def test_columns_without_a_match_are_named(tmp_path, capsys):
    columns = {"a": list(np.linspace(-3, 3, 200)), "age": [1.0, 2.0] * 100, "old": [1.0] * 200}
    reference = profile_of(tmp_path / "reference.json", columns)
    path = tmp_path / "rows.jsonl"
    lines = [{"a": 1.0, "id": i} | ({"age": 1} if i > 5000 else {}) for i in range(6000)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert backtest(str(path), "--reference", reference) == 0
    err = capsys.readouterr().err
    assert "never in the data, so not judged: old\n" in err
    assert "not in all of the data, missing where it is not: age\n" in err
    assert "not in the reference, so not judged: id\n" in err


def test_a_confidence_is_no_column_that_is_missed(tmp_path, capsys):
    rng = np.random.default_rng(1)
    p = rng.uniform(size=3000).round(6)
    columns = {"a": rng.normal(size=3000).tolist(), "p": p.tolist(), "q": (1 - p).tolist()}
    reference = profile_of(tmp_path / "reference.json", columns, outputs=["p", "q"])
    data = written(tmp_path / "rows.parquet", columns)
    assert backtest(data, "--reference", reference) == 0
    assert "(confidence)" not in capsys.readouterr().err
