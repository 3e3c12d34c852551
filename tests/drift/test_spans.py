"""Spans are exact sums of the windows they name."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drift.engine.spans import Spans


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 150), st.integers(0, 2**31))
def test_each_span_is_the_sum_of_its_windows(windows, seed):
    rng = np.random.default_rng(seed)
    history = rng.integers(0, 1000, size=(windows, 3, 5))
    seconds = rng.uniform(0.1, 400, size=windows)
    began = np.cumsum(seconds) - seconds
    spans = Spans((3, 5))
    looked = {}
    for i in range(windows):
        for span in spans.push(history[i], began[i], seconds[i]):
            last = i + 1 - (1 << span.level)
            assert last >= 0
            assert (span.counts == history[last : i + 1].sum(0)).all()
            assert (spans.counts(span.level) == span.counts).all()
            assert span.began == began[last]
            assert np.isclose(span.covered, seconds[last : i + 1].sum())
            step = max(1, (1 << span.level) // 4)
            assert np.isclose(span.seconds, seconds[i + 1 - step : i + 1].sum())
            looked.setdefault(span.level, []).append(i)
    for level, at in looked.items():
        step = max(1, (1 << level) // 4)
        assert at[0] == (1 << level) - 1
        assert (np.diff(at) == step).all()


def test_what_is_forgotten_is_in_no_span():
    spans = Spans((2, 3))
    for i in range(32):
        spans.push(np.ones((2, 3), dtype=np.int64), float(i), 1.0)
    spans.forget([1])
    for span in spans.push(np.ones((2, 3), dtype=np.int64), 32.0, 1.0):
        assert (span.counts[1] == 1).all()
    assert spans.counts(5)[0, 0] == 32


def test_narrow_integers_hold_what_they_must():
    assert Spans((1, 1), 1000).push(np.full((1, 1), 1000), 0, 1)[0].counts.dtype == np.int64
    small, large = Spans((1, 1), 1000), Spans((1, 1), 1 << 20)
    for spans in (small, large):
        spans.push(np.ones((1, 1), dtype=np.int64), 0, 1)
    assert (small.blocks[0].counts.dtype, large.blocks[0].counts.dtype) == (np.int32, np.int64)
