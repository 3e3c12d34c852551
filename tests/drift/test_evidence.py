"""The evidence is as strong as the exact tails say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from agent.drift.evidence import bernoulli_rate, p_value, thresholds, tilted_rate


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
