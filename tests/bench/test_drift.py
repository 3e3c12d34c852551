"""The simulations of bench/drift in a short form, with fixed seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.drift.engine.chart import Chart
from agent.drift.traffic.batches import Batches
from bench.drift import checked, equal, joint, settings, targets
from bench.drift.changes import delays
from bench.drift.data import (
    COLUMNS,
    INFLATED,
    LOGNORMAL,
    NORMAL,
    SHIFTS,
    THREE,
    Names,
    reference,
    truth,
)
from bench.drift.ours import MONTH, Traffic, Window, quiet, references, watched
from bench.drift.peers import RULES, NannyML, Rows, wasserstein
from bench.drift.requests import REQUESTS, in_requests, learned
from bench.drift.settings import Settings, clustered_upper, upper
from bench.drift.wandering import TRAFFIC, months


def test_the_probabilities_are_those_of_the_rows():
    rng = np.random.default_rng(0)
    profiles = reference(rng, 3000)
    for profile, (_, source), shares in zip(profiles, COLUMNS, truth(profiles), strict=True):
        assert shares.sum() == pytest.approx(1)
        counts = profile.bins().count(list(source.rows(rng, 20_000)))
        spread = np.sqrt(20_000 * shares) + 3
        assert (np.abs(counts - 20_000 * shares) < 5.5 * spread).all()


@pytest.mark.parametrize("name", SHIFTS)
def test_a_change_changes_what_it_says(name):
    column, after = SHIFTS[name]
    (profile,) = reference(np.random.default_rng(1), 5000, [(column, dict(COLUMNS)[column])])
    before = dict(COLUMNS)[column].cells(profile)
    assert np.abs(after.cells(profile) - before).sum() > 0.01
    assert after.cells(profile).sum() == pytest.approx(1)


@pytest.mark.parametrize("name", ["normal0", "lognormal0", "inflated0", "three0", "twenty"])
def test_the_probabilities_of_varied_rows_are_those_of_the_rows(name: str):
    source = dict(COLUMNS)[name]
    (profile,) = reference(np.random.default_rng(1), 5000, [(name, source)])
    effects = np.array([0.0, 0.4, -0.7])
    if isinstance(source, Names):
        found = source.cells_tilted(profile, effects)
        odds = [row[0] / (0.99 - row[0]) for row in found]
        assert np.log(np.divide(odds, odds[0])) == pytest.approx(effects)
    else:
        found = source.cells_moved(profile, effects)
        for effect, row in zip(effects, found, strict=True):
            assert row == pytest.approx(source.moved(effect).cells(profile))
        # An atom at 0 stays one, however far its edges are spread.
        wide = source.cells_scaled(profile, np.array([1.0, 4.0]))
        at_zero = (profile.edges or []).index(0.0) if name == "inflated0" else None
        assert at_zero is None or (wide[:, at_zero] >= 0.59).all()
    assert found[0] == pytest.approx(source.cells(profile))
    assert found.sum(1) == pytest.approx(np.ones(3))


def test_sequences_side_by_side_are_as_each_by_itself():
    rng = np.random.default_rng(4)
    traffic = Traffic("", 200, reference=2000, allowed=300 / MONTH, replicas=2)
    profiles, shares = references(rng, traffic, 3)
    shares[0] = NORMAL.moved(0.3).cells(profiles[0])
    drawn = [np.concatenate([rng.multinomial(200, p) for p in shares]) for _ in range(80)]
    ends = np.cumsum([len(p) for p in shares])

    def run(first: int, last: int, sequences: int) -> Any:
        chart = Chart(
            profiles[first:last],
            false_alarms=traffic.allowed * sequences * 2,
            replicas=2,
            min_effect=0.0,
        )
        part = slice(ends[first - 1] if first else 0, ends[last - 1])
        return watched(chart, (Window(each[part], 300.0) for each in drawn), sequences)

    together = run(0, 120, 3)
    assert together == [run(i, i + 40, 1)[0] for i in (0, 40, 80)]
    assert together[0].alarms > 0


@pytest.mark.slow
def test_two_days_without_drift_raise_no_alarm_and_half_a_deviation_does():
    traffic = Traffic("", 1000)
    (outcome,) = quiet(traffic, [0], windows=576)
    assert (outcome.alarms, outcome.in_alarm, outcome.windows) == (0, 0, 576)
    found = delays(traffic, 3, [0])
    for large in ("mean 0.5 sd", "missing 1 to 5 %", "3 categories, mix 10 %"):
        assert [(one.windows, one.named) for one in found[large]] == [(1, True)], large
    assert found["3 categories, mix 2 %"][0].windows is None


@pytest.mark.slow
def test_a_relation_that_breaks_is_found_and_named():
    (found,) = joint.delays("correlation 0.9 to 0", 1000, 5, [0])
    assert (found.windows, found.named) == (1, True)


@pytest.mark.slow
def test_requests_whose_rows_go_together_raise_no_alarm_and_would_if_they_were_single_rows(
    monkeypatch: pytest.MonkeyPatch,
):
    (outcome,) = in_requests(REQUESTS[0], [0], windows=60)
    assert (outcome.alarms, outcome.windows) == (0, 60)
    monkeypatch.setattr(Batches, "close", lambda self: 0)
    (blind,) = in_requests(REQUESTS[0], [0], windows=60)
    assert blind.alarms > 5


@pytest.mark.slow
def test_a_reference_learned_from_the_stream_is_no_drift():
    (outcome,) = learned(Traffic("", 1000, reference=5000), [0], windows=100)
    assert (outcome.alarms, outcome.windows) == (0, 100)


@pytest.mark.slow
def test_a_month_that_wanders_as_its_week_did():
    outcomes = {t.name: months(t, [1], windows=288)[0] for t in TRAFFIC if "AR 0.05 sd," in t.name}
    assert outcomes["AR 0.05 sd, strict"].alarms == 0
    assert outcomes["AR 0.05 sd, not allowed for"].alarms > 0


def test_distances_of_many_windows_are_scipys():
    rng = np.random.default_rng(6)
    whole = np.sort(rng.lognormal(size=700))
    windows = np.sort(rng.lognormal(0.1, size=(5, 43)), 1)
    rows = [Rows(each, True, np.arange(43), 43) for each in windows]
    theirs = [wasserstein(Rows(whole, True, np.arange(700), 700), one) for one in rows]
    assert equal.distances(whole, windows) / whole.std() == pytest.approx(theirs, rel=1e-12)


def test_a_peers_limit_is_exceeded_as_rarely_as_it_says(monkeypatch: pytest.MonkeyPatch):
    level = 1e-3
    monkeypatch.setattr(equal, "LEVEL", level)
    monkeypatch.setattr(equal, "NULLS", {200: 10_000})
    monkeypatch.setattr(equal, "POWERS", {200: 10_000})
    monkeypatch.setattr(
        equal, "SHIFTS", {"none": ("three0", THREE), "new": ("three0", THREE.joined(0.01))}
    )
    found = equal.powers("three0", 200)
    for name, power in found["none"].items():
        share = power.alarms if power.windows == equal.EXACT else power.alarms / power.windows
        assert share < 3 * level, name
    # What the reference never had is beyond any limit of chi-squared: one row in 200 suffices.
    assert equal.delay(equal.Power(*found["new"]["chi2"])) == pytest.approx(
        1 / (1 - 0.99**198), 0.02
    )
    assert equal.delay(equal.Power(100, 0)) == float("inf")


def test_what_was_found_is_not_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "DONE", tmp_path)
    asked = []

    def find(task: int) -> list[int]:
        asked.append(task)
        return [task]

    def run(resume: bool) -> dict[str, Any]:
        return dict(Settings(1, 1, 1, 1, (), "", resume).each("part", {"a": 1, "b": 2}, find))

    assert run(False) == {"a": [1], "b": [2]}
    (tmp_path / "part.jsonl").write_text('["b", [7]]\n')
    assert run(True) == {"a": [1], "b": [7]}
    assert asked == [1, 2, 1]
    assert run(True) == {"a": [1], "b": [7]}
    assert asked == [1, 2, 1]


def test_a_target_is_met_by_both_its_figures():
    want = targets.Wanted(200, "mean 0.1 sd", 40, 20)
    ours = {"mean 0.1 sd": {"200 rows, min_effect 0": [{"windows": 18, "named": True}]}}

    def equals(alarms: float) -> dict[str, Any]:
        return {"mean 0.1 sd": {"200": {"PSI": [9000, 1], "Wasserstein": [9000, alarms]}}}

    assert targets._delay(want, ours, equals(12)).met
    assert targets._delay(want, ours, equals(13)).met is False
    assert targets._delay(want, {}, {}).met is None
    late = {"mean 0.1 sd": {"200 rows, min_effect 0": [{"windows": None, "named": False}]}}
    assert targets._delay(want, late, equals(1)).met is False
    assert targets._bound("", [{"seconds": 3 * MONTH, "alarms": 0}]).met
    assert targets._bound("", [{"seconds": 3 * MONTH, "alarms": 1}]).met is False


def test_other_rules_cry_wolf_on_small_windows_and_find_what_is_large():
    rng = np.random.default_rng(2)
    for source in (NORMAL, LOGNORMAL, INFLATED):
        whole = Rows.of(source.rows(rng, 5000), None)
        moved = Rows.of(source.moved(1.0).rows(rng, 2000), None)
        for rule in RULES:
            assert rule.alarms(whole, moved), rule.name
        limits = NannyML.of(whole, 500)
        assert 0 < limits.upper < 0.5
        assert limits.alarms(moved)
    whole = Rows.of(NORMAL.rows(rng, 5000), None)
    small = [Rows.of(NORMAL.rows(rng, 50), None) for _ in range(40)]
    psi = next(rule for rule in RULES if rule.name == "PSI 0.1")
    assert np.mean([psi.alarms(whole, window) for window in small]) > 0.5
    codes: dict[str, int] = {}
    names = Rows.of(THREE.rows(rng, 5000), codes)
    mixed = Rows.of(THREE.mixed(0.4).rows(rng, 2000), codes)
    assert all(rule.alarms(names, mixed) for rule in RULES if rule.names is not None)


def test_the_bound_is_poissons():
    assert upper(0) == pytest.approx(2.9957, abs=1e-3)
    assert upper(10) == pytest.approx(16.962, abs=1e-3)
    assert clustered_upper([0, 0]) == upper(0)
    assert clustered_upper([4, 0, 8]) == pytest.approx(6 * upper(2))


def test_chunks_are_cut_over_all_rows_missing_ones_too():
    rows = Rows.of([1.0, None, 3.0, 4.0, None, 6.0, 7.0], None)
    chunks = rows.chunks(3)
    assert [chunk.values.tolist() for chunk in chunks] == [[1.0, 3.0], [4.0, 6.0], [7.0]]
    assert [chunk.rows for chunk in chunks] == [3, 3, 1]


def test_a_decision_unlike_the_packages_is_found_and_named(tmp_path: Path):
    case = checked.Case("evidently", 1000, 200, checked.CASES[0].rule)
    said = checked.decided(case.rule, case.rows, *checked.drawn(case.reference, case.rows, 1))

    class Package:
        def ask(self, task: str, **_: object) -> Any:
            return said

    same = checked._compared(case, Package(), tmp_path)
    assert (same.equal, same.differ) == (same.decisions, [])
    assert 0 < same.drift < same.decisions
    said["three0"][0] = not said["three0"][0]
    other = checked._compared(case, Package(), tmp_path)
    assert (other.equal, other.differ) == (other.decisions - 1, ["three0"])
