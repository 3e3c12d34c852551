"""A reference learned of a week: it knows its hours of day then, and says so till then."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.decode.payload import Payload
from agent.drift.acknowledge import carry_out
from agent.drift.engine.history import History, Slots
from agent.drift.learning.period import judged_columns, width_of
from agent.drift.monitor import Monitor
from agent.drift.reference.profile import Profile, parse, shown
from agent.drift.settings import Settings
from agent.drift.state.kept_periods import MAGIC, packed, unpacked
from agent.drift.state.orders import Order
from agent.drift.traffic.collecting import PROVISIONAL, Collecting
from agent.drift.traffic.model import ModelWatch
from tests.drift.test_monitor import Clock, scraped

HOUR, DAY = 3600.0, 86400.0
WINDOW = 2400.0
ROWS = 120
"""Of a window: long ones, so that a week is quick."""
Mean = Callable[[float], float]


def cycle(at: float) -> float:
    """A tenth of the traffic's own standard deviation about noon, and less at night."""
    return 0.25 * float(np.sin(2 * np.pi * at / DAY))


class Traffic:
    """Rows by the clock, each in a request of its own: `a` follows `mean`, `b` and `c` stay."""

    def __init__(self, seed: int = 0, folder: Path | None = None, **more: Any) -> None:
        self.rng = np.random.default_rng(seed)
        self.clock = Clock()
        self.clock.now = 10 * DAY
        self.settings = Settings(
            window_rows=10**6, window_seconds=WINDOW, learn_rows=1000, **more
        )  # fmt: skip
        self.folder = folder
        self.mean: Mean = cycle
        self.restart()

    def restart(self) -> None:
        self.monitor = Monitor(self.settings, state_dir=self.folder, clock=self.clock)

    @property
    def model(self) -> ModelWatch:
        return self.monitor.models["m", ""]

    def send(self, rows: int) -> None:
        a = self.rng.normal(self.mean(self.clock.now), size=rows)
        inputs = {
            "a": a.tolist(),
            "c": self.rng.choice(["x", "y", "z"], p=[0.7, 0.2, 0.1], size=rows).tolist(),
        }
        outputs = {"y": self.rng.normal(size=rows).tolist()}
        ones = [1] * rows
        self.monitor.add(
            Payload("m", "", "", inputs, outputs, rows, rows, 0, sizes=(ones, ones))
        )  # fmt: skip

    def go(self, days: float, rows: int = ROWS) -> int:
        """So many days of windows; how many alarms columns raised by themselves."""
        for _ in range(round(days * DAY / WINDOW)):
            self.clock.now += WINDOW
            if rows:
                self.send(rows)
            self.monitor.tick()
        for _ in range(4):  # a column of the period's reference each second
            self.monitor.tick()
        changes = self.monitor.take_changes()
        return sum(c.after == "drift" and not c.column.startswith("(") for c in changes)

    def learn(self) -> None:
        self.send(1000)
        assert self.model.phase == "watching"

    def caveats(self) -> str:
        return " | ".join(self.monitor.status()["models"][0]["caveats"])  # type: ignore[index]


WEEK = {"learn_period": 7 * DAY, "min_effect": 0.0}


@pytest.mark.slow
def test_a_week_of_hours_is_learned_and_raises_no_alarm_where_first_rows_do():
    week, rows = Traffic(1, **WEEK), Traffic(1, min_effect=0.0)
    for traffic in (week, rows):
        traffic.learn()
    first = week.model.reference
    assert first is not None
    assert first.period is None
    assert week.go(3) == 0, "judged, but by nothing less than half a standard deviation"
    assert "learning its variation: day 4 of 7" in week.caveats()
    assert f"less than {PROVISIONAL} standard deviations" in week.caveats()
    assert 'outrider_reference_period_ratio{model="m"} 0.42' in scraped(week.monitor)
    status = week.monitor.status()["models"][0]["period"]  # type: ignore[index]
    assert (round(status["days"]), status["of_days"]) == (3, 7)
    assert week.monitor.reference("m") is first

    assert week.go(4.1) == 0
    whole = week.monitor.reference("m")
    assert week.model.collecting is None
    assert whole.hash != first.hash
    assert [c.edges for c in whole.columns] == [c.edges for c in first.columns]
    assert whole.rows == sum(whole.columns[0].counts) == pytest.approx(252 * ROWS, abs=2 * ROWS)
    variation = whole.columns[0].variation
    assert variation is not None
    assert 0 in variation.daily
    assert whole.period is not None
    assert whole.period.changed == []
    assert parse(shown(whole), "GET") == whole
    (note,) = week.monitor.take_notes()
    assert "the reference is now that of 7.0 days" in note
    assert "period_ratio{" not in scraped(week.monitor)
    assert "learning" not in week.caveats()

    assert week.go(7) == 0
    assert week.monitor.reference("m") is whole, "frozen"
    assert rows.go(14) > 3
    assert "learn: {period: 7d}" in rows.caveats()

    shifted = week.clock.now
    week.mean = lambda at: cycle(at) + 0.3
    assert week.go(2) == 1
    column = week.model.columns[0]
    assert (column.state, column.key()) == ("drift", ("input", "a"))
    assert column.since is not None
    assert column.since >= shifted - HOUR


