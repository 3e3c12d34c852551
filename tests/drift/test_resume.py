"""A model that was saved and resumed is one that went on: the same verdicts, to the last digit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drift.monitor import Monitor, References
from agent.drift.settings import Settings
from agent.drift.state.resume import MAGIC, MAX_AGE, evidence_of, packed, resume, unpacked
from agent.drift.traffic.model import ModelWatch
from tests.drift.test_monitor import Clock, payload, reference, scraped, send, states

RNG = np.random.default_rng(3)
BASE = {
    "n": RNG.normal(size=3000).tolist(),
    "z": np.maximum(0, RNG.normal(size=3000)).tolist(),
    "c": RNG.choice([*"xyz"], size=3000).tolist(),
}
PROFILE = reference(BASE)


def rows(rng: np.random.Generator, shift: float, count: int) -> dict[str, list[Any]]:
    return {
        "n": (rng.normal(size=count) + shift).tolist(),
        "z": np.maximum(0, rng.normal(size=count) - shift).tolist(),
        "c": rng.choice(
            [*"xyzw"], p=[1 / 3, 1 / 3, 1 / 3 - shift / 50, shift / 50], size=count
        ).tolist(),
    }


def monitor(clock: Clock, folder: Path | None = None, profile: Any = PROFILE, **more: Any):
    made = Settings(window_rows=200, **more)
    return Monitor(made, References(profile), state_dir=folder, clock=clock)


def shown(one: Monitor) -> Any:
    return json.loads(json.dumps(one.status()["models"]))


def columns(one: Monitor) -> Any:
    return [model["columns"] for model in shown(one)]


@settings(max_examples=25)
@given(
    st.lists(st.floats(0, 1.5), min_size=1, max_size=40),
    st.integers(0, 30),
    st.sampled_from(["evidence", "psi", "ks"]),
)
def test_what_goes_on_and_what_was_resumed_judge_alike(shifts, before, mode):
    clock = Clock()
    first, second = monitor(clock, mode=mode), monitor(clock, mode=mode)
    rng = np.random.default_rng(len(shifts))
    for n, shift in enumerate(shifts):
        if n == min(before, len(shifts) - 1) and first.models:
            model = ModelWatch("m", second.settings, PROFILE, clock.now)
            resume(model, unpacked(packed(evidence_of(first.models["m", ""]))))
            second.models["m", ""] = model
            assert columns(second) == columns(first)
        clock.now += 60
        batch = rows(rng, shift, 200)
        first.add(payload(batch))
        second.add(payload(batch))
    assert columns(second) == columns(first)
    a, b = ([c._replace(examples=()) for c in one.take_changes()] for one in (first, second))
    assert b == a[len(a) - len(b) :]


def test_an_alarm_that_was_cleared_before_is_raised_again_alike():
    clock, rng = Clock(), np.random.default_rng(4)
    first, second = monitor(clock), monitor(clock)

    def all_send(shift: float, count: int, *to: Monitor) -> None:
        clock.now += 400
        batch = rows(rng, shift, count)
        for one in to:
            send(one, batch)
            one.tick()

    for shift in [1.0] * 3 + [0.0] * 12:
        all_send(shift, 200, first)
    assert "drift" not in states(first).values()
    second.models["m", ""] = ModelWatch("m", second.settings, PROFILE, clock.now)
    resume(second.models["m", ""], unpacked(packed(evidence_of(first.models["m", ""]))))
    all_send(0.0, 10, first, second)
    assert states(second) == states(first)
    assert set(states(first).values()) == {"stable"}
    for _ in range(3):
        all_send(1.0, 200, first, second)
    assert "drift" in states(first).values()
    assert columns(second) == columns(first)


def judged(folder: Path, shift: float = 1.0, windows: int = 9) -> tuple[Monitor, Clock]:
    clock = Clock()
    one = monitor(clock, folder)
    rng = np.random.default_rng(1)
    for _ in range(windows):
        clock.now += 60
        send(one, rows(rng, shift, 200))
    one.save(one.unsaved())
    return one, clock


@pytest.mark.parametrize(("shift", "state"), [(0.0, "stable"), (1.0, "drift")])
def test_all_models_are_there_again_before_any_traffic(tmp_path: Path, shift, state):
    one, clock = judged(tmp_path, shift)
    assert shown(one)[0]["state"] == state
    again = monitor(clock, tmp_path)
    assert columns(again) == columns(one)
    assert shown(again)[0]["windows_judged"] == 9
    assert again.take_changes() == []
    gauges = [
        [line for line in scraped(site).splitlines() if line.startswith("outrider_drift_")]
        for site in (one, again)
    ]
    assert gauges[0] == gauges[1]
    assert any("drift_detected" in line for line in gauges[0])
    assert again.set_aside == []


def test_only_what_is_new_is_written(tmp_path: Path):
    one, clock = judged(tmp_path)
    assert one.unsaved() == []
    clock.now += 60
    one.add(payload(rows(RNG, 0, 150)))
    one.tick()
    assert one.unsaved() == []
    one.add(payload(rows(RNG, 0, 50)))
    assert len(one.unsaved()) == 1


def test_a_side_that_was_silent_at_the_end_has_its_time_and_verdict_again(tmp_path: Path):
    """The answers could not be read any more."""
    clock = Clock()
    rng = np.random.default_rng(2)
    profile = reference({**BASE, "y": BASE["n"]}, outputs=("y",))
    one = monitor(clock, tmp_path, profile)
    for n in range(6):
        clock.now += 60
        answers = {"y": rng.normal(size=200).tolist()} if n < 4 else {}
        one.add(payload(rows(rng, 0, 200), answers))
    one.save(one.unsaved())
    again = monitor(clock, tmp_path, profile)
    assert columns(again) == columns(one)
    [y] = [c for c in columns(again)[0] if c["name"] == "y"]
    assert y["evaluated"] == clock.now - 120


def test_models_that_are_long_gone_take_no_place(tmp_path: Path):
    _, clock = judged(tmp_path)
    [file] = tmp_path.glob("evidence-*.bin")
    os.utime(file, (clock.now - MAX_AGE + 1,) * 2)
    assert list(monitor(clock, tmp_path).models) == [("m", "")]
    os.utime(file, (clock.now - MAX_AGE - 1,) * 2)
    assert monitor(clock, tmp_path).models == {}
    assert not file.exists()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda raw: raw[:-1], "damaged"),
        (lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), "damaged"),
        (lambda raw: b"", "no evidence at all"),
        (lambda raw: raw.replace(b"evidence 1", b"evidence 2", 1), "another version"),
        (lambda raw: MAGIC + raw[len(MAGIC) : len(MAGIC) + 32], "damaged"),
    ],
)
def test_damaged_evidence_is_refused_and_the_model_begins_afresh(tmp_path, damage, reason):
    _, clock = judged(tmp_path)
    [file] = tmp_path.glob("evidence-*.bin")
    file.write_bytes(damage(file.read_bytes()))
    again = monitor(clock, tmp_path)
    assert again.models == {}
    [refusal] = again.set_aside
    assert reason in refusal.reason
    assert refusal.source == str(file)
    again.add(payload(rows(RNG, 0, 200)))
    again.save(again.unsaved())
    assert columns(monitor(clock, tmp_path)) == columns(again)


@pytest.mark.parametrize(
    ("more", "profile", "reason"),
    [
        ({"mode": "psi"}, PROFILE, "of windows of 200 rows"),
        ({"window_seconds": 7.0}, PROFILE, "of windows of 200 rows"),
        ({}, reference({**BASE, "n": BASE["z"]}), "another reference"),
    ],
)
def test_evidence_of_something_else_is_refused(tmp_path, more, profile, reason):
    _, clock = judged(tmp_path)
    again = monitor(clock, tmp_path, profile, **more)
    [refusal] = again.set_aside
    assert reason in refusal.reason
    assert {column["state"] for column in columns(again)[0]} == {"insufficient"}


@given(st.data())
def test_evidence_with_a_right_checksum_and_wrong_content_is_no_crash(data):
    """Of another maker: every number, list and array may be anything."""
    clock = Clock()
    one = monitor(clock)
    for _ in range(3):
        one.add(payload(rows(RNG, 0.5, 200)))
    model = one.models["m", ""]
    evidence = evidence_of(model)
    chart = evidence.chart
    assert chart is not None
    spoil = data.draw(st.sampled_from(range(9)))
    number = data.draw(st.integers(-(2**31), 2**31))
    if spoil == 0:
        chart.alarms = chart.alarms[:-1]
    elif spoil == 1:
        chart.known = ("|b1", (number,), b"")
    elif spoil == 2:
        chart.blocks[0].head = number
    elif spoil == 3:
        chart.blocks[0].counts = ("<f8", chart.blocks[0].counts[1], b"\0" * 8)
    elif spoil == 4:
        chart.looks = chart.looks[1:]
    elif spoil == 5:
        evidence.columns[0].last = evidence.columns[0].last[1:]
    elif spoil == 6:
        chart.blocks *= 30
    elif spoil == 7:
        chart.blocks[0].counts = ("O", chart.blocks[0].counts[1], chart.blocks[0].counts[2])
    else:
        chart.blocks[0].began = [0.0] * 5
    fresh = ModelWatch("m", one.settings, PROFILE, clock.now)
    before = fresh.chart
    if spoil == 2 and 0 <= number < 4:
        return
    with pytest.raises(ValueError, match=r"."):
        resume(fresh, unpacked(packed(evidence)))
    assert fresh.chart is before
    assert fresh.windows == 0
