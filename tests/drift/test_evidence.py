"""The evidence is as strong as the exact tails say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from agent.drift.engine.evidence import (
    bernoulli_rate,
    p_value,
    thresholds,
    tilted_rate,
    two_sample_rate,
)


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0, 1))
def test_the_bernoulli_rate_is_the_divergence(share, found):
    expected = stats.entropy([found, 1 - found], [share, 1 - share])
    assert bernoulli_rate(np.array([share]), np.array([found]))[0] == pytest.approx(
        expected, rel=1e-6, abs=1e-9
    )


@given(st.integers(0, 2**31), st.floats(0.05, 0.95))
def test_the_tilted_rate_is_the_supremum(seed, place):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(12))
    values = rng.normal(size=12)
    values -= values @ shares
    values /= np.sqrt(shares @ values**2)
    mean = values.min() + place * (values.max() - values.min())

    def dual(t):
        peak = (t * values).max()
        return np.log(shares @ np.exp(t * values - peak)) + peak - t * mean

    best = -optimize.minimize_scalar(dual, bounds=(-60, 60), method="bounded").fun
    found = tilted_rate(shares[None], values[None], np.array([mean]))[0]
    assert found == pytest.approx(max(best, 0), rel=1e-4, abs=1e-6)
    assert tilted_rate(shares[None], values[None], np.array([1e9]))[0] > 0


@given(st.floats(1e-280, 0.05))
def test_thresholds_keep_the_level(level):
    z = float(thresholds(np.array([level]))[0])
    assert stats.norm.sf(z) <= level * (1 + 1e-9)
    assert stats.norm.sf(z) >= level * 0.95
    assert p_value(z) == pytest.approx(stats.norm.sf(z), rel=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.05, 0.002])
def test_a_signed_root_is_as_rare_as_it_says(share):
    """The exact binomial tail of every count is at most its z says, by a small factor."""
    n = 1000
    counts = np.arange(int(n * share) + 1, min(n, int(n * share * 3 + 30)))
    continuity = 0.5 / n
    rate = bernoulli_rate(np.full(len(counts), share), counts / n - continuity)
    z = np.sqrt(2 * n * rate)
    exact = stats.binom.sf(counts - 1, n, share)
    claimed = stats.norm.sf(z)
    seen = exact > 1e-12
    assert (exact[seen] / claimed[seen]).max() < 1.25
    assert (exact[seen] / claimed[seen]).min() > 0.5


def test_a_skewed_score_is_as_rare_as_it_says():
    """Squares of 50 normal rows: the exact tail is chi-squared's, as far as 4,000 rows reach."""
    rng = np.random.default_rng(0)
    rows = np.sort(rng.normal(size=4000))
    values = (rows**2 - (rows**2).mean()) / (rows**2).std()
    shares = np.full(len(rows), 1 / len(rows))
    means = np.array([0.3, 0.45, 0.6])
    rate = tilted_rate(np.tile(shares, (3, 1)), np.tile(values, (3, 1)), means)
    z = np.sqrt(2 * 50 * rate)
    squares = means * (rows**2).std() + (rows**2).mean()
    exact = stats.chi2.sf(50 * squares, 50)
    assert stats.norm.sf(z) == pytest.approx(exact, rel=0.3)


@given(st.floats(1e-5, 0.99), st.floats(1e-5, 0.99), st.integers(50, 10**7), st.integers(50, 10**6))
def test_the_two_sample_rate_is_half_of_g(share, found, rows, size):
    table = np.array([[found * rows, (1 - found) * rows], [share * size, (1 - share) * size]])
    g, *_ = stats.chi2_contingency(table, lambda_="log-likelihood", correction=False)
    args = [np.array([x], dtype=float) for x in (share, found, rows, size)]
    assert two_sample_rate(*args)[0] == pytest.approx(g / 2, rel=1e-6, abs=1e-6)