def test_what_is_grossly_wrong_alarms_before_the_week_is_over():
    traffic = Traffic(2, **WEEK)
    traffic.learn()
    assert traffic.go(1) == 0
    traffic.mean = lambda at: 2.0
    assert traffic.go(0.2) == 1


@pytest.mark.slow
def test_a_day_without_traffic_makes_the_period_longer():
    traffic = Traffic(3, **WEEK)
    traffic.learn()
    traffic.go(3)
    traffic.go(2, rows=0)
    traffic.go(3.9)
    assert "day 7 of 7" in traffic.caveats()
    traffic.go(0.2)
    assert traffic.model.collecting is None


@pytest.mark.slow
def test_a_week_that_drifts_says_so():
    traffic = Traffic(4, **WEEK)
    traffic.learn()
    traffic.go(3.5)
    traffic.mean = lambda at: cycle(at) + 0.3
    traffic.go(3.6)
    reference = traffic.monitor.reference("m")
    assert reference.period is not None
    assert reference.period.changed == ["a"]
    (note,) = traffic.monitor.take_notes()
    assert "It changed meanwhile, in a" in note
    assert "the reference's own period changed, in a:" in traffic.caveats()


@pytest.mark.slow
@pytest.mark.parametrize("at_end", [True, False])
def test_a_restart_goes_on_where_it_was(tmp_path: Path, at_end):
    traffic, other = Traffic(5, tmp_path, **WEEK), Traffic(5, **WEEK)
    for one in (traffic, other):
        one.learn()
        one.go(3.03)
    traffic.monitor.save(traffic.monitor.unsaved())
    for one in (traffic, other):
        one.go(1 / 36)
    new = traffic.monitor.unsaved(at_end=at_end)
    assert any(path.name.startswith("period-") for path, _ in new) == at_end
    traffic.monitor.save(new)
    traffic.restart()
    traffic.go(0)
    days, of = (one.model.collecting for one in (traffic, other))
    assert days is not None
    assert of is not None
    assert days.days() == pytest.approx(of.days() - (0 if at_end else 1 / 36))
    assert traffic.monitor.set_aside == []
    for one in (traffic, other):
        one.go(4.05)
    found, wanted = (one.monitor.reference("m") for one in (traffic, other))
    if at_end:
        assert found.columns == wanted.columns
    assert found.rows == wanted.rows - (0 if at_end else ROWS)
    assert not list(tmp_path.glob("period-*")), "it is over"
    traffic.restart()
    assert traffic.model.collecting is None
    assert traffic.monitor.reference("m").hash == found.hash
    assert traffic.model.source == "learned"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), "it is damaged"),
        (lambda raw: raw[: len(raw) // 2], "it is damaged"),
        (lambda raw: b"", "no period at all"),
        (lambda raw: raw.replace(b"period 1", b"period 9", 1), "another version"),
    ],
)
def test_a_damaged_period_is_refused_and_begins_anew(tmp_path: Path, damage, reason):
    traffic = Traffic(6, tmp_path, **WEEK)
    traffic.learn()
    traffic.go(1)
    traffic.monitor.save(traffic.monitor.unsaved(at_end=True))
    (path,) = tmp_path.glob("period-*")
    path.write_bytes(damage(path.read_bytes()))
    traffic.restart()
    traffic.go(0)
    (refusal,) = traffic.monitor.set_aside
    assert reason in refusal.reason
    assert "the reference's period begins anew" in refusal.reason
    assert traffic.model.collecting is not None
    assert traffic.model.collecting.days() == 0
    traffic.go(0.1)
    traffic.monitor.save(traffic.monitor.unsaved(at_end=True))
    assert path.read_bytes().startswith(MAGIC)


