"""The budget's shares, and the old rule for those who must match it."""

from __future__ import annotations

import numpy as np
import pytest

from agent.drift.verdict import Baseline, classic, level_of
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
