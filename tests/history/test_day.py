"""Columns and events of the last day, as the parts of an observer tell them."""

from __future__ import annotations

import logging
import tracemalloc

from agent.history.columns import MAX_COLUMNS, Columns, Key, Seen
from agent.history.recorder import STEPS, Recorder
from agent.ledger import OBSERVER, Ledger
from agent.observer.day import Day
from agent.observer.telling.changes import Line
from tests.history.days import NOON, World
from tests.signals.ledgers import set_counter


def ratios(world: World, name: str) -> list[float | None]:
    [column] = [one for one in world.day.history()["drift"] if one["name"] == name]
    assert len(column["ratio"]) == len(column["missing"]) == STEPS
    return column["ratio"]


def test_what_drifts_is_beyond_its_threshold_and_first() -> None:
    world = World()
    world.run(120, shift=0.0)
    world.run(120, shift=2.0)
    found = world.day.history()
    assert found["drift"][0]["name"] == "age"
    assert {"age", "income"} <= {column["name"] for column in found["drift"]}
    age = [ratio for ratio in ratios(world, "age") if ratio is not None]
    assert age[0] < 1 < age[-1]
    assert found["drift"][0]["missing"][-2] == 0
    assert (found["drift"][0]["model"], found["drift"][0]["side"]) == ("m", "input")


def test_columns_are_known_more_finely_too() -> None:
    world = World()
    world.run(120, shift=0.0)
    world.run(120, shift=2.0)
    found = world.day.fine()
    assert (found["step_seconds"], len(found["at"])) == (10, 60)
    assert found["drift"][0]["name"] == "age"
    ratio = found["drift"][0]["ratio"]
    assert len(ratio) == len(found["at"])
    known = [one for one in ratio if one is not None]
    assert 20 <= len(known) <= 24
    assert known[0] < 1 < known[-1]


def test_the_ratio_is_that_of_the_verdict() -> None:
    world = World()
    world.run(180, shift=0.3)
    for column in world.monitor.models["m", ""].columns:
        shown = [ratio for ratio in ratios(world, column.base.column.name) if ratio is not None]
        assert shown[-1] == round(column.excess(), 3)


def test_a_verdict_that_is_stale_is_not_drawn_on() -> None:
    world = World()
    world.run(120, shift=2.0)
    world.run(600)
    assert ratios(world, "age")[-5:] == [None] * 5


def test_versions_references_and_restarts_are_events() -> None:
    world = World()
    world.run(20, shift=0.0)
    set_counter(world.ledger, "restarts", 2)
    world.ledger.observer[OBSERVER["restarts"]] = 1
    world.run(10)
    events = world.day.history()["events"]
    assert [event["kind"] for event in events] == ["restart", "restart", "reference", "version"]
    assert [event["text"] for event in events[:2]] == [
        "the observer ended and was started again once",
        "the worker ended and was started again 2 times",
    ]
    assert "2000 rows" in events[2]["text"]
    world.run(60)
    assert len(world.day.history()["events"]) == 4


def test_alarms_and_findings_are_events_and_their_texts_are_redacted() -> None:
    world = World()
    drift = Line("m", logging.WARNING, "input age of kim@example.org drifts", {}, True)
    finding = Line("m", logging.WARNING, "finding nan", {"finding": "nan_prediction"}, True)
    world.day.tell([drift, finding, Line("m", logging.INFO, "3 columns", {}, False)])
    found = world.day.history()["events"]
    assert [(event["kind"], event["at"]) for event in found] == [("finding", NOON), ("drift", NOON)]
    assert "kim@" not in found[1]["text"]


def test_another_observer_goes_on() -> None:
    world = World()
    world.run(180, shift=2.0)
    saved, before = world.day.saved(), world.day.history()
    world.ledger.observer[OBSERVER["restarts"]] = 1
    world.restart()
    world.day.resume(saved)
    world.run(60, shift=0.0)
    after = world.day.history()
    assert after["traffic"]["seconds"][-5:] == [60, 60, 60, 60, None]
    assert after["traffic"]["seconds"][:-3] == before["traffic"]["seconds"][1:-2]
    kinds = [event["kind"] for event in after["events"]]
    assert kinds == ["restart", "reference", "version"]  # and nothing twice
    old = ratios(world, "age")
    assert sum(ratio is not None for ratio in old) >= 4


def test_another_outrider_says_that_it_was_started() -> None:
    world = World()
    world.run(60, shift=0.0)
    other = World(now=world.now)
    other.day.resume(world.day.saved())
    assert "was started" in other.day.history()["events"][0]["text"]


def test_a_whole_day_of_five_hundred_columns_is_under_twenty_megabytes() -> None:
    world = World()
    tracemalloc.start()
    columns = Columns()
    recorder = Recorder(Ledger(1), world.clock, steady=world.clock)
    day = Day(world.ledger, recorder, world.monitor, world.day._redactor)
    day.columns = columns
    keys = [Key("a model of mine", "3", "input", f"a column's name {n}") for n in range(1000)]
    for step in range(0, STEPS, 100):
        columns.take(NOON // 60 + step, [Seen(key, 0.5, 0.1) for key in keys])
        day.events.add(world.now, "drift", "x" * 1000)
        world.now += 6000
        recorder.look()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(columns.places) == MAX_COLUMNS
    assert kept < 10e6
    assert peak < 20e6
