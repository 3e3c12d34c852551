"""What is derived of columns that vary by themselves varies too: known, allowed for, and judged."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from agent.drift.derived.derivation import Derivation
from agent.drift.derived.joint import Relations
from agent.drift.derived.products import least
from agent.drift.learning.build import build_profile
from agent.drift.learning.natural_build import with_variation
from agent.drift.reference.profile import Profile, load, merge, save
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings
from agent.drift.traffic.caveats import caveats_of
from agent.drift.traffic.model import ModelWatch

SLOT = 300.0
DAY = 288
ROWS = 60
INPUTS = 4


class Traffic:
    """Inputs that go together, each with a daily cycle and windows that wander; two classes."""

    def __init__(self, seed: int, wander: float = 0.1) -> None:
        self.rng = np.random.default_rng(seed)
        self.effect = np.zeros(INPUTS)
        self.wander = wander
        self.window = 0

    def rows(self, r: float = 0.7) -> dict[str, np.ndarray]:
        """Of the next window, with times."""
        rng = self.rng
        self.effect = 0.9 * self.effect + rng.normal(size=INPUTS) * self.wander * np.sqrt(0.19)
        cycle = self.wander * np.sqrt(2) * np.sin(2 * np.pi * self.window / DAY)
        common = rng.normal(size=(ROWS, 1))
        x = np.sqrt(r) * common + np.sqrt(1 - r) * rng.normal(size=(ROWS, INPUTS))
        x += self.effect + cycle
        p = 1 / (1 + np.exp(-x[:, 0] - rng.normal(size=ROWS)))
        times = (self.window + np.arange(ROWS) / ROWS) * SLOT
        self.window += 1
        return {f"x{i}": x[:, i] for i in range(INPUTS)} | {"no": 1 - p, "yes": p, "at": times}


def week(seed: int = 1) -> tuple[Traffic, Profile]:
    traffic = Traffic(seed)
    windows = [traffic.rows() for _ in range(7 * DAY)]
    batches = [
        {name: np.concatenate([one[name] for one in windows[i : i + DAY]]) for name in windows[0]}
        for i in range(0, len(windows), DAY)
    ]

    def passes() -> Iterator[Batch]:
        return (Batch(batch, len(batch["at"])) for batch in batches)

    profile = build_profile(passes, outputs=("no", "yes"), timestamp="at")
    return traffic, with_variation(profile, passes(), "at")


@pytest.fixture(scope="module")
def known() -> tuple[Traffic, Profile]:
    return week()


def test_each_derived_column_has_its_variation(known, tmp_path):
    _, profile = known
    derived = profile.derived
    assert derived is not None
    columns = Derivation(derived).profiles()
    assert len(columns) == len(derived.variation) == 2 * INPUTS
    for column in columns:
        assert column.variation is not None
        assert max(map(max, column.variation.tau2)) > 0
    (confidence,) = [c for c in profile.columns if c.name == "(confidence)"]
    assert confidence.variation is not None
    save(profile, tmp_path / "reference.json")
    assert load(tmp_path / "reference.json") == profile
    both = merge([profile, profile])
    assert both.derived is not None
    assert both.derived.variation == derived.variation


def test_they_are_judged_without_a_caveat_and_unknown_ones_are_not(known):
    _, profile = known
    model = ModelWatch("m", Settings(), profile, 0.0)
    assert model.derived is not None
    assert model.derived.chart.allowance is not None
    assert not any("not judged" in caveat for caveat in caveats_of(model))
    assert profile.derived is not None
    before = msgspec.structs.replace(profile.derived, variation=[])
    unknown = msgspec.structs.replace(profile, derived=before)
    model = ModelWatch("m", Settings(), unknown, 0.0)
    assert model.derived is None
    assert any("relations and importances" in caveat for caveat in caveats_of(model))
    model = ModelWatch("m", Settings(natural_variation="off"), unknown, 0.0)
    assert model.derived is not None


@pytest.mark.slow
def test_no_alarm_while_relations_stay_and_one_when_they_change():
    traffic, profile = week(2)
    settings = Settings(window_rows=10**9, window_seconds=SLOT)
    model = ModelWatch("m", settings, profile, traffic.window * SLOT)
    model.tick(traffic.window * SLOT)

    def alarms(windows: int, r: float) -> set[str]:
        found = set()
        for _ in range(windows):
            rows = traffic.rows(r)
            inputs = {f"x{i}": rows[f"x{i}"] for i in range(INPUTS)}
            outputs = {name: rows[name] for name in ("no", "yes")}
            model.count_rows(ROWS, {"input": inputs, "output": outputs})
            model.judge(traffic.window * SLOT)
            found |= {change.column for change in model.changes if change.after == "drift"}
            model.changes = []
        return found

    assert alarms(4 * DAY, 0.7) == set()
    assert any(name.startswith("(relations)") for name in alarms(2 * DAY, 0.0))


def test_what_relations_vary_by_is_the_product_of_what_their_inputs_do():
    """Against simulated spans whose rows are without number."""
    rng = np.random.default_rng(3)
    correlation = [[], [0.8], [0.3, 0.1]]
    relations = Relations(correlation)
    own = np.array([[0.01], [0.02], [0.005]])
    effects = rng.normal(size=(3, 200_000)) * np.sqrt(own)
    seen = relations.values(effects.astype(np.float32)).var(axis=1)
    assert relations.variance(own)[:, 0] == pytest.approx(seen, rel=0.03)


def test_columns_that_do_not_vary_leave_nothing(known):
    _, profile = known
    still = [msgspec.structs.replace(column, variation=None) for column in profile.columns]
    assert profile.derived is not None
    derivation = Derivation(profile.derived)
    assert not np.any(least(derivation, still, 7))
    assert np.array(least(derivation, profile.columns, 7)).min() > 0
