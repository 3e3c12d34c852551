"""Columns of the last day: bounded, and the place of one is given to another fairly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.history.columns import GONE, MAX_COLUMNS, Columns, Key, Seen
from agent.history.recorder import STEPS

NOON = 30_000_000


def seen(name: str, ratio: float = 0.5, missing: float = 0.0, model: str = "m") -> Seen:
    return Seen(Key(model, "", "input", name), ratio, missing)


def names(columns: Columns, model: str = "m") -> set[str]:
    return {key.name for key in columns.places if key.model == model}


def full(model: str = "m", ratio: float = 0.5) -> Columns:
    columns = Columns()
    columns.take(NOON, [seen(str(n), ratio, model=model) for n in range(MAX_COLUMNS)])
    return columns


def test_steps_that_nobody_saw_are_unknown() -> None:
    columns = Columns()
    columns.take(NOON, [seen("a", 0.5, 0.1), seen("b", 2.0)])
    columns.take(NOON + 3, [seen("a", 0.7, 0.2), seen("b", math.nan, math.nan)])
    [(b, _, _), (a, ratio, missing)] = columns.worst(5, 4)
    assert (a.name, b.name) == ("a", "b")
    assert ratio.tolist() == pytest.approx([0.5, math.nan, math.nan, 0.7], nan_ok=True)
    assert missing.tolist() == pytest.approx([0.1, math.nan, math.nan, 0.2], nan_ok=True)


def test_one_of_which_nothing_is_known_any_more_is_not_shown() -> None:
    columns = Columns()
    columns.take(NOON, [seen("a", 0.5), seen("b", 0.7)])
    columns.take(NOON + 5, [seen("a", 0.0), seen("b", math.nan)])
    assert [key.name for key, _, _ in columns.worst(5, 3)] == ["a"]


def test_a_step_may_be_taken_again_and_the_last_counts() -> None:
    columns = Columns()
    for ratio in (0.1, 3.0, 0.2):
        columns.take(NOON, [seen("a", ratio)])
    assert columns.worst(1, 1)[0][1].tolist() == pytest.approx([0.2])


def test_one_that_was_never_judged_has_no_place() -> None:
    columns = Columns()
    columns.take(NOON, [seen("a", math.nan, 1.0)])
    assert not columns.places
    assert columns.worst(5, 5) == []


def test_a_day_is_all_and_the_clock_may_be_set_back() -> None:
    columns = Columns()
    columns.take(NOON, [seen("a", 9.0)])
    columns.take(NOON + STEPS, [seen("a", 1.0)])
    assert np.nanmax(columns.worst(1, STEPS)[0][1]) == 1.0
    columns.take(NOON + STEPS - 10, [seen("a", 2.0)])
    columns.take(NOON + STEPS, [])
    assert np.nanmax(columns.worst(1, STEPS)[0][1]) == 2.0


def test_five_hundred_columns_of_a_day_are_under_six_megabytes() -> None:
    columns = full()
    assert len(columns.places) == MAX_COLUMNS
    assert columns.nbytes == MAX_COLUMNS * STEPS * 2 * 4 < 6e6
    columns.take(NOON + 1, [seen(f"new {n}", 0.5) for n in range(1000)])
    assert len(columns.places) == MAX_COLUMNS
    assert columns.nbytes < 6e6


def test_a_newcomer_takes_the_place_of_one_that_is_gone() -> None:
    columns = full()
    later = [seen(str(n)) for n in range(1, MAX_COLUMNS)]
    columns.take(NOON + GONE, [*later, seen("new")])
    assert "new" in names(columns)
    assert "0" not in names(columns)


def test_of_a_model_those_are_seen_that_drifted() -> None:
    columns = full()
    same = [seen(str(n), 0.5 if n else 0.1) for n in range(MAX_COLUMNS)]
    columns.take(NOON + 1, [*same, seen("stable", 0.9), seen("drifts", 3.0)])
    found = names(columns)
    assert "drifts" in found
    assert "stable" not in found
    assert len(found) == MAX_COLUMNS


def test_one_that_drifted_is_not_pushed_out_by_its_like() -> None:
    columns = full(ratio=5.0)
    columns.take(NOON + 1, [seen("drifts", 9.0)])
    assert "drifts" not in names(columns)


def test_a_large_model_leaves_room_for_others() -> None:
    columns = full("large", ratio=5.0)
    for step in range(1, 60):
        small = [seen(str(n), 0.1, model="small") for n in range(300)]
        columns.take(NOON + step, small)
    assert len(names(columns, "small")) >= MAX_COLUMNS // 2 - 1
    assert len(names(columns, "large")) >= MAX_COLUMNS // 2 - 1


def test_goes_on_from_what_another_knew() -> None:
    columns = full()
    again = Columns()
    again.resume(columns.head, columns.seen, columns.ratio, columns.missing)
    again.take(NOON + 2, [seen("7", 4.0), seen("new", 5.0)])
    found = {key.name: ratio.tolist() for key, ratio, _ in again.worst(2, 3)}
    assert found["7"] == pytest.approx([0.5, math.nan, 4.0], nan_ok=True)
    assert found["new"] == pytest.approx([math.nan, math.nan, 5.0], nan_ok=True)
