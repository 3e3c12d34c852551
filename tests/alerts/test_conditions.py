"""When each condition is so, and when it is not."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import yaml

from agent.alerts.conditions import TABLE, judged
from agent.alerts.state import Found
from agent.alerts.trend import MAX_KEYS, Trend, Trends
from agent.alerts.view import Column, Confidence, Silent, Sink, Unseen, View
from tests.alerts.day import MINUTES, Day
from tests.harness import ROOT


def found(view: View, trends: Trends | None = None) -> dict[str, Found]:
    return {one.name: one for one in judged(view, trends or Trends())}


def test_a_quiet_sidecar_and_a_healthy_day_ring_nobody() -> None:
    assert found(Day().view()) == {}
    assert found(Day().steady().view()) == {}


def test_what_is_off_is_not_judged() -> None:
    day = Day().steady()
    day.seconds = 2.0
    assert "ModelLatencyHigh" in found(day.view())
    assert list(judged(day.view(), Trends(), {"ModelLatencyHigh"})) == []


@pytest.mark.parametrize(
    ("each", "seconds", "latency", "rings"),
    [
        (100, 2.0, 1.0, True),
        (10, 2.0, 1.0, True),
        (2, 2.0, 1.0, True),
        (1, 2.0, 1.0, False),  # five requests
        (100, 0.7, 1.0, False),
        (100, 2.0, math.inf, False),
    ],
)
def test_latency(each: int, seconds: float, latency: float, rings: bool) -> None:
    day = Day().steady(each)
    day.seconds = seconds
    assert ("ModelLatencyHigh" in found(day.view(latency=latency))) == rings


def test_errors_of_the_last_minutes_burn_fast_and_of_hours_slowly() -> None:
    day = Day().steady(100)
    day.errors[-10:] = [20] * 10
    ringing = found(day.view())
    assert set(ringing) == {"ModelErrorBudgetBurnFast"}
    assert "200 of 6,000 requests failed" in ringing["ModelErrorBudgetBurnFast"].description
    day.errors[-360:] = [1] * 360
    assert set(found(day.view())) == {"ModelErrorBudgetBurnSlow"}


def test_errors_that_are_over_ring_no_more() -> None:
    day = Day().steady(100)
    day.errors[-60:-5] = [20] * 55
    assert "ModelErrorBudgetBurnFast" not in found(day.view())


def test_few_errors_of_few_requests_ring_nobody() -> None:
    day = Day()
    day.requests[-4:], day.errors[-4:] = [1] * 4, [1] * 4
    assert found(day.view()) == {}
    day.requests[-5:], day.errors[-5:] = [1] * 5, [1] * 5
    assert "ModelErrorBudgetBurnFast" in found(day.view())


@pytest.mark.parametrize(
    ("day", "rings"),
    [
        (Day().steady(until=15), True),
        (Day().steady(until=14), False),
        (Day().steady(until=700), True),  # it lasts
        (Day(7200).steady(since=90, until=15), True),  # a new one whose traffic was steady
        (Day(3600).steady(since=55, until=15), False),  # not for an hour
        (Day().steady(since=MINUTES - 30, until=15), False),  # nothing yesterday at this time
        (Day(), False),
    ],
)
def test_traffic_gone(day: Day, rings: bool) -> None:
    assert ("ModelTrafficGone" in found(day.view())) == rings


@pytest.mark.parametrize(("away", "rings"), [(range(2, 40), False), (range(18, 40), True)])
def test_a_sidecar_that_was_away_itself_does_not_call_traffic_gone(
    away: range, rings: bool
) -> None:
    day = Day().steady(until=40)
    day.away = away
    assert ("ModelTrafficGone" in found(day.view())) == rings


def test_traffic_that_was_never_steady_may_pause() -> None:
    day = Day()
    for n in range(0, MINUTES - 15, 10):
        day.requests[n] = 5
    assert found(day.view()) == {}


def column(**more: Any) -> Column:
    made = Column("m", "", "input", "age", False, False, "", 0.0, 1000, 0.0, 0.0, 10_000)
    return made._replace(**more)


def test_drift_rings_by_side_and_the_farthest_first() -> None:
    columns = [
        column(drifts=True, how="By 1", excess=1.0),
        column(drifts=True, how="By 3", excess=3.0, name="income"),
        column(drifts=True, how="By 2", excess=2.0, name="p", side="output", version="3"),
        column(name="stable"),
    ]
    ringing = list(judged(Day().view(columns=columns), Trends()))
    assert [(one.name, dict(one.labels)["column"]) for one in ringing] == [
        ("ModelInputDrift", "income"),
        ("ModelInputDrift", "age"),
        ("ModelPredictionDrift", "p"),
    ]
    assert ringing[2].severity == "critical"
    assert dict(ringing[2].labels)["version"] == "3"
    assert "version" not in dict(ringing[0].labels)


@pytest.mark.parametrize(
    ("more", "rings"),
    [
        ({"missing": 0.06}, True),
        ({"missing": 0.04}, False),
        ({"missing": 0.5, "usual_missing": 0.46}, False),
        ({"missing": 0.5, "usual_missing": 0.44}, False),  # by chance, of a thousand rows
        ({"missing": 0.5, "usual_missing": 0.4}, True),
        ({"missing": 0.5, "rows": 20}, False),
        ({"missing": 0.5, "is_muted": True}, False),
    ],
)
def test_missing_values(more: dict[str, Any], rings: bool) -> None:
    view = Day().view(columns=[column(**more)])
    assert ("ModelMissingValues" in found(view)) == rings


def silent(total: int, requests: int, finding: str = "error_body") -> Silent:
    return Silent("m", "", finding, True, total, requests, "means", "do", "where", "id-1")


@pytest.mark.parametrize(
    ("hits", "requests", "rings"), [(5, 400, True), (4, 10, False), (5, 500, False)]
)
def test_silent_failures_of_the_last_minutes(hits: int, requests: int, rings: bool) -> None:
    trends, day = Trends(), Day()
    found(day.view(silent=[silent(100, 1000)]), trends)
    after = silent(100 + hits, 1000 + requests)
    now = day.view(now=1e9 + 60, silent=[after])
    assert ("ModelSilentFailure" in found(now, trends)) == rings
    for minute in range(2, 20):
        ringing = found(day.view(now=1e9 + 60 * minute, silent=[after]), trends)
    assert not ringing, "there were none in the last ten minutes"


def test_constant_predictions_ring_at_once() -> None:
    ringing = found(Day().view(silent=[silent(1, 1, "same_output")]))
    assert set(ringing) == {"ModelPredictionsConstant"}
    assert "id-1" in ringing["ModelPredictionsConstant"].description


@pytest.mark.parametrize(("mean", "rings"), [(0.79, True), (0.85, False)])
def test_confidence_against_the_day_before(mean: float, rings: bool) -> None:
    trends, day, rows, total = Trends(), Day(), 0, 0.0
    for minute in range(0, 26 * 60, 5):
        rows, total = rows + 50, total + 50 * (0.9 if minute < 25 * 60 + 30 else mean)
        one = Confidence("m", "", "p", rows, total)
        view = day.view(now=1e9 + minute * 60, confidences=[one])
        ringing = found(view, trends)
        assert minute >= 25 * 60 + 25 or not ringing
    assert ("ModelConfidenceLow" in ringing) == rings


@pytest.mark.parametrize(
    ("sink", "later", "what"),
    [
        (Sink("loki", "status 503", 301.0, 0, 9), (0, 0), "waiting"),
        (Sink("loki", "status 503", 60.0, 0, 9), (0, 0), None),
        (Sink("loki", "", 0.0, 7, 9), (0, 5), None),  # lost long ago
        (Sink("loki", "", 0.0, 7, 9), (1, 99), "lost"),
        (Sink("loki", "", 0.0, 7, 9), (1, 100), None),
    ],
)
def test_sinks(sink: Sink, later: tuple[int, int], what: str | None) -> None:
    trends, day = Trends(), Day()
    found(day.view(sinks=[sink._replace(oldest=0.0)]), trends)
    lost, settled = later
    again = sink._replace(lost=sink.lost + lost, settled=sink.settled + settled)
    ringing = found(day.view(now=1e9 + 30, sinks=[again]), trends)
    assert [dict(one.labels)["what"] for one in ringing.values()] == ([what] if what else [])


def test_what_is_not_looked_at() -> None:
    day, trends = Day(), Trends()
    day.more = {"dropped": 20}
    found(day.view(), trends)
    view = day.view(
        now=1e9 + 60,
        shed="sketches",
        observed=1000,
        unseen=[Unseen("m", "2", 0.02, "too_large"), Unseen("n", "", 0.005, "shed")],
    )
    ringing = [one for one in judged(view, trends) if one.name == "OutriderRecordsShed"]
    assert [dict(one.labels)["what"] for one in ringing] == ["level", "records", "rows"]
    assert "2.0%" in ringing[1].description
    assert ringing[2].hold == 1800


def test_few_lost_records_ring_nobody() -> None:
    day, trends = Day(), Trends()
    day.more = {"dropped": 9}
    found(day.view(), trends)
    assert found(day.view(now=1e9 + 60, observed=100), trends) == {}
    day.more = {"dropped": 10}
    assert found(day.view(now=1e9 + 120, observed=1000), trends) == {}


@pytest.mark.parametrize(("times", "rings"), [(3, True), (2, False)])
def test_restarts(times: int, rings: bool) -> None:
    day = Day()
    day.more = {"observer_restarts": times - 1, "worker_restarts": 1}
    assert ("OutriderRestarting" in found(day.view())) == rings


def test_they_are_those_for_prometheus() -> None:
    rules = [
        rule
        for file in (ROOT / "examples/prometheus").glob("*.rules.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    theirs = {rule["alert"]: rule["labels"]["severity"] for rule in rules}
    assert {one.name: one.severity for one in TABLE} == theirs
    for condition in TABLE:
        assert (ROOT / "docs/runbooks" / condition.runbook).is_file()


def test_the_documentation_has_them_all() -> None:
    text = (ROOT / "docs/alerts.md").read_text()
    told = dict(re.findall(r"^\| (\w+) \| (critical|warning) \|", text, re.MULTILINE))
    assert told == {one.name: one.severity for one in TABLE}


def test_a_trend_forgets_who_left_begins_anew_after_a_restart_and_is_bounded() -> None:
    trend = Trend(10.0, 60.0)
    for n in range(20):
        trend.see(n * 10.0, {("a",): (n * 1.0,)})
    assert trend.rise(("a",), 60.0) == (6.0,)
    assert trend.rise(("a",), 60.0, 30.0) == (3.0,)
    trend.see(200.0, {("a",): (2.0,)})
    assert trend.rise(("a",), 60.0) == (0.0,)
    trend.see(210.0, {("b",): (2.0,)})
    assert trend.rise(("a",), 60.0) is None
    assert trend.rise(("b",), 60.0) == (2.0,), "it has grown from nothing"
    trend.see(220.0, {(str(n),): (1.0,) for n in range(2 * MAX_KEYS)})
    assert sum(trend.rise((str(n),), 60.0) is not None for n in range(2 * MAX_KEYS)) == MAX_KEYS
