"""A reference's period is compared with itself: what changed in it is named, what varies is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from agent.drift.engine.cells import cells_of
from agent.drift.engine.halves import change_within, t_upper
from agent.drift.engine.history import Slots
from agent.drift.engine.scores import scores_of
from agent.drift.reference.sketch import Floats
from tests.drift.charts import profile
from tests.drift.test_natural import DAY, SLOT, WEEK, wandering

ROWS = 100
SATURDAY = 2 * DAY
"""Of a history that begins with the epoch, a Thursday."""


def change(means: Floats, seed: int = 0, seconds: float = SLOT) -> float:
    rng = np.random.default_rng(seed)
    column = profile(rng.normal(np.repeat(means, 4)))
    bins = column.bins()
    counts = np.array([bins.count(rng.normal(mean, size=ROWS)) for mean in means])
    cells = cells_of(column)
    matrix = scores_of(cells, column.edges).values[:, cells.places]
    slots = Slots(np.arange(len(means)), counts.astype(np.uint32), seconds)
    return change_within(slots, counts, matrix)


def steps(windows: int, by: float) -> Floats:
    means = np.zeros(windows)
    means[windows // 2 :] = by
    return means


@pytest.mark.parametrize("seed", range(3))
def test_a_change_half_way_is_found_and_measured(seed):
    means = wandering(np.random.default_rng(seed), WEEK, 0.1, 0.3) + steps(WEEK, 0.3)
    assert change(means, seed) == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_hours_of_day_and_wandering_are_no_change(seed):
    assert change(wandering(np.random.default_rng(seed), WEEK, 0.1, 0.3), seed) == 0


def test_a_change_too_small_to_matter_is_none():
    assert change(steps(WEEK, 0.04)) == 0


def test_weekends_are_no_change_of_two_weeks():
    """The middle of the second week's end is not the middle of the first's."""
    days = (np.arange(2 * WEEK) + DAY - SATURDAY) // DAY % 7
    weekends = 0.4 * (days < 2)
    assert change(weekends) == 0
    assert change(weekends + steps(2 * WEEK, 0.2)) > 0.1


def test_a_history_too_short_or_empty_shows_no_change():
    assert change(steps(DAY, 3.0)) == 0  # four blocks, two a half
    none = np.zeros((5, 3), dtype=np.int64)
    slots = Slots(np.arange(5), none.astype(np.uint32), SLOT)
    assert change_within(slots, none, np.ones((2, 3))) == 0


@pytest.mark.filterwarnings("error")
def test_a_column_that_never_moves_shows_no_change():
    counts = np.tile([0, 50, 0], (WEEK, 1))
    slots = Slots(np.arange(WEEK), counts.astype(np.uint32), SLOT)
    assert change_within(slots, counts, np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])) == 0


@pytest.mark.parametrize("level", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("degrees", [8.0, 26.0, 200.0])
def test_quantiles_of_t_are_those_of_scipy(level, degrees):
    exact = stats.t.isf(level, degrees)
    assert t_upper(level, np.array([degrees]))[0] == pytest.approx(exact, rel=0.03)
