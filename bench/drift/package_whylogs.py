"""whylogs' own decisions, in its environment: `python -m bench.drift.package_whylogs`.

Its drift scores of two profiles, DRIFT being its word for p < 0.05.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import whylogs
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

from bench import asked


def judge(file: str) -> dict[str, list[bool]]:
    """By column, whether each window is in the category DRIFT."""
    given = json.loads(Path(file).read_text())
    reference = whylogs.log(pd.DataFrame(given["reference"])).view()
    found: dict[str, list[bool]] = {}
    for window in given["windows"]:
        target = whylogs.log(pd.DataFrame(window)).view()
        scores = calculate_drift_scores(target, reference, with_thresholds=True)
        for name, score in scores.items():
            found.setdefault(name, []).append(score["drift_category"] == "DRIFT")
    return found


if __name__ == "__main__":
    asked.answer({"whylogs": whylogs.__version__}, {"judge": judge})
