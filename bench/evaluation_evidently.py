"""Evidently's side, in its own environment: `python -m bench.evaluation_evidently`.

Rows are in memory as its data sets over pandas' frames, with each column's kind said.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import evidently
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType
from evidently.presets import DataDriftPreset

from bench import asked


@cache
def frame(file: str) -> pd.DataFrame:
    """The rows."""
    return pd.DataFrame(json.loads(Path(file).read_text()))


@cache
def dataset(file: str) -> Dataset:
    """The rows with their columns' kinds."""
    rows = frame(file)
    numbers = list(rows.select_dtypes("number").columns)
    others = [name for name in rows.columns if name not in numbers]
    kinds = DataDefinition(numerical_columns=numbers, categorical_columns=others)
    return Dataset.from_pandas(rows, data_definition=kinds)


def run(reference_file: str, file: str) -> dict[str, Any]:
    """CPU seconds of the preset's report, and the columns that drift."""
    reference, current = dataset(reference_file), dataset(file)
    with asked.Clock() as clock:
        report = Report([DataDriftPreset()]).run(current, reference)
    drifted = []
    rows = {}
    for metric in report.dict()["metrics"]:
        config = metric["config"]
        if not config["type"].endswith(":ValueDrift"):
            continue
        rows[config["column"]] = len(frame(file))
        assert "distance" in config["method"], "a p value is compared the other way round"
        if metric["value"] >= config["threshold"]:
            drifted.append(config["column"])
    return {"seconds": clock.seconds, "rows": rows, "drift": sorted(drifted)}


def tests(reference_file: str, file: str) -> dict[str, Any]:
    """The same tests, column by column, called without the report around them."""
    reference, current = frame(reference_file), frame(file)
    drifted = []
    with asked.Clock() as clock:
        for name in current:
            number = pd.api.types.is_numeric_dtype(current[name])
            kind = ColumnType.Numerical if number else ColumnType.Categorical
            test = get_stattest(reference[name], current[name], kind, None)
            if test(reference[name], current[name], kind, None).drifted:
                drifted.append(name)
    rows = {name: len(current) for name in current}
    return {"seconds": clock.seconds, "rows": rows, "drift": sorted(drifted)}


if __name__ == "__main__":
    versions = {"Evidently": evidently.__version__, "pandas": pd.__version__}
    asked.answer(versions, {"run": run, "tests": tests})
