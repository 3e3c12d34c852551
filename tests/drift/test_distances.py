"""The classic distances against scipy's, on the same bins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import spatial, special, stats

from agent.drift.engine import distances
from agent.drift.reference.distance import smoothed


@st.composite
def pairs(draw):
    """Counts of a reference and a window over the same bins, many of them empty."""
    size = draw(st.integers(1, 40))
    count = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 10**6))
    both = [draw(st.lists(count, min_size=size, max_size=size)) for _ in range(2)]
    assume(all(map(any, both)))
    return tuple(np.array(counts, dtype=np.int64) for counts in both)


def near(found, expected):
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def ratios(pair):
    return [counts / counts.sum() for counts in pair]


@given(pairs())
def test_kl(pair):
    p, q = (smoothed(counts, 0.5, counts.sum()) for counts in pair)
    assert near(distances.kl(p, q), stats.entropy(q, p))


@given(pairs())
def test_jensen_shannon_is_the_root_to_base_two(pair):
    p, q = ratios(pair)
    # The square: near nothing the root makes rounding visible.
    expected = spatial.distance.jensenshannon(p, q, base=2) ** 2
    assert near(distances.jensen_shannon(p, q) ** 2, 0 if math.isnan(expected) else expected)
    assert distances.jensen_shannon(p, p) == 0


@given(pairs())
def test_hellinger(pair):
    p, q = ratios(pair)
    expected = spatial.distance.euclidean(np.sqrt(p), np.sqrt(q)) / math.sqrt(2)
    assert near(distances.hellinger(p, q), expected)


@given(pairs())
def test_total_variation(pair):
    p, q = ratios(pair)
    assert near(distances.total_variation(p, q), spatial.distance.cityblock(p, q) / 2)


@given(pairs())
def test_kolmogorov_smirnov(pair):
    small = [np.minimum(counts, 200) for counts in pair]
    rows = [np.repeat(np.arange(len(counts)), counts) for counts in small]
    found = distances.kolmogorov_smirnov(*small)
    assert near(found.statistic, stats.ks_2samp(*rows, method="asymp").statistic)
    size = len(rows[0]) * len(rows[1]) / (len(rows[0]) + len(rows[1]))
    assert near(found.p_value, special.kolmogorov(math.sqrt(size) * found.statistic))


@given(st.floats(0, 40))
def test_kolmogorov_limit(x):
    assert near(distances.kolmogorov_tail(x), special.kolmogorov(x))


@given(pairs(), st.data(), st.floats(0.01, 1e6))
def test_wasserstein_in_standard_deviations(pair, data, sd):
    p, q = ratios(pair)
    places = data.draw(st.lists(st.floats(-1e6, 1e6), min_size=len(p), max_size=len(p)).map(sorted))
    found = distances.wasserstein(p, q, np.array(places), sd)
    expected = stats.wasserstein_distance(places, places, p, q)
    assert math.isclose(found, expected / sd, rel_tol=1e-9, abs_tol=1e-9 * 1e6 / sd)


def test_wasserstein_of_a_constant_has_a_floor():
    one, other, places = np.array([1.0, 0]), np.array([0, 1.0]), np.array([0, 2.0])
    assert distances.wasserstein(one, other, places, 0) == 2000


@given(pairs())
def test_chi_squared(pair):
    table = np.array(pair)[:, (pair[0] + pair[1]) > 0]
    expected = stats.chi2_contingency(table, correction=False)
    found = distances.chi_squared(*pair)
    assert math.isclose(found.statistic, expected.statistic, rel_tol=1e-9, abs_tol=1e-9)
    assert near(found.p_value, expected.pvalue)


@pytest.mark.parametrize(
    "distance",
    [distances.jensen_shannon, distances.hellinger, distances.total_variation],
)
def test_bounded_ones_are_one_if_nothing_is_shared(distance):
    assert distance(np.array([0.5, 0.5, 0]), np.array([0, 0, 1.0])) == pytest.approx(1)
