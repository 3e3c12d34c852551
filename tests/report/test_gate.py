"""What fails a build, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report.arguments import FAIL_ON
from agent.report.content import Column, Finding, Model, Pair, Report
from agent.report.gate import CHOICES, failed, state_of
from agent.report.markdown import markdown
from agent.report.quality import rose
from agent.report.words import verdict


def report(*columns: Column, active: bool = False, **model: object) -> Report:
    known = {"name": "m", "version": "", "state": "stable"} | model
    made = Model(**known, columns=[*columns])  # type: ignore[arg-type]
    finding = Finding("m", "", "nan_prediction", active, None, 3, 0.1, "score", "r-1", "", "")
    return Report(
        made_at=0.0, made_by="", kind="sidecar", reference="", current="",
        models=[made], findings=[finding],
    )  # fmt: skip


def column(state: str = "stable", **more: object) -> Column:
    return Column(name="age", side="input", kind="numeric", state=state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "problems"),
    [
        (report(column()), []),
        (report(column("drift"), column()), ["drift"]),
        (report(column("drift", acknowledged=True), column()), []),
        (report(column("drift", derived=True), column()), ["drift"]),
        (report(column("drift", acknowledged=True), column("drift")), ["drift"]),
        (report(column(missing_rose=True)), ["missing"]),
        (report(column("drift", missing_rose=True, acknowledged=True)), []),
        (report(column(), active=True), ["findings"]),
        (report(column(), column("insufficient")), ["insufficient"]),
        (report(column(), column("insufficient", derived=True)), []),
        (report(state="insufficient"), ["insufficient"]),
    ],
)
def test_each_problem_is_that_of_its_choice_alone(made: Report, problems: list[str]) -> None:
    assert failed(made, FAIL_ON) == problems
    assert failed(made, ["never"]) == []
    assert failed(made, []) == []


def test_choices_are_those_of_the_command() -> None:
    assert CHOICES == FAIL_ON


def test_more_missing_is_told_in_markdown_of_a_column_that_drifts_besides() -> None:
    lacking = Pair(0.0, 0.05)
    assert "0% → 5.0%" in markdown(report(column("drift", missing=lacking, missing_rose=True)))


def test_what_is_acknowledged_is_told_and_is_no_drift() -> None:
    made = report(column("drift", acknowledged=True), column())
    assert state_of(made) == "stable"
    assert verdict(made) == "No drift in 1 column; 1 column acknowledged"


@given(st.integers(0, 3000), st.integers(1, 3000), st.floats(0, 1), st.floats(0, 1))
def test_a_rise_is_above_chance_and_half_a_point(n: int, m: int, p: float, q: float) -> None:
    is_rise = rose(p, q, n, m)
    if is_rise:
        assert n
        assert q - p >= 0.005
        assert not rose(q, p, n, m)


def test_few_rows_raise_nothing() -> None:
    assert not rose(0.0, 0.2, 1000, 10)
    assert rose(0.0, 0.2, 1000, 500)
