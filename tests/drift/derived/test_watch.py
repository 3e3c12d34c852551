"""Derived columns in traffic: the relation that changed is named, whatever the rows come like."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agent.decode.payload import Columns, Payload
from agent.drift.derived.pairs import Pairs
from agent.drift.monitor import Monitor, References
from agent.drift.reference.profile import Profile
from agent.drift.settings import Settings
from agent.drift.traffic.model import ModelWatch
from tests.drift.derived.rows import COLUMNS, reference, rows

ROWS = 1000
SECONDS = 300.0


@pytest.fixture(scope="module")
def profile() -> Profile:
    return reference(np.random.default_rng(0))


class Site:
    """A model whose windows are made of rows that go together."""

    def __init__(self, profile: Profile, seed: int = 1, **settings: object) -> None:
        self.rng = np.random.default_rng(seed)
        self.now = 0.0
        self.is_batch = False
        """Whether a payload is one request, or each row is."""
        self.monitor = Monitor(
            Settings(window_rows=ROWS, **settings), References(profile), clock=lambda: self.now
        )

    @property
    def model(self) -> ModelWatch:
        return self.monitor.models["m", ""]

    def send(self, columns: Columns, *, answered: bool = True) -> None:
        inputs = {name: values for name, values in columns.items() if name != "y"}
        count = max(map(len, inputs.values()))
        outputs = {"y": columns["y"]} if answered else {}
        self.monitor.add(
            Payload(
                "m", "", "", inputs, outputs, count, count * answered, 0,
                sizes=(None, None) if self.is_batch else ((), ()),
            )
        )  # fmt: skip

    def window(self, batch: int = ROWS, **how: object) -> None:
        self.now += SECONDS
        whole = rows(self.rng, ROWS, **how)
        for i in range(0, ROWS, batch):
            self.send({name: values[i : i + batch] for name, values in whole.items()})

    def drifting(self) -> set[str]:
        return {c.base.column.name for c in self.model.judged if c.state == "drift"}

    def totals(self) -> dict[str, int]:
        assert self.model.derived is not None
        return {c.base.column.name: int(c.totals.sum()) for c in self.model.derived.columns}


def test_without_change_nothing_drifts(profile):
    site = Site(profile)
    for _ in range(50):
        site.window()
    assert site.drifting() == set()
    states = {c.state for c in site.model.judged}
    assert states == {"stable"}


@pytest.mark.parametrize(("r", "windows"), [(0.0, 1), (-0.9, 1), (0.8, 3)])
def test_a_relation_that_changed_names_its_columns_though_each_looks_well(profile, r, windows):
    site = Site(profile)
    site.window()
    for _ in range(windows):
        site.window(r=r, weights=(1.0, 0.0, 1.0, 0.5))
    effects = {
        c.base.column.name: c.verdict.effect
        for c in site.model.judged
        if c.state == "drift" and c.verdict
    }
    strongest = sorted(effects, key=effects.__getitem__)[-2:]
    assert set(strongest) == {"(relations) c0", "(relations) c1"}
    assert not {f"c{i}" for i in range(COLUMNS)} & effects.keys()


def test_a_relation_that_changed_is_found_in_batch_requests_too(profile):
    site = Site(profile)
    site.is_batch = True
    for _ in range(80):
        site.window()
    assert site.drifting() == set()
    for _ in range(4):
        site.window(r=0.0, weights=(1.0, 0.0, 1.0, 0.5))
    assert {"(relations) c0", "(relations) c1"} <= site.drifting()
    assert site.model.derived is not None
    of_requests = site.model.derived.chart.requests.clusters["input"]
    assert of_requests.last_rows.max() == ROWS


def test_a_relation_that_appears_is_found(profile):
    site = Site(profile)
    site.window()

    def window() -> None:
        site.now += SECONDS
        whole = rows(site.rng, ROWS)
        whole["c7"] = (0.8 * np.array(whole["c6"]) + 0.6 * site.rng.normal(size=ROWS)).tolist()
        site.send(whole)

    for _ in range(4):
        window()
    assert {"(relations) c6", "(relations) c7"} <= site.drifting()


def test_importance_names_the_inputs_that_the_model_leans_on_otherwise(profile):
    site = Site(profile)
    site.window()
    site.window(weights=(1.0, 0.0, 0.5, 1.0, 0.0))
    assert site.drifting() == {"(importance) c2", "(importance) c3"}
    status = json.loads(json.dumps(site.monitor.status()))["models"][0]
    assert {c["name"]: c["direction"] for c in status["derived"] if c["state"] == "drift"} == {
        "(importance) c2": "down",
        "(importance) c3": "up",
    }
    assert status["state"] == "drift"
    changes = {(c.column, c.after) for c in site.monitor.take_changes() if c.after == "drift"}
    assert changes == {("(importance) c2", "drift"), ("(importance) c3", "drift")}


@pytest.mark.parametrize(("shift", "spilt"), [(0.3, ["c5"]), (0.5, [f"c{i}" for i in range(8)])])
def test_what_is_derived_of_a_column_in_drift_is_not_judged(profile, shift, spilt):
    """Nor the relations of the others, where it moved so far that it shows in them."""
    site = Site(profile)
    site.window()
    for _ in range(5):
        site.now += SECONDS
        whole = rows(site.rng, ROWS)
        whole["c5"] = [value + shift for value in whole["c5"]]
        site.send(whole)
    assert site.drifting() == {"c5"}
    status = site.monitor.status()["models"][0]
    assert {c["name"] for c in status["derived"] if c["suspended"]} == {
        *(f"(relations) {name}" for name in spilt),
        "(importance) c5",
    }
    for _ in range(30):
        site.window()
    assert site.drifting() == set()
    assert {c.state for c in site.model.judged} == {"stable"}


@pytest.mark.parametrize("batch", [1000, 250, 1])
def test_a_row_counts_once_in_each_however_it_comes(profile, batch):
    site = Site(profile)
    site.window(batch)
    assert set(site.totals().values()) == {ROWS}


def test_rows_that_lack_columns_stay_aligned(profile):
    site = Site(profile, min_effect=1e9)  # else what is derived of those columns is suspended
    whole = rows(site.rng, ROWS, r=0.9)
    for i in range(ROWS):
        row = {name: values[i : i + 1] for name, values in whole.items()}
        if i % 3 == 1:
            del row["c0"]
        if i < 100:
            del row["c4"]
        site.now += 0.3
        site.send(row)
    assert site.model.windows == 1
    totals = site.totals()
    assert totals["(relations) c0"] == ROWS - 333
    assert totals["(importance) c4"] == ROWS - 100
    assert totals["(relations) c1"] == ROWS
    assert site.model.derived is not None
    moved = [c for c in site.model.derived.columns if c.verdict and (c.verdict.score or 0) > 6]
    # c1 goes with c0, which counts as average where it is missing.
    assert [c.base.column.name for c in moved] == ["(relations) c1"]


def test_errors_between_answers_do_not_mix_up_rows(profile):
    site = Site(profile)
    for _ in range(3):
        whole = rows(site.rng, ROWS)
        for i in range(0, ROWS, 10):
            site.now += 3
            part = {name: values[i : i + 10] for name, values in whole.items()}
            site.send(part, answered=i % 70 != 0)
    assert site.drifting() == set()
    totals = site.totals()
    assert totals["(relations) c0"] == 3 * ROWS
    assert totals["(importance) c0"] == 3 * (ROWS - 150)


def test_pairs():
    pairs = Pairs()
    pairs.note(2, 2, 2, 2)
    assert pairs.take(2, 2) == (None, None)
    assert pairs.take(2, 1) is None
    pairs.note(1, 3, 0, 2)
    pairs.note(1, 4, 2, 4)
    found = pairs.take(5, 5)
    assert found is not None
    assert found.asked is not None
    assert found.answered is not None
    assert found.asked.tolist() == [True, True, False, False, True]
    assert found.answered.tolist() == [True, True, False, False, True]
    pairs.note(1, 3, 0, 2)
    assert pairs.take(5, 5) is None


def test_a_learned_reference_has_them_too():
    rng = np.random.default_rng(5)
    monitor = Monitor(Settings(learn_rows=5000))
    for i in range(520):
        whole = rows(rng, 10)
        inputs = {name: values for name, values in whole.items() if name != "y"}
        output_rows = 0 if i % 10 == 0 else 10
        outputs = {"score": whole["y"]} if output_rows else {}
        monitor.add(Payload("m", "", "", inputs, outputs, 10, output_rows, 0))
    learned = monitor.models["m", ""].reference
    assert learned is not None
    assert learned.derived is not None
    assert learned.derived.prediction is not None
    assert learned.derived.prediction.name == "score"
    assert learned.derived.correlation[1][0] == pytest.approx(0.9, abs=0.03)


def test_the_old_rules_derive_nothing(profile):
    site = Site(profile, mode="psi")
    site.window()
    assert site.model.derived is None
    assert site.model.judged == site.model.columns


def test_late_names_are_bounded(profile):
    site = Site(profile)
    whole = rows(site.rng, 900)
    site.send(whole)
    for i in range(99):
        row = {name: values[i : i + 1] for name, values in whole.items()}
        site.send({**row, **{f"late{i}-{k}": [1.0] for k in range(50)}})
    held = sum(len(values) for values in site.model.inputs.buffers.values())
    assert held <= (1 << 19) + 1000 * 60
