"""NannyML's own decisions, in its environment: `python -m bench.drift.package_nannyml`.

Its univariate calculator with Jensen-Shannon, a chunk a window.
"""

from __future__ import annotations

import json
from pathlib import Path

import nannyml
import pandas as pd
from nannyml.drift.univariate import UnivariateDriftCalculator

from bench import asked


def judge(file: str) -> dict[str, list[bool]]:
    """By column, whether each window alerts."""
    given = json.loads(Path(file).read_text())
    reference = pd.DataFrame(given["reference"])
    windows = pd.concat([pd.DataFrame(one) for one in given["windows"]], ignore_index=True)
    calculator = UnivariateDriftCalculator(
        column_names=list(reference.columns),
        treat_as_categorical=list(reference.select_dtypes(exclude="number").columns),
        continuous_methods=["jensen_shannon"],
        categorical_methods=["jensen_shannon"],
        chunk_size=len(windows) // len(given["windows"]),
    )
    calculator.fit(reference)
    said = calculator.calculate(windows).filter(period="analysis").to_df()
    return {name: said[name]["jensen_shannon"]["alert"].tolist() for name in reference.columns}


if __name__ == "__main__":
    asked.answer({"NannyML": nannyml.__version__}, {"judge": judge})
