"""Batch requests as clusters: the variance they add is known, whatever they have in common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drift.engine.clusters import MEMORY, SAMPLE_ROWS, Clusters, Sampler, worth
from agent.drift.reference.distance import normal_scores
from agent.drift.reference.sketch import Floats, Ints, NumericBins

EDGES = [-1.3, -0.7, -0.3, 0.1, 0.4, 0.9, 1.5]
WINDOW = 1000
Draw = Callable[[np.random.Generator, int], Floats]


def bins_of(values: Floats) -> Ints:
    return NumericBins(EDGES).count(values.tolist())


RATIOS = bins_of(np.random.default_rng(99).normal(size=1_000_000)) / 1_000_000


def scores() -> Floats:
    """Location, then each bin by itself; mean 0 and variance 1."""
    bins = len(EDGES) + 1
    raw = np.vstack([normal_scores((RATIOS[:bins] * 1e6).astype(np.int64)), np.eye(bins)])
    raw = np.hstack([raw, np.zeros((bins + 1, 2))])
    raw -= (raw @ RATIOS)[:, None]
    return raw / np.sqrt(np.square(raw) @ RATIOS)[:, None]


def shared(rho: float) -> Draw:
    """Rows of one request have an additive effect in common, `rho` of their variance."""

    def draw(rng: np.random.Generator, rows: int) -> Floats:
        return np.sqrt(rho) * rng.normal() + np.sqrt(1 - rho) * rng.normal(size=rows)

    return draw


def identical(rng: np.random.Generator, rows: int) -> Floats:
    return np.full(rows, rng.normal())


def standardised(draw: Draw, sizes: list[int], requests: int, seed: int = 0) -> tuple[Floats, ...]:
    """Each window's mean scores over their standard deviation as reckoned, and design effects.

    The first fifth of the windows, when little is known yet, is left out.
    """
    rng = np.random.default_rng(seed)
    f = scores()
    clusters, sampler = Clusters([f]), Sampler()
    sampled: list[Ints] = []
    total, rows, extra = np.zeros(len(f[0]), dtype=np.int64), 0, 0
    z, effects = [], []
    for i in range(requests):
        n = sizes[i % len(sizes)]
        counts = bins_of(draw(rng, n))
        total, rows, extra = total + counts, rows + n, extra + n * (n - 1)
        if n > 1 and sampler.takes(n):
            sampled.append(counts)
        if rows >= WINDOW:
            if sampled:
                clusters.add([np.array(sampled)], np.array(sampled).sum(axis=1))
            size = worth(np.array(rows), np.array(extra), clusters.rho())
            z.append(f @ total / rows * np.sqrt(size))
            effects.append(rows / size)
            sampled, total, rows, extra = [], total * 0, 0, 0
    warm = len(z) // 5
    return np.array(z)[warm:], np.array(effects)[warm:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "sizes", "requests", "effect"),
    [
        (shared(0.0), [100], 8000, 1.0),
        (shared(0.2), [10], 40_000, 1 + 0.2 * 9),
        (shared(0.2), [1000], 1500, 1 + 0.2 * 999),
        (shared(0.05), [300] + [1] * 40, 60_000, 1 + 0.05 * 300 * 299 / 340),
        (shared(0.5), [2, 40, 3, 500, 11], 5000, 1 + 0.5 * (251_734 / 556 - 1)),
        (identical, [20], 25_000, 20.0),
    ],
)
def test_the_variance_of_a_window_is_as_reckoned(draw, sizes, requests, effect):
    z, effects = standardised(draw, sizes, requests)
    spread = np.sqrt(np.square(z).mean(axis=0))
    print("sd of z:", spread.round(3), "design effects:", effects.mean(axis=0).round(2))
    assert spread.min() >= 0.85
    assert spread.max() <= 1.12
    assert effects[:, 0].mean() == pytest.approx(effect, rel=0.15)


def test_effects_that_differ_by_size_are_not_averaged_away():
    """Large requests of one kind of rows among small mixed ones: it is the large that count."""
    f, rng = scores(), np.random.default_rng(3)
    clusters = Clusters([f])
    for _ in range(100):
        draws = [shared(0.0)(rng, 5) for _ in range(16)] + [shared(0.4)(rng, 800)]
        counts = np.array([bins_of(values) for values in draws])
        clusters.add([counts], counts.sum(axis=1))
    assert clusters.rho()[0] == pytest.approx(0.4, abs=0.12)


def test_requests_of_two_rows():
    rng = np.random.default_rng(8)
    clusters = Clusters([scores()])
    for _ in range(100):
        counts = np.array([bins_of(shared(0.5)(rng, 2)) for _ in range(30)])
        clusters.add([counts], counts.sum(axis=1))
    assert clusters.rho()[0] == pytest.approx(0.5, abs=0.1)


def test_nothing_known_means_one_row_a_request():
    clusters = Clusters([scores()])
    assert set(clusters.rho()) == {1.0}
    one = np.array([bins_of(np.zeros(50))])
    clusters.add([one], np.array([50]))
    assert set(clusters.rho()) == {1.0}  # a first request has no neighbour
    for _ in range(200):
        clusters.add([one], np.array([50]))
    assert set(clusters.rho()) == {1.0}  # all alike: it may be that each request is of one value
    assert worth(np.array(500.0), np.array(10 * 50 * 49), np.array([1.0, 0.0])).tolist() == [
        10.0,
        500.0,
    ]


def test_few_pairs_say_little_and_more_say_more():
    rng = np.random.default_rng(4)
    clusters = Clusters([scores()])
    said = []
    for pairs in (5, 30, 300):
        counts = np.array([bins_of(rng.normal(size=20)) for _ in range(pairs)])
        clusters.add([counts], counts.sum(axis=1))
        said.append(clusters.rho()[0])
    assert said[0] == 1.0
    assert said[0] > said[1] > said[2]
    assert said[2] < 0.03


def test_a_slow_change_of_all_traffic_is_no_property_of_requests():
    rng = np.random.default_rng(5)
    clusters = Clusters([scores()])
    for level in np.linspace(-1.5, 1.5, 200):
        counts = np.array([bins_of(rng.normal(level, 0.5, size=100)) for _ in range(10)])
        clusters.add([counts], counts.sum(axis=1))
    assert clusters.rho()[0] < 0.01


def test_what_was_long_ago_is_forgotten():
    rng = np.random.default_rng(6)
    clusters = Clusters([scores()])
    said = []
    for draw in (identical, shared(0.0)):
        for _ in range(4 * MEMORY // 100):
            counts = np.array([bins_of(draw(rng, 50)) for _ in range(100)])
            clusters.add([counts], counts.sum(axis=1))
        said.append(clusters.rho()[0])
    assert said[0] == pytest.approx(1.0, abs=0.1)
    assert said[1] < 0.1


def test_columns_do_not_touch_each_other():
    rng = np.random.default_rng(7)
    f = scores()
    together, alone = Clusters([f, f[:3]]), [Clusters([f]), Clusters([f[:3]])]
    for _ in range(10):
        a = np.array([bins_of(shared(0.3)(rng, 40)) for _ in range(7)])
        b = np.array([bins_of(shared(0.0)(rng, 40)) for _ in range(7)])
        rows = a.sum(axis=1)
        together.add([a, b], rows)
        alone[0].add([a], rows)
        alone[1].add([b], rows)
    apart = np.concatenate([clusters.rho() for clusters in alone])
    np.testing.assert_allclose(together.rho(), apart, rtol=1e-12)


@given(
    st.lists(
        st.lists(st.lists(st.integers(0, 1 << 20), min_size=10, max_size=10), max_size=6),
        max_size=6,
    )
)
def test_any_counts_give_a_correlation(batches):
    clusters = Clusters([scores()])
    for batch in batches:
        counts = np.array([c for c in batch if sum(c) > 1], dtype=np.int64).reshape(-1, 10)
        if len(counts):
            clusters.add([counts], counts.sum(axis=1))
        rho = clusters.rho()
        assert ((rho >= 0) & (rho <= 1)).all()


@given(st.lists(st.integers(2, 200), min_size=1, max_size=300))
def test_large_requests_are_always_looked_at_and_small_ones_by_their_rows(sizes):
    sampler = Sampler()
    taken = [n for n in sizes if sampler.takes(n)]
    large = [n for n in sizes if n >= SAMPLE_ROWS]
    assert [n for n in taken if n >= SAMPLE_ROWS] == large
    small_only = [n for n in sizes if n < SAMPLE_ROWS]
    sampler = Sampler()
    assert sum(map(sampler.takes, small_only)) == sum(small_only) // SAMPLE_ROWS
