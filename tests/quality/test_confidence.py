"""What outputs are taken for, and how sure the model is of a row."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agent.quality.collector import QualityCollector
from agent.quality.confidence import Histograms, entropy, greatest
from agent.quality.monitor import Quality
from agent.quality.rate import log_tail
from tests.quality.streams import Clock, payload


def quality_of(*rows: dict[str, object], times: int = 120) -> Quality:
    quality = Quality(Clock())
    for n in range(times):
        answer = rows[n % len(rows)]
        quality.add(payload({"x": (n,)}, {name: (value,) for name, value in answer.items()}))
    quality.tick()
    return quality


def scraped(quality: Quality) -> str:
    registry = CollectorRegistry()
    registry.register(QualityCollector(quality))  # type: ignore[arg-type]
    return generate_latest(registry).decode()


@pytest.mark.parametrize(
    ("rows", "kinds"),
    [
        ([{"p-0": 0.2, "p-1": 0.8}, {"p-0": 0.6, "p-1": 0.4}], [("p", "probabilities")]),
        ([{"p.cat": 0.2, "p.dog": 0.8, "label": "dog"}], [("p", "probabilities")]),
        ([{"cat": 0.25, "dog": 0.75}], [("output", "probabilities")]),
        ([{"prob_a": 0.25, "prob_b": 0.75, "latency": 3.0}], [("prob", "probabilities")]),
        (
            [{"out-0.score": 0.9, "out-0.label": "a", "out-1.score": 0.1}],
            [("out", "probabilities")],
        ),
        ([{"scores-0": 0.9, "scores-1": 0.9}], [("scores", "scores")]),
        ([{"label": "a", "score": 0.9}], [("score", "confidence")]),
        ([{"box-0": 0.9, "box-1": 0.9}], []),
        ([{"value": 0.5}], []),
        ([{"score": 17.0}], []),
    ],
)
def test_what_outputs_are_taken_for(rows: list[dict[str, object]], kinds: list[tuple[str, str]]):
    found = quality_of(*rows).status()["predictions"]
    assert [(one["output"], one["kind"]) for one in found] == kinds


def test_measures_of_a_row():
    rows = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    first, second = greatest(rows)
    assert second is not None
    assert first == pytest.approx([0.7, 1.0, 1 / 3])
    assert first - second == pytest.approx([0.5, 1.0, 0.0])
    expected = -(0.7 * math.log(0.7) + 0.2 * math.log(0.2) + 0.1 * math.log(0.1)) / math.log(3)
    assert entropy(rows) == pytest.approx([expected, 0.0, 1.0])


def test_histograms_count_labels_and_whole_rows_only():
    histograms = Histograms()
    histograms.see("scores", np.array([[0.9, 0.6, 0.1], [0.1, 0.2, 0.3], [math.nan, 1.0, 1.0]]))
    assert (histograms.of["labels"].sum, histograms.of["labels"].counts.sum()) == (2.0, 2)
    assert "entropy" not in histograms.of


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=9))
def test_measures_are_shares(rows: list[list[float]]):
    values = np.array(rows)
    sums = values.sum(axis=1, keepdims=True)
    values = np.where(sums > 0, values / np.where(sums > 0, sums, 1), 1 / 3)
    assert ((entropy(values) >= -1e-12) & (entropy(values) <= 1)).all()


@given(st.integers(1, 500), st.data(), st.floats(0.001, 0.999))
def test_the_tail_is_bounded(rows: int, data: st.DataObject, chance: float):
    hits = data.draw(st.integers(0, rows))
    tail = sum(
        math.comb(rows, n) * chance**n * (1 - chance) ** (rows - n) for n in range(hits, rows + 1)
    )
    assert tail <= math.exp(log_tail(hits, rows, chance)) * (1 + 1e-6)


def test_histograms_are_served_whole():
    text = scraped(quality_of({"p-0": 0.2, "p-1": 0.8}, times=150))
    [family] = [
        one
        for one in text_string_to_metric_families(text)
        if one.name == "outrider_prediction_confidence"
    ]
    values = {s.labels.get("le"): s.value for s in family.samples if s.name.endswith("_bucket")}
    assert values["0.7"] == 0
    assert values["0.8"] == values["+Inf"] == 150
