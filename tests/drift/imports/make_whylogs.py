"""Makes `made/whylogs.bin` and `made/whylogs.json`, what whylogs itself says of it.

Run in an environment that has whylogs (`bench/constraints/whylogs.txt` makes one):
`python tests/drift/imports/make_whylogs.py`. Both files are kept, so that tests need no whylogs.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import whylogs

FOLDER = Path(__file__).parent / "made"
ROWS = 3000


def frame() -> pd.DataFrame:
    """Columns of every kind that whylogs tells apart, ugly ones too."""
    chance = np.random.default_rng(1)
    normal = chance.normal(size=ROWS)
    return pd.DataFrame(
        {
            "normal": normal,
            "holes": np.where(chance.random(ROWS) < 0.1, np.nan, chance.lognormal(size=ROWS)),
            "infinite": np.where(np.arange(ROWS) < 5, np.inf, normal),
            "few": chance.integers(0, 5, ROWS),
            "constant": np.full(ROWS, 7.5),
            "flag": chance.random(ROWS) < 0.3,
            "colour": chance.choice(["red", "green", "blå"], ROWS, p=[0.7, 0.2, 0.1]),
            "holey colour": pd.Series(
                np.where(chance.random(ROWS) < 0.2, None, "red"), dtype=object
            ),
            "id": [f"id{i}" for i in range(ROWS)],
            "one value": pd.Series([3.0, *[None] * (ROWS - 1)], dtype=object),
            "empty": pd.Series([None] * ROWS, dtype=object),
            "mixed": pd.Series([1.0, "x"] * (ROWS // 2), dtype=object),
        }
    )


def main() -> None:
    """Writes both."""
    view = whylogs.log(frame()).view()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "whylogs.bin").write_bytes(view.serialize())
    said = {}
    for name, column in view.get_columns().items():
        told = column.to_summary_dict()
        items = told.pop("frequent_items/frequent_strings", ())
        told["frequent"] = {item.value: item.lower for item in items}
        said[name] = told
    text = json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False, default=float)
    (FOLDER / "whylogs.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
