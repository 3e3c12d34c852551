"""The simulations of bench/drift in a short form, with fixed seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.drift import checked
from bench.drift.data import COLUMNS, INFLATED, LOGNORMAL, NORMAL, SHIFTS, THREE, reference, truth
from bench.drift.ours import Traffic, delay, quiet
from bench.drift.peers import RULES, NannyML, Rows
from bench.drift.settings import upper
from bench.drift.wandering import TRAFFIC, month


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


@pytest.mark.slow
def test_two_days_without_drift_raise_no_alarm_and_half_a_deviation_does():
    traffic = Traffic("", 1000)
    outcome = quiet(traffic, 0, windows=576)
    assert (outcome.alarms, outcome.in_alarm, outcome.windows) == (0, 0, 576)
    found = delay("mean 0.5 sd", traffic, 0, 10)
    assert found is not None
    assert found.windows == 1
    assert found.named


@pytest.mark.slow
def test_a_month_that_wanders_as_its_week_did():
    outcomes = {t.name: month(t, 1, windows=288) for t in TRAFFIC if "0.05 sd," in t.name}
    assert outcomes["AR 0.05 sd, strict"].alarms == 0
    assert outcomes["AR 0.05 sd, not allowed for"].alarms > 0


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
