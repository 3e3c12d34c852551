"""The budget's shares, and the old rule for those who must match it."""

from __future__ import annotations

import numpy as np
import pytest

from agent.drift.engine.chart import Chart
from agent.drift.engine.verdict import Baseline, classic, level_of, verdict_of
from tests.drift.charts import MONTH, counted, profile


def test_classic_mode_is_the_old_rule():
    column = profile(np.random.default_rng(9).normal(size=5000))
    states = []
    for mean in (0.0, 0.4, 1.0):
        rows = np.random.default_rng(10).normal(mean, size=5000)
        verdict = classic(Baseline(column), counted(column, rows))
        states.append((verdict.state, verdict.reason != "", verdict.threshold))
    assert states == [("stable", False, 0.25), ("stable", True, 0.25), ("drift", False, 0.25)]
    assert classic(Baseline(column), counted(column, [1.0] * 9)).state == "insufficient"


def test_the_budget_is_shared_over_time_columns_and_sidecars():
    assert level_of(1 / MONTH, 300, 20, 1) == pytest.approx(1 / 8640 / 20)
    assert level_of(1 / MONTH, 300, 20, 50) == pytest.approx(1 / 8640 / 1000)
    assert level_of(1 / MONTH, 1e9, 1, 1) == 0.05
    assert level_of(1 / MONTH, 0, 0, 1) > 0


def test_a_share_that_moved_is_told_as_such():
    column = profile([1.0] * 900 + [2.0] * 100)
    chart = Chart([column], false_alarms=1 / MONTH)
    counts = counted(column, [1.0] * 810 + [2.0] * 90 + [None] * 100)
    chart.push([counts], 0.0, 300.0, 300.0)
    verdict = verdict_of(chart, 0, counts)
    assert (verdict.state, verdict.test) == ("drift", "missing")
    assert verdict.share is not None
    assert verdict.share.bin == "missing"
    assert verdict.share.reference == pytest.approx(0.0, abs=1e-3)
    assert verdict.share.now == pytest.approx(0.1)


def test_a_share_of_no_rows_is_nothing():
    values = np.random.default_rng(9).normal(size=1007).tolist()
    column = profile(values * 9 + [None] * 203)
    chart = Chart([column], false_alarms=1 / MONTH)
    counts = counted(column, values)
    chart.push([counts], 0.0, 300.0, 300.0)
    verdict = verdict_of(chart, 0, counts)
    assert verdict.share is not None
    assert (verdict.test, verdict.share.now) == ("missing", 0.0)


def test_where_no_share_is_asked_for_there_is_none():
    column = profile(np.random.default_rng(9).normal(size=5000))
    chart = Chart([column], false_alarms=1 / MONTH)
    counts = counted(column, np.random.default_rng(10).normal(0.5, size=1000))
    chart.push([counts], 0.0, 300.0, 300.0)
    verdict = verdict_of(chart, 0, counts)
    assert (verdict.test, verdict.share) == ("location", None)
