"""Whether the right columns were named at the right time."""

from __future__ import annotations

from agent.demo.alarms import Alarms
from agent.demo.readings import ColumnDrift


def drifting(name: str, side: str = "input", *, detected: bool | None = True) -> ColumnDrift:
    return ColumnDrift(name, side, 2.0, 0.5, detected)


def test_passes_if_all_shifted_columns_were_named_after_the_shift() -> None:
    alarms = Alarms({"hue", "ash"})
    assert alarms.see(10.0, None, [drifting("hue", detected=False)]) == []
    assert [alarm.name for alarm in alarms.see(32.0, 30.0, [drifting("hue")])] == ["hue"]
    assert alarms.missed == ["ash"]
    alarms.see(33.0, 30.0, [drifting("hue"), drifting("ash")])
    assert alarms.passed
    assert [alarm.after_shift for alarm in alarms.named] == [2.0, 3.0]


def test_an_alarm_is_new_only_once() -> None:
    alarms = Alarms({"hue"})
    alarms.see(32.0, 30.0, [drifting("hue")])
    assert alarms.see(33.0, 30.0, [drifting("hue")]) == []


def test_an_alarm_before_the_shift_fails() -> None:
    alarms = Alarms({"hue"})
    alarms.see(10.0, None, [drifting("hue")])
    alarms.see(32.0, 30.0, [drifting("hue")])
    assert not alarms.passed
    assert [alarm.name for alarm in alarms.early] == ["hue"]


def test_a_column_to_which_nothing_happened_fails() -> None:
    alarms = Alarms({"hue"})
    alarms.see(32.0, 30.0, [drifting("hue"), drifting("ash")])
    assert not alarms.passed
    assert [alarm.name for alarm in alarms.wrong] == ["ash"]


def test_the_models_answers_may_move_with_the_shift_but_not_before() -> None:
    after = Alarms({"hue"})
    after.see(32.0, 30.0, [drifting("hue"), drifting("hue", "output")])
    assert after.passed
    before = Alarms({"hue"})
    before.see(10.0, None, [drifting("cultivar", "output")])
    before.see(32.0, 30.0, [drifting("hue")])
    assert not before.passed


def test_insufficient_evidence_is_no_alarm() -> None:
    alarms = Alarms({"hue"})
    assert alarms.see(32.0, 30.0, [drifting("hue", detected=None)]) == []
