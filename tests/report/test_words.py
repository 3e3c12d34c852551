"""Sentences of a report: whatever a column or a category is called."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report.content import Column, Pair
from agent.report.words import change, how_far, how_sure, lasting, probability, what, when, written


def column(test: str, kind: str = "numeric", **more: object) -> Column:
    known = {"name": "age", "side": "input", "direction": "up", "effect": 0.5}
    return Column(**known | {"kind": kind, "state": "drift", "test": test} | more)  # type: ignore[arg-type]


SHARE = Pair(0.1, 0.3)


@pytest.mark.parametrize(
    ("of", "said", "far"),
    [
        (column("location"), "values are higher", "by 0.5 sd"),
        (column("location", direction="down"), "values are lower", "by 0.5 sd"),
        (column("scale", direction="down"), "values spread less", "by 0.5 sd"),
        (column("length", "text"), "texts are longer", "by 0.5 sd"),
        (column("missing", share=SHARE), "more values are missing", "10.0% → 30.0%"),
        (column("<= 3.5", share=SHARE), "more rows are «≤ 3.5»", "10.0% → 30.0%"),
        (
            column("length <= 9", "text", share=SHARE),
            "more texts have «length ≤ 9»",
            "10.0% → 30.0%",
        ),
        (column("gold", "categorical", share=SHARE), "more rows are «gold»", "10.0% → 30.0%"),
        (
            column("location", "categorical", share=SHARE),
            "more rows are «location»",
            "10.0% → 30.0%",
        ),
        (column("<= 3", "categorical", share=SHARE), "more rows are «<= 3»", "10.0% → 30.0%"),
        (column("psi", direction=""), "the distribution moved (psi)", ""),
        (column("gone", effect=None), "the column is gone", ""),
        (
            column("scale", name="(relations) age", derived=True),
            "it goes with the other inputs otherwise than before",
            "by 0.5 sd",
        ),
        (column("scale", name="(relations) age"), "values spread wider", "by 0.5 sd"),
        (column(""), "", "by 0.5 sd"),
    ],
)
def test_what_moved_and_how_far(of: Column, said: str, far: str) -> None:
    assert what(of, "«{}»".format) == said
    assert how_far(of) == far


def test_how_sure_is_the_score_its_threshold_and_chance() -> None:
    assert how_sure(column("location", score=9.87, threshold=6.41, p_value=3e-20)) == (
        "9.87 / 6.4, p = 3e-20"
    )
    assert how_sure(column("location")) == ""
    assert probability(0.0) == "p < 1e-300"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (7199, "1 hour"),
     (7200, "2 hours"), (90_000, "25 hours"), (172_800, "2 days"), (-5, "0 seconds")],
)  # fmt: skip
def test_how_long(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


@given(st.none() | st.floats())
def test_any_time_is_text(at: float | None) -> None:
    text = when(at)
    assert text == "" or text.endswith(" UTC")
    if at is None or not math.isfinite(at):
        assert text == ""


def test_what_did_not_change_is_told_once() -> None:
    assert change(Pair(0.0, 0.0)) == "0%"
    assert change(Pair(None, 0.25)) == "– → 25.0%"
    assert written("2026-11-29T10:00:00.000+00:00") == "2026-11-29 10:00 UTC"
    assert written("soon") == written(None) == ""
