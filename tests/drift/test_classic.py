"""The old rules: which threshold, over which bins, and what they do without an order."""

from __future__ import annotations

from typing import get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import spatial, stats

from agent.config import Drift
from agent.drift.engine.classic import KOLMOGOROV_POINT, LEVEL, Rule, judge, positions, spread
from agent.drift.engine.distances import kolmogorov_tail
from agent.drift.engine.verdict import Baseline, classic
from agent.drift.reference.profile import ColumnProfile, Moments
from tests.drift.charts import counted, profile

RULES = get_args(Rule)


def numeric(size=5000):
    return profile(np.random.default_rng(1).normal(size=size))


@pytest.mark.parametrize("rule", RULES)
def test_a_large_shift_is_drift_and_none_is_not(rule):
    column = numeric()
    same = counted(column, np.random.default_rng(2).normal(size=2000))
    moved = counted(column, np.random.default_rng(3).normal(0.8, size=2000))
    assert not judge(rule, column, same).drift
    found = judge(rule, column, moved)
    assert found.drift
    assert found.rule == rule
    verdict = classic(Baseline(column), moved, rule)
    assert (verdict.state, verdict.score, verdict.test) == ("drift", found.score, rule)
    assert verdict.psi == judge("psi", column, moved).score
    assert verdict.effect == pytest.approx(verdict.psi**0.5)


def test_the_settings_offer_every_rule():
    mode = get_type_hints(Drift)["mode"]
    assert {*get_args(mode)} == {"evidence", *RULES}


@pytest.mark.parametrize(("rule", "instead"), [("ks", "chi2"), ("wasserstein", "js")])
def test_categories_have_no_order(rule, instead):
    column = ColumnProfile("c", "input", "categorical", [50, 50, 0], 0, 0, categories=["a", "b"])
    found = judge(rule, column, np.array([90, 10, 0, 0, 0]))
    assert found.drift
    assert found.rule == instead
    assert found == judge(instead, column, np.array([90, 10, 0, 0, 0]))


@pytest.mark.parametrize("rule", sorted({*RULES} - {"ks", "wasserstein"}))
def test_missing_rows_are_a_bin(rule):
    column = numeric()
    counts = counted(column, np.random.default_rng(2).normal(size=600))
    counts[-2] = 400
    assert judge(rule, column, counts).drift


def test_a_test_is_drift_where_its_p_value_says_so():
    assert kolmogorov_tail(KOLMOGOROV_POINT) == pytest.approx(LEVEL, rel=1e-12)
    column = numeric()
    for seed in range(200):
        shift = np.random.default_rng(seed).normal(0.05, size=1000)
        for rule in ("ks", "chi2"):
            found = judge(rule, column, counted(column, shift))
            assert found.drift == (found.p_value <= LEVEL)


def test_wasserstein_of_bins_is_near_that_of_rows():
    rng = np.random.default_rng(4)
    before, after = rng.normal(size=20_000), rng.normal(0.3, size=20_000)
    column = profile(before)
    rows = stats.wasserstein_distance(before, after) / before.std()
    assert judge("wasserstein", column, counted(column, after)).score == pytest.approx(
        rows, abs=0.05
    )


def test_jensen_shannon_is_drift_where_natural_logarithms_reach_a_tenth():
    column = ColumnProfile(
        "c", "input", "categorical", [5000, 5000, 0], 0, 0, categories=["a", "b"]
    )
    for part in range(5000, 8000, 50):
        found = judge("js", column, np.array([part, 10_000 - part, 0, 0, 0]))
        there = spatial.distance.jensenshannon([0.5, 0.5], [part / 1e4, 1 - part / 1e4])
        assert found.drift == (there >= 0.1)


def test_rows_of_a_bin_stand_in_its_middle():
    def at(edges, low, high, count=0):
        moments = Moments(3, low, high, 0.0, 1.0)
        return ColumnProfile("x", "input", "numeric", [], 0, 0, edges, moments=moments)

    assert positions(at([1.0, 3.0], -1.0, 9.0)).tolist() == [0, 2, 6]
    assert positions(at([1.0, 3.0], 1.0, 3.0)).tolist() == [1, 2, 3]
    assert positions(at([], 1.0, 3.0)).tolist() == [0]
    assert spread(np.array([0.5, 0.5]), np.array([-1.0, 1.0])) == 1


@given(st.data(), st.sampled_from(RULES))
def test_any_counts_give_a_finite_score(data, rule):
    edges = data.draw(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=6, unique=True).map(
            sorted
        )
    )
    places = len(edges) + 3
    count = st.one_of(st.just(0), st.integers(0, 1 << 40))
    counts = [
        np.array(data.draw(st.lists(count, min_size=places, max_size=places)), dtype=np.int64)
        for _ in range(2)
    ]
    for each in counts:
        each[data.draw(st.integers(0, places - 1))] += 50
    first = counts[0].tolist()
    column = ColumnProfile("x", "input", "numeric", first[:-2], first[-2], first[-1], edges)
    found = judge(rule, column, counts[1])
    assert np.isfinite(found.score)
    assert found.score >= -1e-9
    assert found.threshold > 0
