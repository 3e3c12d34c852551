"""Predictions before there is a reference: live, bounded, and no text of a person's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from agent.decode.payload import Payload, Value
from agent.drift.pictures.outputs import LABELS, MOST, outputs
from agent.drift.settings import Settings
from agent.drift.traffic.model import ModelWatch


def learning(**columns: Sequence[Value]) -> list[dict[str, Any]]:
    rows = len(next(iter(columns.values())))
    settings = Settings(hides=lambda name: name == "secret")
    watch = ModelWatch("m", settings, None, 0.0)
    watch.add(Payload("m", "", "", {}, columns, rows, rows, 0))  # type: ignore[arg-type]
    return [*outputs([watch])]


def test_numbers_are_a_histogram_with_exact_quantiles() -> None:
    [one] = learning(score=[n / 100 for n in range(101)])
    assert (one["kind"], one["rows"], one["mean"]) == ("value", 101, pytest.approx(0.5))
    assert one["quantiles"]["p50"] == pytest.approx(0.5)
    assert sum(part["now"] for part in one["bins"]) == pytest.approx(1)
    assert {part["reference"] for part in one["bins"]} == {None}


def test_labels_are_counted_missing_ones_too() -> None:
    [one] = learning(label=["cat", "dog", "cat", None])
    assert one["kind"] == "label"
    assert {part["label"]: part["now"] for part in one["bins"]} == {
        "cat": 0.5, "dog": 0.25, "missing": 0.25,
    }  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [
        [f"text {n}" for n in range(LABELS + 1)],
        ["bob@example.com", "cat"],
        [None, None],
        [math.nan, math.inf],
    ],
)
def test_what_is_no_few_plain_labels_and_no_number_is_not_shown(values: list[Value]) -> None:
    assert learning(answer=values) == []


def test_what_a_rule_hides_is_not_shown_and_no_more_than_a_few_are() -> None:
    assert learning(secret=[0.5, 0.6]) == []
    many = learning(**{f"out{n:03}": [0.1, 0.2] for n in range(MOST * 2)})
    assert len(many) == MOST
