"""Evidently's own decisions, in its environment: `python -m bench.drift.package_evidently`.

The test that its presets choose for each column, called as they call it: without missing values.
"""

from __future__ import annotations

import json
from pathlib import Path

import evidently
import pandas as pd
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType

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


if __name__ == "__main__":
    asked.answer({"Evidently": evidently.__version__}, {"judge": judge})
