"""Weekends are days of their own where three weeks or more show them to be, and not before."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from agent.drift.engine.chart import Chart
from agent.drift.engine.history import History
from agent.drift.learning.period import recounted, varied
from agent.drift.reference.profile import Profile, ProfileError, hashed, make, parse, shown
from agent.drift.reference.sketch import Floats
from agent.drift.reference.variation import HOURS, WEEK_HOURS, ColumnVariation, hour_at, merged
from tests.drift.charts import MONTH, profile

SLOT = 1800.0
DAY = 48
WEEK = 7 * DAY
ROWS = 3000


def means(rng: np.random.Generator, first: int, slots: int, weekend: float) -> Floats:
    """Of slots: what wanders within an hour or two, hours of day, and weekends so much higher."""
    at = np.arange(first, first + slots)
    moment = at * SLOT
    is_weekend = np.array([hour_at(t, WEEK_HOURS) >= HOURS for t in moment])
    wander = rng.normal(scale=0.05, size=slots)
    return wander + 0.1 * np.sin(2 * np.pi * at / DAY) + weekend * is_weekend


def counted(rng: np.random.Generator, edges: list[float], of: Floats) -> np.ndarray:
    """Counts of ROWS normal values about each mean, on bins with these edges."""
    below = norm.cdf(np.array(edges)[None, :] - of[:, None])
    shares = np.diff(below, axis=1, prepend=0.0, append=1.0)
    counts = rng.multinomial(ROWS, shares / shares.sum(1, keepdims=True))
    return np.pad(counts, ((0, 0), (0, 2)))


def known(rng: np.random.Generator, weeks: int, weekend: float) -> Profile:
    column = profile(rng.normal(size=5000))
    assert column.edges is not None
    counts = counted(rng, column.edges, means(rng, 0, weeks * WEEK, weekend))
    history = History(counts.shape[1], SLOT)
    for i, one in enumerate(counts):
        history.add(i * SLOT, one)
    return varied(recounted(make("", column.rows, [column]), history), history)


def variation(reference: Profile) -> ColumnVariation:
    found = reference.columns[0].variation
    assert found is not None
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_weekends_raise_no_alarm_and_hide_none_where_three_weeks_show_them(seed):
    rng = np.random.default_rng(seed)
    reference = known(rng, 3, 0.3)
    assert len(variation(reference).hours) == WEEK_HOURS
    assert 0 in variation(reference).daily
    chart = Chart(
        reference.columns,
        false_alarms=1 / MONTH / 20,
        min_effect=0.0,
        period=reference.period,
        natural_variation="strict",
    )
    edges = reference.columns[0].edges
    assert edges is not None
    first = 3 * WEEK
    of = means(rng, first, 3 * WEEK, 0.3)
    of[2 * WEEK :] += 0.2
    alarms = []
    for i, one in enumerate(counted(rng, edges, of)):
        at = (first + i) * SLOT
        chart.push([one], at, at + SLOT, SLOT)
        alarms.append(chart.alarms[0] is not None)
    assert not any(alarms[: 2 * WEEK]), "two weekends in them"
    assert any(alarms[2 * WEEK : 2 * WEEK + DAY]), "a shift smaller than a weekend's, in a day"


@pytest.mark.parametrize(("weeks", "weekend"), [(1, 0.3), (2, 0.3), (3, 0.0)])
def test_weekends_that_are_not_shown_are_not_told_apart(weeks, weekend):
    reference = known(np.random.default_rng(weeks), weeks, weekend)
    assert len(variation(reference).hours) in (0, HOURS)


@given(st.integers(0, 4 * 10**9))
def test_kinds_of_hours_are_the_calendars(seconds):
    at = datetime.fromtimestamp(seconds, UTC)
    assert hour_at(seconds) == at.hour
    assert hour_at(seconds, WEEK_HOURS) == at.hour + HOURS * (at.weekday() >= 5)


def test_of_one_that_knows_weekends_and_one_that_does_not_both_bounds_hold():
    day = [[1, 2]] * HOURS
    week = [[1, 1]] * WEEK_HOURS
    a = ColumnVariation("s", [[0.1], [0.3]], [0], day)
    b = ColumnVariation("s", [[0.2], [0.1]], [1], week)
    for both in (merged(a, b), merged(b, a)):
        assert both == ColumnVariation("s", [[0.2], [0.3]], [0, 1], week)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"tau2": []}, "tau2"),
        ({"tau2": [[]]}, "tau2"),
        ({"tau2": [[-1.0]]}, "tau2"),
        ({"hours": [[1] * 5] * 23}, "of 23 hours"),
        ({"hours": [[1] * 4] * 24}, "bins"),
        ({"hours": [[1, 1, 1, 1, -1]] * 48}, "bins"),
        ({"daily": [1]}, "daily"),
    ],
)
def test_a_variation_that_cannot_be_is_refused(wrong, reason):
    good = ColumnVariation("s", [[0.1, 0.2]], [0], [[1] * 5] * 24)
    column = msgspec.structs.replace(profile(np.zeros(100)), variation=good)
    assert len(column.counts) == 3
    reference = make("", 100, [column])
    assert parse(shown(reference), "x") == reference
    bad = msgspec.structs.replace(column, variation=msgspec.structs.replace(good, **wrong))
    with pytest.raises(ProfileError, match=reason):
        parse(shown(hashed(msgspec.structs.replace(reference, columns=[bad]))), "x")


def test_hours_of_scores_that_this_version_has_not_are_allowed_for_in_all():
    reference = known(np.random.default_rng(5), 3, 0.3)
    column = reference.columns[0]
    other = msgspec.structs.replace(variation(reference), scores="00000000")
    charts = [
        Chart([each], false_alarms=1.0, period=reference.period, natural_variation="strict")
        for each in (column, msgspec.structs.replace(column, variation=other))
    ]
    known_, unknown = (chart.questions.allowance for chart in charts)
    assert known_ is not None
    assert unknown is not None
    assert (unknown.error > 0).all()
    assert (unknown.product >= known_.product).all()
