"""whylogs' side of the question of rows, in its own environment: `python -m bench.rows_whylogs`.

It is given rows that are parsed already, and data frames that are made already.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import whylogs
from whylogs.core import DatasetProfile

from bench import asked, rows_made


@cache
def inputs(file: str, rows: int) -> list[Any]:
    """What `track` is called with: each row, or a frame of so many rows at a time."""
    found = rows_made.parsed(file)
    if rows == 1:
        return list(found)
    return [pd.DataFrame(found[n : n + rows]) for n in range(0, len(found), rows)]


PROFILES: dict[tuple[str, int], DatasetProfile] = {}


def run(file: str, rows: int) -> float:
    """CPU seconds of tracking all rows of the file in a profile that has seen some before."""
    given = inputs(file, rows)
    if (file, rows) not in PROFILES:
        PROFILES[file, rows] = DatasetProfile()
        run(file, rows)
    track = PROFILES[file, rows].track
    with asked.Clock() as clock:
        for one in given:
            track(one)
    return clock.seconds


def seen(file: str, rows: int) -> rows_made.Seen:
    """What a fresh profile says of the same rows."""
    profile = DatasetProfile()
    for one in inputs(file, rows):
        profile.track(one)
    columns = {}
    for name, view in profile.view().get_columns().items():
        told = view.to_summary_dict()
        texts = {
            item.value: int(item.est) for item in told.get("frequent_items/frequent_strings", ())
        }
        if told["types/string"]:
            columns[name] = [told["types/string"], texts]
        else:
            count = told["distribution/n"]
            columns[name] = [count, told["distribution/mean"] * count]
    return columns


if __name__ == "__main__":
    versions = {"whylogs": whylogs.__version__, "pandas": pd.__version__}
    asked.answer(versions, {"run": run, "seen": seen})
