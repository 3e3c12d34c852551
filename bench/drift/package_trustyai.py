"""TrustyAI's own decisions, in its environment: `python -m bench.drift.package_trustyai`.

Its mean shift at p < 0.05, which is Java behind Python; it judges columns of numbers only.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trustyai import initializer, version

initializer.init()

from java.util import ArrayList  # noqa: E402
from org.kie.trustyai.explainability.model import FeatureFactory, PredictionInput  # noqa: E402
from org.kie.trustyai.explainability.model.dataframe import Dataframe  # noqa: E402
from org.kie.trustyai.metrics.drift.meanshift import Meanshift  # noqa: E402

from bench import asked  # noqa: E402


def frame(name: str, values: list[float | None]) -> Any:
    """The present values as a data frame of one column."""
    rows = ArrayList()
    for value in values:
        if value is not None:
            features = ArrayList()
            features.add(FeatureFactory.newNumericalFeature(name, float(value)))
            rows.add(PredictionInput(features))
    return Dataframe.createFromInputs(rows)


def judge(file: str) -> dict[str, list[bool]]:
    """By column of numbers, whether each window is rejected."""
    given = json.loads(Path(file).read_text())
    found = {}
    for name, rows in given["reference"].items():
        if any(isinstance(value, str) for value in rows):
            continue
        test = Meanshift(frame(name, rows))
        said = [test.calculate(frame(name, one[name]), 0.05) for one in given["windows"]]
        found[name] = [bool(one.get(name).isReject()) for one in said]
    return found


if __name__ == "__main__":
    asked.answer({"TrustyAI": version.__version__}, {"judge": judge})
