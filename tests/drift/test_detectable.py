"""What `profile show` says is found, is found by the engine that judges; half of it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from agent.drift.learning.build import build_profile
from agent.drift.learning.natural_build import with_variation
from agent.drift.profiles.detectable import Told, detectable
from agent.drift.reference.profile import Profile
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings
from agent.drift.traffic.model import ModelWatch

Column = Callable[[np.random.Generator, int, Told, float], list[object]]
"""Rows that are changed by so many times what is told; 0: as in the reference."""


def normal(rng: np.random.Generator, rows: int, told: Told, times: float) -> list[object]:
    return (rng.normal(50, 10, size=rows) + times * (told.shift or 0)).tolist()


def lognormal(rng: np.random.Generator, rows: int, told: Told, times: float) -> list[object]:
    return np.exp(rng.normal(9, 1.5, size=rows) + 1.5 * times * (told.shift_sd or 0)).tolist()


def poisson(rng: np.random.Generator, rows: int, told: Told, times: float) -> list[object]:
    return rng.poisson(3 + times * (told.shift or 0), size=rows).tolist()


def region(rng: np.random.Generator, rows: int, told: Told, times: float) -> list[object]:
    gone = times * (told.points or 0) / 100
    left = np.array([0.6 - gone, 0.3 * (1 + gone / 0.4), 0.1 * (1 + gone / 0.4)])
    return rng.choice(["a", "b", "c"], p=left, size=rows).tolist()


def flag(rng: np.random.Generator, rows: int, told: Told, times: float) -> list[object]:
    return (rng.random(rows) < 0.1 + times * (told.points or 0) / 100).tolist()


def gaps(rng: np.random.Generator, rows: int, told: Told, times: float) -> list[object]:
    lack = 0.05 + times * (told.missing_points or 0) / 100
    values = rng.uniform(size=rows).tolist()
    return [None if u < lack else v for u, v in zip(rng.random(rows), values, strict=True)]


COLUMNS: dict[str, Column] = {
    each.__name__: each for each in (normal, lognormal, poisson, region, flag, gaps)
}
NOTHING = Told(1)


def passes_of(batch: Batch) -> Callable[[], Iterator[Batch]]:
    return lambda: iter([batch])


def reference(rows: int, seed: int = 1) -> Profile:
    rng = np.random.default_rng(seed)
    columns = {name: draw(rng, rows, NOTHING, 0) for name, draw in COLUMNS.items()}
    return build_profile(passes_of(Batch(columns, rows)))


def found(profile: Profile, settings: Settings, horizon: str, times: float, windows: int) -> set:
    """The columns in drift after so many windows that are changed by so much."""
    told = {
        name: each[horizon] for (_, name), each in detectable(profile, settings).columns.items()
    }
    watch = ModelWatch("", settings, profile, 0.0)
    rng = np.random.default_rng(1)
    rows = settings.window_rows
    for window in range(windows):
        columns = {name: draw(rng, rows, told[name], times) for name, draw in COLUMNS.items()}
        watch.count_rows(rows, {"input": columns, "output": {}})
        watch.judge((window + 1) * settings.window_seconds)
    return {c.base.column.name for c in watch.columns if c.state == "drift"}


@pytest.mark.parametrize(
    ("rows", "settings", "horizon", "windows"),
    [
        (20_000, Settings(), "window", 1),
        (2000, Settings(window_rows=200, false_alarms=1 / 3600), "window", 1),
        (5000, Settings(window_rows=300, window_seconds=2700.0, min_effect=0.0), "day", 32),
        (1500, Settings(window_rows=500, window_seconds=43_200.0, replicas=10**4), "month", 40),
    ],
)
def test_half_as_much_again_is_found_and_half_of_it_is_not(rows, settings, horizon, windows):
    profile = reference(rows)
    assert found(profile, settings, horizon, 1.5, windows) == set(COLUMNS)
    assert found(profile, settings, horizon, 0.5, windows) == set()


def test_more_rows_or_time_tell_more_and_more_columns_less():
    profile = reference(5000)
    by = detectable(profile, Settings()).columns["input", "normal"]
    assert by["window"].shift_sd > by["day"].shift_sd >= by["month"].shift_sd > 0.05
    assert [by[name].windows for name in by] == [1, 256, 8192]
    free = Settings(min_effect=0.0)
    by = detectable(profile, free).columns["input", "normal"]
    for worse in (free._replace(window_rows=100), free._replace(false_alarms=1e-9)):
        less = detectable(profile, worse).columns["input", "normal"]
        assert less["window"].shift_sd > 1.1 * by["window"].shift_sd
    one = Batch({"normal": normal(np.random.default_rng(0), 5000, NOTHING, 0)}, 5000)
    alone = detectable(build_profile(passes_of(one)), free).columns["input", "normal"]
    assert alone["day"].shift_sd < 0.97 * by["day"].shift_sd


def test_rows_that_are_asked_for_are_enough():
    settings = Settings(window_rows=200)
    few = detectable(reference(1000), settings).short
    assert {short.column for short in few} == set(COLUMNS)
    assert few[0].least > 0.1
    wanted = max(short.rows for short in few)
    assert 5000 < wanted < 12_000
    assert detectable(reference(int(1.1 * wanted)), settings).short == []
    assert len(detectable(reference(int(0.8 * wanted)), settings).short) > 2
    effect = settings._replace(min_effect=2 * few[0].least)
    assert detectable(reference(1000), effect).short == []


def test_what_varies_by_itself_is_not_helped_by_rows():
    """A week whose days wander by 0.3 sd, and follow the hour of day."""
    rng = np.random.default_rng(2)
    times = np.arange(0, 7 * 86400, 60.0)
    walk = np.repeat(rng.normal(0, 0.3, size=7 * 24), 60)
    wave = np.sin(times / 86400 * 2 * np.pi)
    columns = {
        "t": times.tolist(),
        "steady": rng.normal(size=len(times)).tolist(),
        "wanders": (rng.normal(size=len(times)) + walk).tolist(),
        "daily": (rng.normal(size=len(times)) + wave).tolist(),
    }

    def passes():
        yield Batch(columns, len(times))

    profile = with_variation(build_profile(passes, timestamp="t"), passes(), "t")
    assert profile.columns[0].variation is not None
    assert profile.columns[0].variation.daily
    found = detectable(profile, Settings(window_rows=300))
    day = {name: each["day"].shift_sd for (_, name), each in found.columns.items()}
    assert day["steady"] < 0.15 < day["wanders"]
    assert day["daily"] is not None
    short = {one.column: one.rows for one in found.short}
    assert short["wanders"] == float("inf")
    assert len(times) < short.get("steady", len(times) + 1) < 50_000


def test_columns_that_tell_nothing_say_so():
    columns = {
        "constant": [1.0] * 500,
        "text": [f"a name {i}" for i in range(500)],
        "nothing": [None] * 500,
        "number": np.random.default_rng(0).normal(size=500).tolist(),
    }
    profile = build_profile(passes_of(Batch(columns, 500)))
    day = {n: each["day"] for (_, n), each in detectable(profile, Settings()).columns.items()}
    assert day["constant"].shift_sd is None
    assert day["constant"].category == "= 1"
    assert 0 < day["constant"].points < 5
    assert 0 < day["text"].shift < 0.5  # of a length of about 10
    assert 0 < day["text"].missing_points < 5
    assert day["nothing"] == Told(256)
    tiny = build_profile(passes_of(Batch({"number": columns["number"][:49]}, 49)))
    found = detectable(tiny, Settings())
    assert set(found.columns["input", "number"].values()) == {Told(1), Told(256), Told(8192)}
    empty = build_profile(passes_of(Batch({"t": [1.0]}, 1)), timestamp="t")
    assert detectable(empty, Settings()) == ({}, [])
