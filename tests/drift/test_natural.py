"""Natural variation: known from a week, allowed for after it, and nothing more."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from agent.drift.engine.allowance import Mode
from agent.drift.engine.chart import Chart
from agent.drift.engine.history import History, Slots
from agent.drift.engine.natural import variation_of
from agent.drift.engine.previous import Previous
from agent.drift.learning.period import varied
from agent.drift.reference.profile import Profile, make, parse, shown
from agent.drift.settings import Settings
from agent.drift.traffic.caveats import caveats_of
from agent.drift.traffic.model import ModelWatch
from tests.drift.charts import MONTH, profile

SLOT = 300.0
DAY = 288
WEEK = 7 * DAY
ROWS = 1000


def wandering(rng: np.random.Generator, windows: int, ar: float, cycle: float) -> np.ndarray:
    """Means of windows: an AR(1) of this standard deviation, and a daily cycle of this size."""
    steps = rng.normal(scale=ar * np.sqrt(1 - 0.9**2), size=windows)
    effect = np.zeros(windows)
    for i in range(1, windows):
        effect[i] = 0.9 * effect[i - 1] + steps[i]
    return effect + cycle * np.sin(2 * np.pi * np.arange(windows) / DAY)


def counted(column, rng: np.random.Generator, means: np.ndarray) -> list[np.ndarray]:
    bins = column.bins()
    return [bins.count(rng.normal(mean, size=ROWS)) for mean in means]


def known(rng: np.random.Generator, ar: float, cycle: float) -> Profile:
    """A reference of a week of such traffic."""
    means = wandering(rng, WEEK, ar, cycle)
    column = profile(rng.normal(np.repeat(means, 10)))
    counts = counted(column, rng, means)
    history = History(len(column.counts) + 2, SLOT)
    for i, one in enumerate(counts):
        history.add(i * SLOT, one)
    total = sum(counts)
    whole = msgspec.structs.replace(
        column, counts=total[:-2].tolist(), missing=int(total[-2]), invalid=int(total[-1])
    )
    return varied(make("", whole.rows, [whole]), history)


def alarms(reference: Profile, rng: np.random.Generator, means: np.ndarray, mode: str) -> int:
    chart = Chart(
        reference.columns,
        false_alarms=1 / MONTH / 20,  # one column of twenty
        min_effect=0.0,
        period=reference.period,
        natural_variation=mode,
    )
    raised = 0
    for i, one in enumerate(counted(reference.columns[0], rng, means)):
        before = chart.alarms[0]
        at = (WEEK + i) * SLOT
        chart.push([one], at, at + SLOT, SLOT)
        raised += before is None and chart.alarms[0] is not None
    return raised


@pytest.mark.slow
@pytest.mark.parametrize(("ar", "cycle"), [(0.05, 0.0), (0.0, 0.1), (0.05, 0.1)])
def test_what_varied_in_the_reference_raises_no_alarm(ar, cycle):
    rng = np.random.default_rng(7)
    reference = known(rng, ar, cycle)
    column = reference.columns[0]
    assert column.variation is not None
    assert (0 in column.variation.daily) == (cycle > 0)  # the location's score
    means = wandering(rng, 4 * DAY, ar, cycle)
    assert alarms(reference, rng, means, "off") > 0
    assert alarms(reference, rng, means, "strict") == 0
    assert alarms(reference, rng, means + 0.5, "strict") > 0


@pytest.mark.slow
def test_a_column_in_drift_that_varies_changes_again_only_if_it_does():
    rng = np.random.default_rng(11)
    reference = known(rng, 0.05, 0.1)
    means = wandering(rng, 8 * DAY, 0.05, 0.1) + 1.0
    means[6 * DAY :] += 0.5
    counts = counted(reference.columns[0], rng, means)

    def changed(mode: Mode) -> list[int]:
        chart = Chart(
            reference.columns,
            false_alarms=1 / MONTH,
            share=0.95,
            period=reference.period,
            natural_variation=mode,
        )
        previous = Previous(chart)
        found = []
        for i, one in enumerate(counts):
            chart.push([one], i * SLOT, (i + 1) * SLOT, SLOT)
            found += [i] * len(previous.look((i + 1) * SLOT))
        return found

    assert len([i for i in changed("off") if i < 6 * DAY]) > 5
    for mode in ("normal", "strict"):
        (at,) = changed(mode)
        assert 6 * DAY < at < 8 * DAY


@pytest.mark.slow
def test_quiet_traffic_is_allowed_nothing():
    reference = known(np.random.default_rng(8), 0.0, 0.0)
    variation = reference.columns[0].variation
    assert variation is not None
    assert not variation.daily
    assert max(map(max, variation.tau2)) < 1e-4


def test_a_reference_that_changed_meanwhile_says_so():
    rng = np.random.default_rng(4)
    means = np.repeat([0.0, 0.3], WEEK // 2)
    column = profile(rng.normal(np.repeat(means, 2)))
    history = History(len(column.counts) + 2, SLOT)
    for i, one in enumerate(counted(column, rng, means)):
        history.add(i * SLOT, one)
    reference = varied(make("", column.rows, [column]), history)
    assert reference.period is not None
    assert reference.period.changed == ["c"]
    again = parse(shown(reference), "file")
    assert again == reference
    (said,) = [c for c in caveats_of(ModelWatch("m", Settings(), again, 0.0)) if "changed" in c]
    assert "changed, in c:" in said


def test_less_than_a_week_is_not_known():
    rng = np.random.default_rng(9)
    column = profile(rng.normal(size=2000))
    history = History(len(column.counts) + 2, SLOT)
    for i in range(6 * DAY):
        history.add(i * SLOT, np.ones(len(column.counts) + 2, dtype=np.int64))
    plain = make("", column.rows, [column])
    assert varied(plain, history) == plain


def varying(rng: np.random.Generator, sd: float) -> Chart:
    reference = known(rng, sd, 0.0)
    return Chart(
        reference.columns,
        false_alarms=1 / MONTH,
        period=reference.period,
        natural_variation="strict",
    )


def test_what_no_single_window_can_show_is_said():
    rng = np.random.default_rng(13)
    wandered, still = known(rng, 0.1, 0.0), known(rng, 0.0, 0.0)

    def caveats(reference: Profile, mode: Mode) -> str:
        watch = ModelWatch("m", Settings(natural_variation=mode), reference, 0.0)
        return " | ".join(caveats_of(watch))

    told = "in one window of 300 seconds nothing less than 1 standard deviations can alarm in c:"
    assert told in caveats(wandered, "strict")
    assert "in one window" not in caveats(wandered, "normal")
    assert "in one window" not in caveats(still, "strict")


def test_a_span_is_allowed_what_the_windows_in_it_may_vary_by():
    """Not what its whole time may: a column's past may be forgotten, or nothing have come."""
    rng = np.random.default_rng(5)
    plain, forgotten, sparse = (varying(np.random.default_rng(6), 0.1) for _ in range(3))
    counts = counted(plain.columns[0], rng, np.zeros(33))
    for chart, apart in ((plain, SLOT), (forgotten, SLOT), (sparse, 50 * SLOT)):
        for i in range(32):
            chart.push([counts[i]], i * apart, i * apart + SLOT, SLOT)
    last = 32 * SLOT
    forgotten.spans.forget([0])
    forgotten.fresh_since[0] = last

    def spread(chart: Chart, began: float) -> float:
        cells = chart.questions.of_bins([counts[32]], began)
        spans = chart.spans.push(cells, began, SLOT)
        tests = chart.tests(spans[1], began + SLOT)  # of two windows
        return float(tests.spread[0, 0])

    one = spread(forgotten, last)
    two, apart = spread(plain, last), spread(sparse, 32 * 50 * SLOT)
    allowance = plain.allowance
    assert allowance is not None
    assert one**2 > allowance.variance(np.array([SLOT]))[0, 0]
    assert two**2 < allowance.variance(np.array([SLOT]))[0, 0]
    assert apart == pytest.approx(two)


