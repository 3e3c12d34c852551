"""Evidently's own decisions, in its environment: `python -m bench.drift.package_evidently`.

`judge`: the test that its presets choose for each column, called as they call it: without missing
values. `preset`: its preset for drift itself, with the kinds that it sees in the columns.
"""

from __future__ import annotations

import json
from pathlib import Path

import evidently
import pandas as pd
from evidently import Dataset, Report
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType
from evidently.presets import DataDriftPreset

from bench import asked


def judge(file: str) -> dict[str, list[bool]]:
    """By column, whether each window drifts."""
    given = json.loads(Path(file).read_text())
    found: dict[str, list[bool]] = {}
    for name, rows in given["reference"].items():
        reference = pd.Series(rows).dropna()
        number = pd.api.types.is_numeric_dtype(reference)
        kind = ColumnType.Numerical if number else ColumnType.Categorical
        for window in given["windows"]:
            current = pd.Series(window[name]).dropna()
            test = get_stattest(reference, current, kind, None)
            drifted = test(reference, current, kind, None).drifted
            found.setdefault(name, []).append(bool(drifted))
    return found


def preset(file: str) -> dict[str, list[bool]]:
    """By column, whether the report calls each window drifted."""
    given = json.loads(Path(file).read_text())
    reference = Dataset.from_pandas(pd.DataFrame(given["reference"]))
    found: dict[str, list[bool]] = {name: [] for name in given["reference"]}
    for window in given["windows"]:
        current = Dataset.from_pandas(pd.DataFrame(window))
        report = Report([DataDriftPreset()]).run(current, reference)
        for metric in report.dict()["metrics"]:
            config, value = metric["config"], metric["value"]
            if config["type"].endswith(":ValueDrift"):
                limit, is_p = config["threshold"], config["method"].endswith("p_value")
                found[config["column"]].append(bool(value < limit if is_p else value >= limit))
    return found


if __name__ == "__main__":
    asked.answer({"Evidently": evidently.__version__}, {"judge": judge, "preset": preset})
