"""The columns that drift is evaluated on: 16 of numbers, 4 of categories.

Rule: what both sides read is a JSON object that maps names to values; `SHIFTED` columns differ
from the reference in the file that is called so, and no other does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 50_000
CATEGORIES = (3, 5, 12, 20)
SHIFTED = ("normal-1", "lognormal-1", "count-1", "zeros-1", "category-1")
"""By half a standard deviation, or a fifth more of one category."""
Columns = dict[str, list[Any]]


def columns(seed: int, *, shifted: bool = False, rows: int = ROWS) -> Columns:
    """As many rows; the same for the same seed."""
    random = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for n in range(4):
        found[f"normal-{n}"] = random.normal(50, 10, rows)
        found[f"lognormal-{n}"] = random.lognormal(0, 1, rows)
        found[f"count-{n}"] = random.poisson(3, rows)
        found[f"zeros-{n}"] = np.where(random.random(rows) < 0.6, 0.0, random.normal(size=rows))
        found[f"category-{n}"] = random.integers(0, CATEGORIES[n], rows)
    if shifted:
        for name in SHIFTED[:-1]:
            found[name] = found[name] + 0.5 * found[name].std()
        found["count-1"] = found["count-1"].round()
        moved = random.random(rows) < 0.2
        found["category-1"] = np.where(moved, 0, found["category-1"])
    named = {name: values.tolist() for name, values in found.items()}
    for n in range(4):
        named[f"category-{n}"] = [f"c{value}" for value in named[f"category-{n}"]]
    return named


def write(folder: Path) -> dict[str, str]:
    """Files by what they hold: the reference, `same` and `shifted`."""
    made = {
        "reference": columns(1),
        "same": columns(2),
        "shifted": columns(3, shifted=True),
    }
    files = {name: folder / f"{name}.json" for name in made}
    for name, file in files.items():
        file.write_text(json.dumps(made[name]))
    return {name: str(file) for name, file in files.items()}
