"""Confidence as a column, and the accuracy that it lets expect without labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agent.decode.payload import Columns, Payload
from agent.drift.derived.confidence import (
    Classifier,
    classes_of,
    classifier_of,
    confidences,
    performance,
    probabilities,
)
from agent.drift.learning.build import build_profile
from agent.drift.monitor import Monitor, References
from agent.drift.reference.derived import CONFIDENCE, Calibration
from agent.drift.reference.profile import load, save
from agent.drift.rows.table import Batch, TableError
from agent.drift.settings import Settings
from tests.drift.test_monitor import send

ROWS = 1000


def classified(rng: np.random.Generator, rows: int, *, hard: float = 0.0) -> Columns:
    """Three classes by a score; the model is overconfident. `hard`: more rows near the border."""
    x = rng.normal(size=(rows, 3)) * (1 - hard)
    real = np.exp(2 * x)
    real /= real.sum(1, keepdims=True)
    chosen = (rng.random(rows)[:, None] > real.cumsum(1)).sum(1)
    shown = np.exp(4 * x)
    shown /= shown.sum(1, keepdims=True)
    columns: Columns = {f"x{i}": x[:, i].tolist() for i in range(3)}
    columns |= {f"p{i}": shown[:, i].round(3).tolist() for i in range(3)}
    return {**columns, "label": [["ape", "bee", "cat"][i] for i in chosen]}


OUTPUTS = ("p0", "p1", "p2")


def built(columns: Columns, **how: object):
    rows = len(next(iter(columns.values())))
    parts = [
        Batch({name: values[i : i + 700] for name, values in columns.items()}, min(700, rows - i))
        for i in range(0, rows, 700)
    ]
    return build_profile(lambda: iter(parts), outputs=OUTPUTS, **how)


class Site:
    def __init__(self, profile) -> None:
        self.rng = np.random.default_rng(9)
        self.now = 0.0
        self.monitor = Monitor(
            Settings(window_rows=ROWS), References(profile), clock=lambda: self.now
        )

    def window(self, **how: float) -> tuple[dict[str, object], float]:
        """The model's status, and the accuracy that it really had."""
        self.now += 300
        rows = classified(self.rng, ROWS, **how)
        inputs = {name: rows[name] for name in ("x0", "x1", "x2")}
        outputs = {name: rows[name] for name in OUTPUTS}
        send(self.monitor, inputs, outputs)
        hit = np.array([rows[name] for name in OUTPUTS]).argmax(0)
        real = np.mean(
            [["ape", "bee", "cat"][i] == label for i, label in zip(hit, rows["label"], strict=True)]
        )
        return json.loads(json.dumps(self.monitor.status()))["models"][0], float(real)


@pytest.fixture(scope="module")
def profile():
    return built(classified(np.random.default_rng(0), 20_000), target="label")


def test_a_target_calibrates_the_confidence(profile, tmp_path):
    columns = {c.name: c for c in profile.columns}
    assert columns[CONFIDENCE].side == "output"
    assert "label" not in columns
    calibration = profile.derived.calibration
    assert calibration.outputs == ["p0", "p1", "p2"]
    assert sum(calibration.rows) == 20_000
    right, said = sum(calibration.right), sum(calibration.sums)
    assert right < 0.9 * said  # it is overconfident
    save(profile, tmp_path / "p.json")
    assert load(tmp_path / "p.json") == profile


def test_the_accuracy_is_estimated_without_labels(profile):
    site = Site(profile)
    for hard in (0.0, 0.5):
        estimates, reals = [], []
        for _ in range(10):
            status, real = site.window(hard=hard)
            found = status["performance"]
            assert found["low"] <= found["accuracy"] <= found["high"]
            assert found["is_calibrated"]
            estimates.append(found["accuracy"])
            reals.append(real)
        assert np.mean(estimates) == pytest.approx(np.mean(reals), abs=0.03)
    assert status["performance"]["high"] < status["performance"]["reference"]
    states = {c["name"]: c["state"] for c in status["columns"]}
    assert states[CONFIDENCE] == "drift"


