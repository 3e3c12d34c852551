"""Real series that ship in packages, read there: `python -m bench.drift.histories`, in nannyml's
environment or popmon's.

A history is rows before (`reference`) and after (`analysis`), in order, as columns of plain values;
`outputs` are those that a model answered; `at`, not a column, when each row was, where known.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import asked

Frames = tuple[pd.DataFrame, pd.DataFrame]


def plain(rows: pd.DataFrame, outputs: list[str], at: str | None) -> dict[str, Any]:
    """Columns of JSON's values, None where one is missing."""
    times = None
    if at is not None:
        times = [time.isoformat() + "Z" for time in pd.to_datetime(rows.pop(at))]
    columns = {
        name: [None if missing else value for value, missing in zip(each, lost, strict=True)]
        for name, each, lost in (
            (name, rows[name].tolist(), rows[name].isna().tolist()) for name in rows.columns
        )
    }
    return {
        "inputs": {name: each for name, each in columns.items() if name not in outputs},
        "outputs": {name: columns[name] for name in outputs},
        "at": times,
    }


def nannyml(load: str, outputs: list[str], at: str | None, without: list[str]) -> Frames:
    """One of NannyML's own, with what its model predicted."""
    from nannyml import datasets

    reference, analysis, _ = getattr(datasets, load)()
    kept = [name for name in analysis.columns if name not in without]
    return reference[kept].copy(), analysis[kept].copy()


def flights() -> Frames:
    """Flights of 2015 in the USA, by day, the first half-year and the second.

    The model is ours: air time by distance and airline, least squares over the first half-year.
    """
    from popmon import resources

    def read(name: str) -> pd.DataFrame:
        rows = pd.read_csv(resources.data(name), index_col=0, parse_dates=["DATE"])
        return rows.sort_values("DATE", kind="stable")

    before, after = read("flight_delays_reference.csv.gz"), read("flight_delays.csv.gz")
    airlines = sorted(before["AIRLINE"].unique())

    def features(rows: pd.DataFrame) -> Any:
        ones = [(rows["AIRLINE"] == name).to_numpy(float) for name in airlines]
        return np.column_stack([rows["DISTANCE"].to_numpy(float), np.ones(len(rows)), *ones])

    flown = before[before["AIR_TIME"].notna()]
    weights, *_ = np.linalg.lstsq(features(flown), flown["AIR_TIME"].to_numpy(float), rcond=None)
    for rows in (before, after):
        rows["expected_air_time"] = (features(rows) @ weights).round(1)
    return before, after


def _predicted(before: pd.DataFrame, after: pd.DataFrame, target: str, model: Any) -> Frames:
    """Both with the answers of a model that was fitted before."""
    model.fit(before.drop(columns=target), before[target])
    made = []
    for rows in (before, after):
        inputs = rows.drop(columns=target)
        made.append(inputs.assign(prediction=np.asarray(model.predict(inputs)).tolist()))
    return made[0], made[1]


def diabetes() -> Frames:
    """Patients of one sex; then 100 more of it, and those of the other."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LinearRegression

    rows = load_diabetes(as_frame=True, scaled=False).frame
    one, other = (rows[rows["sex"] == sex].drop(columns="sex") for sex in (1, 2))
    before, after = one[:-100], pd.concat([one[-100:], other])
    first, second = _predicted(before, after, "target", LinearRegression())
    return first, second.round(6)


def breast_cancer() -> Frames:
    """Tumours by lot, 250; then 100 more, then benign ones only."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = load_breast_cancer(as_frame=True).frame.sample(frac=1, random_state=0)
    before, next_, rest = rows[:250], rows[250:350], rows[350:]
    after = pd.concat([next_, rest[rest["target"] == 1]])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return _predicted(before, after, "target", model)


def digits() -> Frames:
    """Hand-written digits in the file's order, writer after writer: 900, then the rest."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression

    rows = load_digits(as_frame=True).frame
    return _predicted(rows[:900], rows[900:], "target", LogisticRegression(max_iter=3000))


OWN: dict[str, tuple[Callable[[], Frames], list[str], str | None]] = {
    "flights": (flights, ["expected_air_time"], "DATE"),
    "diabetes": (diabetes, ["prediction"], None),
    "breast_cancer": (breast_cancer, ["prediction"], None),
    "digits": (digits, ["prediction"], None),
}


def load(name: str, file: str, **how: Any) -> dict[str, int]:
    """Writes a history into the file; gives its rows. `how`: of one of NannyML's."""
    if name in OWN:
        read, outputs, at = OWN[name]
        frames = read()
    else:
        outputs, at = how["outputs"], how["at"]
        frames = nannyml(name, **how)
    parts = [plain(frame.reset_index(drop=True), outputs, at) for frame in frames]
    Path(file).write_text(json.dumps(dict(zip(("reference", "analysis"), parts, strict=True))))
    return {"reference": len(frames[0]), "analysis": len(frames[1])}


def versions() -> dict[str, str]:
    """Of what data come from, as far as it is in this environment."""
    known = {one.metadata["Name"].lower() for one in importlib.metadata.distributions()}
    names = {"nannyml": "NannyML", "scikit-learn": "scikit-learn", "popmon": "popmon"}
    return {names[n]: importlib.metadata.version(n) for n in names if n in known}


if __name__ == "__main__":
    asked.answer(versions(), {"load": load})
