"""Whatever comes, in whatever lengths: derived columns are counted or left, never a crash."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decode.payload import Payload
from agent.drift.learning.build import build_profile
from agent.drift.monitor import Monitor, References
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings


def reference():
    rng = np.random.default_rng(0)
    rows = 1500
    p = rng.random(rows)
    data = {
        "a": rng.normal(size=rows).tolist(),
        "b": rng.choice(["x", "y"], size=rows).tolist(),
        "c": (rng.random(rows) < 0.3).tolist(),
        "d": p.tolist(),
        "e": (1 - p).tolist(),
    }
    profile = build_profile(lambda: iter([Batch(data, rows)]), outputs=("d", "e"))
    assert profile.derived is not None
    assert profile.derived.calibration is not None
    return profile


PROFILE = reference()
cell = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
columns = st.dictionaries(st.sampled_from("abcdefg"), st.lists(cell, max_size=30), max_size=5)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(columns, columns, st.integers(0, 5), st.floats(-100, 500)), max_size=15))
def test_any_traffic(traffic):
    now = 0.0
    monitor = Monitor(Settings(window_rows=40), References(PROFILE), clock=lambda: now)
    rows = 0
    for inputs, outputs, off, seconds in traffic:
        count = max(map(len, inputs.values()), default=0)
        output_rows = max(map(len, outputs.values()), default=0) + off * bool(outputs)
        monitor.add(Payload("m", "", "", inputs, outputs, count, output_rows, 0))
        rows += count
        now += seconds
        monitor.tick()
        json.dumps(monitor.status())
    for model in monitor.models.values():
        assert model.derived is not None
        for column in model.derived.columns:
            assert 0 <= int(column.totals.sum()) <= rows