def test_without_a_target_it_is_said_to_be_uncalibrated():
    site = Site(built(classified(np.random.default_rng(1), 5000), inputs=["x0", "x1", "x2"]))
    status, real = site.window()
    assert not status["performance"]["is_calibrated"]
    assert status["performance"]["accuracy"] > real + 0.05
    assert {c["name"]: c["state"] for c in status["columns"]}[CONFIDENCE] == "stable"


def test_a_learned_reference_has_it_too():
    rng = np.random.default_rng(2)
    monitor = Monitor(Settings(learn_rows=2000, window_rows=ROWS), clock=lambda: 0.0)
    for _ in range(3):
        rows = classified(rng, ROWS)
        outputs = {name: rows[name] for name in OUTPUTS}
        monitor.add(Payload("m", "", "", {"x0": rows["x0"]}, outputs, ROWS, ROWS, 0))
    status = monitor.status()["models"][0]
    assert status["performance"]["rows"] == ROWS
    assert CONFIDENCE in {c["name"] for c in status["columns"]}


def test_one_output_of_two_classes(tmp_path):
    rng = np.random.default_rng(3)
    p = rng.random(4000)
    columns = {"x": p.tolist(), "p": p.tolist(), "y": (rng.random(4000) < p).astype(int).tolist()}
    batch = Batch(columns, 4000)
    found = build_profile(lambda: iter([batch]), outputs=("p",), target="y").derived
    assert sum(found.calibration.right) / 4000 == pytest.approx(0.75, abs=0.03)
    assert (
        build_profile(lambda: iter([batch]), outputs=("p",), inputs=["x"]).derived.calibration
        is None
    )


def test_a_target_of_other_classes_is_refused():
    rows = classified(np.random.default_rng(4), 500)
    with pytest.raises(TableError, match="--target x0: the outputs are no probabilities"):
        built(rows, target="x0")
    with pytest.raises(TableError, match="no column nothing"):
        built(rows, target="nothing")


def test_what_is_no_probability():
    assert probabilities({"a": [0.2, 0.3], "b": [0.8, 0.7]}, 2) == ["a", "b"]
    assert probabilities({"a": [0.2, 0.3], "b": [0.8, 0.9]}, 2) == []
    assert probabilities({"a": [0.2, 1.3], "b": [0.8, -0.3]}, 2) == []
    assert probabilities({"a": [1.0, 1.0]}, 2) == []
    assert probabilities({"a": [None, "x"], "b": [None, None]}, 2) == []
    assert probabilities({"a": [0.5], "b": [0.5, 0.5]}, 2) == []
    assert classifier_of({}, None, 0) is None


def test_a_row_that_lacks_a_probability_has_no_confidence():
    found = confidences([[0.2, None, 0.5], [0.8, 0.3, "nan"]])
    assert found[0] == 0.8
    assert np.isnan(found[1:]).all()
    assert Classifier(["a", "b"], None).confidence_of({"a": [0.5]}, 1) == ()


def test_classes_are_in_the_order_of_a_model():
    assert classes_of([10, 9, None, 2.0]) == ["2", "9", "10"]
    assert classes_of(["b", "a", "b"]) == ["a", "b"]
    assert classes_of([True, False]) == ["false", "true"]


def test_the_interval_holds_both_samples():
    few = performance(Calibration(["p"], [10, 10], [5.0, 9.0], [5, 9]), np.array([50, 50]))
    many = performance(
        Calibration(["p"], [10_000] * 2, [5e3, 9e3], [5000, 9000]), np.array([50, 50])
    )
    assert few is not None
    assert many is not None
    assert few.high - few.low > 2 * (many.high - many.low)
    assert performance(Calibration(["p"], [0], [0.0]), np.array([5])) is None
    assert performance(Calibration(["p"], [5], [2.0]), np.array([0])) is None