def test_the_scale_of_lengths_may_swing_as_far_as_that_of_numbers():
    rng = np.random.default_rng(2)
    shares = rng.dirichlet([20, 20, 20, 1, 1], size=WEEK)
    slots = Slots(np.arange(WEEK), rng.multinomial(ROWS, shares), SLOT)
    scores = np.array([[-1.2, 0.0, 1.2, 0.0, 0.0], [0.7, -1.4, 0.7, 0.0, 0.0]])
    of_numbers, of_lengths = (
        variation_of(slots, slots.counts, scores, names)
        for names in (("location", "scale"), ("length", "length scale"))
    )
    assert of_numbers.tau2[1][0] > 0
    assert of_numbers.tau2 == of_lengths.tau2


def test_the_scale_may_swing_further_than_its_variance_says():
    """It goes with the square of the mean, and the mean of each window wanders here."""
    rng = np.random.default_rng(3)
    reference = known(rng, 0.15, 0.0)
    variation = reference.columns[0].variation
    assert variation is not None
    scores = varying(np.random.default_rng(3), 0.15).scores[0]
    scale = scores.labels.index("scale")
    # A normal column's scale at a mean of a: a^2 / sqrt(2), of which the variance is sd^4.
    assert variation.tau2[scale][0] > 4 * 0.15**4
