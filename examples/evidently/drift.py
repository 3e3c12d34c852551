"""Evidently's own verdict on rows that passed the sidecar: the first half of them against the rest.

    python drift.py records.jsonl evidently.html

Evidently chooses the test of each column by its kind and the number of rows, as it does anywhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

from evidently import Dataset, Report
from evidently.presets import DataDriftPreset
from rows import frame


def main(records: str, page: str) -> None:
    """Prints the columns that drift, and writes Evidently's page."""
    rows = frame(Path(records).read_text().splitlines())
    half = len(rows) // 2
    result = Report([DataDriftPreset()]).run(
        Dataset.from_pandas(rows.iloc[half:]), Dataset.from_pandas(rows.iloc[:half])
    )
    result.save_html(page)
    print(f"{half} rows against {len(rows) - half}: {page}")
    for name, method, value, limit in verdicts(result.dict()):
        print(
            f"{'drift ' if drifts(method, value, limit) else 'stable'} {name}: {method} {value:.4g}"
        )


def verdicts(result: dict) -> list[tuple[str, str, float, float]]:
    """Of each column: its name, the test, what it gave and its threshold."""
    found = []
    for metric in result["metrics"]:
        config = metric["config"]
        if config["type"].endswith(":ValueDrift"):
            value, limit = float(metric["value"]), config["threshold"]
            found.append((config["column"], config["method"], value, limit))
    return found


def drifts(method: str, value: float, limit: float) -> bool:
    """A p-value drifts below its limit, a distance above."""
    return value < limit if "p_value" in method else value > limit


if __name__ == "__main__":
    main(*sys.argv[1:])
