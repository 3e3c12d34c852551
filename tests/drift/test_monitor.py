"""The monitor over real rows: learns, judges, notices columns that come and go, stays bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sklearn.datasets import load_diabetes, load_wine

from agent.decode.payload import Columns, Payload
from agent.drift.collector import DriftCollector
from agent.drift.engine.classic import Rule
from agent.drift.learning.build import build_profile
from agent.drift.monitor import Monitor, References
from agent.drift.reference.profile import Profile, save
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings
from agent.drift.state.sources import load_references
from agent.drift.traffic.versions import MAX_LEARNING, MAX_MODELS


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def payload(
    inputs: Columns, outputs: Columns | None = None, model: str = "m", version: str = ""
) -> Payload:
    rows = max(map(len, inputs.values()), default=0)
    out = outputs or {}
    return Payload(model, version, "", inputs, out, rows, max(map(len, out.values()), default=0), 0)


def send(monitor: Monitor, inputs: Columns, outputs: Columns | None = None) -> None:
    """Each row in a request of its own; a side may have fewer."""
    for i in range(max(map(len, [*inputs.values(), *(outputs or {}).values()]))):
        sides = [
            {name: values[i : i + 1] for name, values in side.items() if i < len(values)}
            for side in (inputs, outputs or {})
        ]
        monitor.add(payload(*sides))


def reference(columns: Columns, outputs: tuple[str, ...] = (), model: str = "") -> Profile:
    rows = len(next(iter(columns.values())))
    return build_profile(lambda: iter([Batch(columns, rows)]), model=model, outputs=outputs)


def states(monitor: Monitor, model: int = 0) -> dict[str, str]:
    status = json.loads(json.dumps(monitor.status()))
    return {c["name"]: c["state"] for c in status["models"][model]["columns"]}


@pytest.fixture
def wine() -> dict[str, np.ndarray]:
    data = load_wine()
    return {name: data.data[:, i] for i, name in enumerate(data.feature_names)}


def drawn(data: dict[str, np.ndarray], rng: np.random.Generator, rows: int) -> Columns:
    """Whole rows of a real data set, drawn with replacement."""
    places = rng.integers(0, len(next(iter(data.values()))), size=rows)
    return {name: values[places].tolist() for name, values in data.items()}


def test_a_real_data_set_that_drifts_half_way(wine):
    clock = Clock()
    rng = np.random.default_rng(0)
    monitor = Monitor(Settings(learn_rows=5000), clock=clock)
    for _ in range(100):
        send(monitor, drawn(wine, rng, 50))
    assert monitor.models["m", ""].phase == "watching"
    for window in range(10):
        for _ in range(20):
            clock.now += 5
            send(monitor, drawn(wine, rng, 50))
        assert set(states(monitor).values()) == {"stable"}, window
    monitor.take_changes()

    began = clock.now
    for _ in range(20):
        clock.now += 5
        rows = drawn(wine, rng, 50)
        rows["alcohol"] = [value * 1.04 for value in rows["alcohol"]]
        rows["hue"] = [None if i % 4 == 0 else v for i, v in enumerate(rows["hue"])]
        send(monitor, rows)
    drifting = {name for name, state in states(monitor).items() if state == "drift"}
    assert drifting == {"alcohol", "hue"}
    assert {(c.column, c.before, c.after, c.since) for c in monitor.take_changes()} == {
        (name, "stable", "drift", began) for name in drifting
    }
    status = monitor.status()["models"][0]
    assert status["state"] == "drift"
    hue = next(c for c in status["columns"] if c["name"] == "hue")
    assert hue["missing"] == pytest.approx(0.25, abs=0.02)
    assert hue["score"] > hue["threshold"]
    assert (hue["test"], hue["direction"]) == ("missing", "up")
    assert hue["moved"][0]["bin"] == "missing"

    for _ in range(20 * 5):  # four windows after it, and one that was mixed
        clock.now += 5
        send(monitor, drawn(wine, rng, 50))
    assert set(states(monitor).values()) == {"stable"}


def test_a_window_ends_by_time_and_is_charged_for_it():
    clock = Clock()
    rng = np.random.default_rng(1)
    monitor = Monitor(
        Settings(window_seconds=60), References(reference({"a": rng.normal(size=5000).tolist()})),
        clock=clock,
    )  # fmt: skip
    monitor.add(payload({"a": rng.normal(size=200).tolist()}))
    clock.now += 59
    monitor.tick()
    assert monitor.models["m", ""].windows == 0
    clock.now += 1
    monitor.tick()
    column = monitor.status()["models"][0]["columns"][0]
    assert (column["rows"], column["state"], column["since"]) == (200, "stable", 1000.0)
    assert column["level"] == pytest.approx(0.95 * 60 / (30 * 86400))
    clock.now += 60
    monitor.tick()
    column = monitor.status()["models"][0]["columns"][0]
    assert (column["rows"], column["state"], column["evaluated"]) == (200, "stable", 1060.0)
    clock.now -= 5000
    monitor.tick()
    assert monitor.models["m", ""].windows == 3


def test_columns_that_do_not_match_are_findings():
    rng = np.random.default_rng(2)
    data = {"a": rng.normal(size=5000).tolist(), "b": rng.normal(size=5000).tolist()}
    monitor = Monitor(Settings(), References(reference({**data, "target": data["a"]})))
    send(monitor, {"a": data["a"][:1000], "b": data["b"][:1000], "new": [1] * 1000})
    status = monitor.status()["models"][0]
    found = {c["name"]: (c["state"], c["finding"]) for c in status["columns"]}
    assert found["a"] == ("stable", "")
    assert found["target"][0] == "insufficient"
    assert "--outputs target" in found["target"][1]
    assert status["unexpected"] == [{"name": "new", "side": "input"}]

    send(monitor, {"a": data["a"][:1000]})
    found = {c["name"]: c for c in monitor.status()["models"][0]["columns"]}
    assert (found["b"]["state"], found["b"]["missing"]) == ("drift", 1.0)
    assert found["b"]["finding"] == "absent from the last window"
    assert found["a"]["state"] == "stable"


def test_a_column_that_is_not_judged_yet_has_the_same_keys():
    base = {"a": [float(i % 50) for i in range(1000)]}
    monitor = Monitor(Settings(window_rows=200), References(reference(base)))
    send(monitor, {"a": base["a"][:10]})
    before = monitor.status()["models"][0]["columns"][0]
    send(monitor, {"a": base["a"][:200]})
    after = monitor.status()["models"][0]["columns"][0]
    assert before["score"] is None
    assert after["score"] is not None
    assert before.keys() == after.keys()


def test_the_only_prediction_needs_no_equal_name():
    rng = np.random.default_rng(3)
    data = {"a": rng.normal(size=5000).tolist(), "price": rng.lognormal(size=5000).tolist()}
    monitor = Monitor(Settings(), References(reference(data, outputs=("price",))))
    send(monitor, {"a": data["a"][:1000]}, {"predictions": data["price"][:1000]})
    assert states(monitor) == {"a": "stable", "price": "stable"}
    send(monitor, {"a": data["a"][:1000]}, {"predictions": [99.0] * 1000})
    assert states(monitor) == {"a": "stable", "price": "drift"}


def test_answers_that_were_not_understood_do_not_look_like_missing_predictions():
    rng = np.random.default_rng(4)
    data = {"a": rng.normal(size=5000).tolist(), "y": rng.normal(size=5000).tolist()}
    monitor = Monitor(Settings(), References(reference(data, outputs=("y",))))
    monitor.add(payload({"a": data["a"][:500]}, {"y": data["y"][:500]}))
    monitor.add(payload({"a": data["a"][500:1000]}))
    columns = {c["name"]: c for c in monitor.status()["models"][0]["columns"]}
    assert (columns["a"]["rows"], columns["y"]["rows"], columns["y"]["missing"]) == (1000, 500, 0)


def test_a_learned_reference_is_kept_and_found_again(tmp_path: Path):
    diabetes = load_diabetes()
    names = diabetes.feature_names
    rows = {name: diabetes.data[:, i].tolist() for i, name in enumerate(names)}
    kept = tmp_path / "state"
    monitor = Monitor(Settings(learn_rows=400), state_dir=kept)
    monitor.add(payload(rows, model="../../etc/passwd"))
    assert monitor.models["../../etc/passwd", ""].phase == "watching"
    (file,) = kept.iterdir()
    again = Monitor(Settings(learn_rows=400), state_dir=kept)
    again.add(payload({"age": [0.0]}, model="../../etc/passwd"))
    found = again.models["../../etc/passwd", ""]
    assert found.source == "learned"
    assert found.reference == monitor.models["../../etc/passwd", ""].reference

    file.write_bytes(file.read_bytes()[:-40])
    anew = Monitor(Settings(learn_rows=400), state_dir=kept)
    anew.add(payload({"age": [0.0]}, model="../../etc/passwd"))
    assert anew.models["../../etc/passwd", ""].phase == "learning"
    assert "learned anew" in anew.refused[0].reason


def test_an_unwritable_state_dir_is_said_and_judging_goes_on(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("")
    monitor = Monitor(Settings(learn_rows=100), state_dir=file / "below")
    monitor.add(payload({"a": [1.0] * 100}))
    assert monitor.models["m", ""].phase == "watching"
    assert monitor.last_error


def test_refused_references_leave_the_model_unjudged_with_the_reason(tmp_path: Path):
    good = reference({"a": [1.0, 2.0] * 100}, model="iris")
    save(good, tmp_path / "iris.json")
    (tmp_path / "bad.json").write_text("{}")
    references = load_references(
        str(tmp_path / "iris.json"),
        {"house": str(tmp_path / "bad.json"), "car": str(tmp_path / "iris.json")},
    )
    assert [refusal.model for refusal in references.refused] == ["house", "car"]
    monitor = Monitor(Settings(), references)
    for model in ("iris", "house", "car", "other"):
        monitor.add(payload({"a": [1.0] * 10}, model=model))
    phases = {name.model: (m.phase, bool(m.reason)) for name, m in monitor.models.items()}
    assert phases == {
        "iris": ("watching", False),
        "house": ("unwatched", True),
        "car": ("unwatched", True),
        "other": ("unwatched", True),
    }
    assert "outrider_reference_refused 3.0" in scraped(monitor)
    nothing = Monitor(Settings(), load_references(str(tmp_path / "none.json"), {}))
    nothing.add(payload({"a": [1.0]}))
    assert nothing.models["m", ""].phase == "unwatched"


def test_models_and_columns_are_bounded():
    monitor = Monitor(Settings(learn_rows=None))
    for i in range(MAX_MODELS + 5):
        monitor.add(payload({"a": [1.0, 2.0]}, model=f"m{i}"))
    assert (len(monitor.models), monitor.rows_unseen) == (MAX_MODELS, 10)
    assert 'outrider_drift_unseen_rows_total{model="",reason="skipped"} 10.0' in scraped(monitor)
    monitor = Monitor(Settings())
    for i in range(MAX_LEARNING + 5):
        monitor.add(payload({"a": [1.0]}, model=f"m{i}"))
    assert (len(monitor.models), monitor.rows_unseen) == (MAX_LEARNING, 5)
    monitor = Monitor(Settings(learn_rows=3000))
    for i in range(3000):
        monitor.add(payload({f"c{i}": [1.0]}))
    assert len(monitor.models["m", ""].columns) == 1000


def scraped(monitor: Monitor, bin_columns: int = 50) -> str:
    registry = CollectorRegistry()
    registry.register(DriftCollector(monitor, bin_columns))
    return generate_latest(registry).decode()


def test_metrics_are_the_contracts(wine):
    rng = np.random.default_rng(5)
    base = {**drawn(wine, rng, 5000), "y": rng.integers(0, 3, size=5000).tolist()}
    monitor = Monitor(Settings(), References(reference(base, outputs=("y",))))
    assert "outrider_drift_detected{" not in scraped(monitor)
    rows = drawn(wine, rng, 1000)
    rows["alcohol"] = [v + 1 for v in rows["alcohol"]]
    send(monitor, rows, {"y": [0, 1, 2, None] * 250})
    text = scraped(monitor, bin_columns=1)
    families = {f.name: f for f in text_string_to_metric_families(text)}

    def value(family: str, sample: str, **labels: str) -> float:
        (found,) = (
            s.value
            for s in families[family].samples
            if s.name == sample and labels.items() <= s.labels.items()
        )
        return found

    for name in ("column_values", "column_missing", "column_bin", "reference_bin_ratio",
                 "drift_score", "drift_threshold", "drift_detected", "drift_effect", "drift_rows",
                 "drift_last_evaluation_timestamp_seconds", "prediction_value",
                 "reference_refused"):  # fmt: skip
        assert f"outrider_{name}" in families
    y = {"model": "m", "column": "y", "side": "output"}
    assert value("outrider_column_values", "outrider_column_values_total", **y) == 1000
    assert value("outrider_column_missing", "outrider_column_missing_total", **y) == 250
    alcohol = {"model": "m", "column": "alcohol", "side": "input"}
    assert value("outrider_drift_detected", "outrider_drift_detected", **alcohol) == 1
    score = value("outrider_drift_score", "outrider_drift_score", method="evidence", **alcohol)
    name = "outrider_drift_threshold"
    limit = value(name, name, method="evidence", **alcohol)
    assert score > limit
    bins = families["outrider_column_bin"].samples
    assert sum(s.value for s in bins) == 1000
    hashes = {s.labels["reference"] for s in bins}
    assert hashes == {monitor.models["m", ""].reference.short_hash}
    ratios = families["outrider_reference_bin_ratio"].samples
    assert sum(s.value for s in ratios) == pytest.approx(1)
    assert len(ratios) == len(bins)
    buckets = {s.labels["le"]: s.value for s in families["outrider_prediction_value"].samples
               if s.name.endswith("bucket")}  # fmt: skip
    assert buckets == {"0.0": 250, "1.0": 500, "2.0": 750, "+Inf": 750}
    assert value("outrider_prediction_value", "outrider_prediction_value_sum") == 750


cell = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
columns = st.dictionaries(st.sampled_from("abcd"), st.lists(cell, max_size=30), max_size=4)


@settings(max_examples=60)
@given(st.lists(st.tuples(columns, columns, st.floats(-100, 500)), max_size=20))
def test_any_traffic_has_a_status(traffic):
    clock = Clock()
    monitor = Monitor(Settings(window_rows=40, learn_rows=30), clock=clock)
    rows = 0
    for inputs, outputs, seconds in traffic:
        monitor.add(payload(inputs, outputs))
        rows += max(map(len, inputs.values()), default=0)
        clock.now += seconds
        monitor.tick()
        json.dumps(monitor.status())
        scraped(monitor)
    for model in monitor.models.values():
        if model.phase == "watching" and model.reference is not None:
            seen = {int(c.totals.sum()) for c in model.inputs.columns.values()}
            assert len(seen) <= 1
            learned = model.warmup.dropped + model.reference.rows
            assert all(learned + total == rows for total in seen)


def test_gauges_go_stale_with_their_traffic_and_come_back_with_it():
    clock, rng = Clock(), np.random.default_rng(8)
    base = {"a": rng.normal(size=5000).tolist(), "y": rng.normal(size=5000).tolist()}
    made = Settings(window_seconds=60)
    monitor = Monitor(made, References(reference(base, outputs=("y",))), clock=clock)

    def send(*, answers: bool) -> None:
        rows = rng.normal(size=1000).tolist()
        monitor.add(payload({"a": rows}, {"y": rows} if answers else {}))

    def shown() -> set[tuple[str, str]]:
        return {
            (sample.name.removeprefix("outrider_drift_"), sample.labels["column"])
            for family in text_string_to_metric_families(scraped(monitor))
            for sample in family.samples
            if "column" in sample.labels and "outrider_drift" in sample.name
        }

    def gauges(column: str) -> set[str]:
        return {name for name, of in shown() if of == column}

    every = {"score", "threshold", "detected", "effect", "rows",
             "last_evaluation_timestamp_seconds"}  # fmt: skip
    send(answers=True)
    assert gauges("a") == gauges("y") == every
    for _ in range(4):  # its answers cannot be read any more
        clock.now += 59
        send(answers=False)
    assert gauges("a") == every
    assert gauges("y") == {"last_evaluation_timestamp_seconds"}
    for _ in range(4):
        clock.now += 60
        monitor.tick()
    assert gauges("a") == {"last_evaluation_timestamp_seconds"}
    assert [c["stale"] for c in monitor.status()["models"][0]["columns"]] == [True, True]
    send(answers=True)
    assert gauges("a") == gauges("y") == every


def test_bins_are_shown_of_the_columns_furthest_beyond_their_threshold():
    rng = np.random.default_rng(9)
    base = {name: rng.normal(size=5000).tolist() for name in "abcd"}
    monitor = Monitor(Settings(), References(reference(base)))
    for _ in range(2):
        shifts = {"a": 0.0, "b": 0.5, "c": 0.0, "d": 2.0}
        monitor.add(payload({n: (rng.normal(size=1000) + s).tolist() for n, s in shifts.items()}))
    families = {f.name: f for f in text_string_to_metric_families(scraped(monitor, 2))}
    assert {s.labels["column"] for s in families["outrider_column_bin"].samples} == {"b", "d"}
    scores = families["outrider_drift_score"].samples
    assert {s.labels["method"] for s in scores} == {"evidence", "psi"}


@pytest.mark.parametrize("rule", get_args(Rule))
def test_an_old_rule_judges_each_window_by_itself(rule):
    rng = np.random.default_rng(9)
    base = {"a": rng.normal(size=5000).tolist(), "b": ["x", "y"] * 2500}
    monitor = Monitor(Settings(mode=rule), References(reference(base)))

    def states(shift, share):
        rows = int(1000 * share)
        texts = ["x"] * rows + ["y"] * (1000 - rows)
        monitor.add(payload({"a": (rng.normal(size=1000) + shift).tolist(), "b": texts}))
        return [column["state"] for column in monitor.status()["models"][0]["columns"]]

    assert states(0, 0.5) == ["stable", "stable"]
    assert states(1, 0.8) == ["drift", "drift"]
    families = {f.name: f for f in text_string_to_metric_families(scraped(monitor, 2))}
    scores, thresholds = (
        {s.labels["column"]: s.value for s in families[name].samples if s.labels["method"] == rule}
        for name in ("outrider_drift_score", "outrider_drift_threshold")
    )
    assert set(scores) == set(thresholds) == {"a", "b"}
    assert all(scores[name] > thresholds[name] for name in scores)
    assert states(0, 0.5) == ["stable", "stable"]