def test_a_period_of_another_reference_is_refused(tmp_path: Path):
    traffic = Traffic(7, tmp_path, **WEEK)
    traffic.learn()
    traffic.go(1)
    traffic.monitor.save(traffic.monitor.unsaved(at_end=True))
    for path in [*tmp_path.glob("reference-*"), *tmp_path.glob("evidence-*")]:
        path.unlink()
    traffic.restart()
    traffic.learn()
    assert traffic.monitor.set_aside == []
    assert traffic.model.collecting is not None
    assert traffic.model.collecting.days() == 0


def test_periods_of_models_that_are_gone_are_removed(tmp_path: Path):
    old = tmp_path / "period-x-00000000.bin"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    clock = Clock()
    for clock.now, stays in ((20 * DAY, True), (40 * DAY, False)):
        Monitor(Settings(), state_dir=tmp_path, clock=clock)
        assert old.exists() == stays


@pytest.mark.slow
def test_a_new_normal_begins_the_period_again():
    traffic = Traffic(9, **WEEK)
    traffic.learn()
    traffic.go(1)
    traffic.mean = lambda at: cycle(at) + 2.0
    traffic.go(0.5)
    carry_out(traffic.model, Order("m", "new_normal", "a"), traffic.clock.now)
    collecting = traffic.model.collecting
    assert collecting is not None
    assert collecting.days() == 0
    traffic.go(7.1)
    reference = traffic.monitor.reference("m")
    assert reference.period is not None
    assert reference.period.changed == []
    assert traffic.model.decisions.renewals == []
    assert traffic.go(1) == 0


def test_a_published_reference_ends_it_and_a_given_one_has_none():
    traffic = Traffic(10, **WEEK)
    traffic.learn()
    traffic.go(0.1)
    reference = traffic.monitor.reference("m")
    traffic.monitor.publish("m", shown(reference))
    assert traffic.model.collecting is None
    given = ModelWatch("m", traffic.settings, reference, 0.0)
    assert given.collecting is None


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"mode": "psi"}, {"natural_variation": "off"}])
def test_where_variation_is_not_allowed_for_least_effects_stay(more):
    traffic = Traffic(11, **(WEEK | {"min_effect": 0.01} | more))
    traffic.learn()
    assert traffic.model.collecting is not None
    if "mode" not in more:
        assert traffic.model.min_effect == 0.01
        assert "standard deviations alarms" not in traffic.caveats()
    traffic.go(7.1)
    assert traffic.monitor.reference("m").period is not None


def profile() -> Profile:
    traffic = Traffic(12)
    traffic.learn()
    reference = traffic.model.reference
    assert reference is not None
    return reference


def test_many_columns_and_months_stay_within_their_bytes():
    reference = profile()
    collecting = Collecting(reference, 60 * DAY, 300.0)
    collecting.history = History(width_of(reference), 300.0, 1 << 16)
    ones = [np.ones(len(c.counts) + 2, dtype=np.int64) for c in judged_columns(reference)]
    for i in range(60 * 288):
        collecting.add(i * 300.0, ones)
    slots = collecting.history.slots()
    assert slots.counts.nbytes <= 2 << 16
    assert slots.counts[:, 0].sum() == 60 * 288
    again = unpacked(packed(collecting), collecting)
    assert (again.slots().counts == slots.counts).all()
    assert (again.slots().places == slots.places).all()
    at = slots.places[-1] * slots.seconds + 10 * DAY
    for history in (again, collecting.history):
        history.add(at, np.concatenate(ones))
    assert (again.slots().counts == collecting.history.slots().counts).all()


def test_slots_that_do_not_follow_each_other_are_refused():
    counts = np.ones((2, 3), dtype=np.uint32)
    for places, seconds in (([2, 1], 300.0), ([1, 1], 300.0), ([1, 2], 0.0), ([1, 2], np.inf)):
        with pytest.raises(ValueError, match="follow"):
            History.of(Slots(np.array(places), counts, seconds))
