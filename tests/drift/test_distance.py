"""The numbers against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr
from scipy.stats import chi2

from agent.drift.reference.distance import chi2_upper, normal_scores, psi, smoothed

counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=40)


@given(counts, st.data())
def test_psi_is_both_relative_entropies(first, data):
    second = data.draw(st.lists(st.integers(0, 10_000), min_size=len(first), max_size=len(first)))
    p = smoothed(np.array(first), 0.5, sum(first))
    q = smoothed(np.array(second), 0.5, sum(second))
    expected = rel_entr(p, q).sum() + rel_entr(q, p).sum()
    assert math.isclose(psi(p, q), expected, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(psi(p, q), psi(q, p), rel_tol=1e-9, abs_tol=1e-12)
    assert psi(p, p) == 0


@pytest.mark.parametrize("degrees", [1, 2, 3, 5, 10, 19, 50, 1000])
@pytest.mark.parametrize("level", [0.5, 0.05, 1e-3, 6e-6, 1e-12, 1e-30, 1e-300])
def test_chi_squared_quantile(degrees, level):
    assert math.isclose(chi2_upper(degrees, level), chi2.isf(level, degrees), rel_tol=1e-9)


@given(counts)
def test_ratios_are_positive_and_sum_to_one(numbers):
    ratios = smoothed(np.array(numbers), 0.5, sum(numbers))
    assert (ratios > 0).all()
    assert math.isclose(ratios.sum(), 1)


@given(counts.filter(any))
def test_normal_scores_are_standardised_and_increase(numbers):
    scores = normal_scores(np.array(numbers))
    p = smoothed(np.array(numbers), 0.5, sum(numbers))
    assert math.isclose((p * scores).sum(), 0, abs_tol=1e-9)
    assert math.isclose((p * scores**2).sum(), 1, rel_tol=1e-9)
    assert (np.diff(scores) > 0).all()
