"""Columns of the reference that the traffic never has are said: no verdict speaks of them."""

from __future__ import annotations

import numpy as np

from agent.decode.payload import Columns
from agent.drift.monitor import Monitor, References
from agent.drift.settings import Settings
from agent.drift.traffic.caveats import caveats_of
from tests.drift.test_monitor import payload, reference

ROWS = 100
SAID = "in the reference as input, never in the traffic, so not judged: age"


class Site:
    """A model with a reference of age, height and a score."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        known = reference(self.columns("age", "height", "score", rows=500), outputs=("score",))
        self.now = 0.0
        settings = Settings(window_rows=ROWS)
        self.monitor = Monitor(settings, References(known), clock=lambda: self.now)

    def columns(self, *names: str, rows: int = ROWS) -> Columns:
        return {name: self.rng.normal(size=rows).tolist() for name in names}

    def window(self, *inputs: str, outputs: tuple[str, ...] = ("score",)) -> None:
        self.now += 60
        self.monitor.add(payload(self.columns(*inputs), self.columns(*outputs)))

    def caveats(self) -> str:
        (model,) = self.monitor.models.values()
        return " | ".join(caveats_of(model))


def test_a_column_that_is_called_otherwise_is_told_once_and_stays_a_caveat():
    site = Site()
    for _ in range(3):
        site.window("Age", "height")
    (note,) = site.monitor.take_notes()
    assert note == f"drift of m: {SAID} (in the traffic, and not in the reference: Age)"
    assert note.removeprefix("drift of m: ") in site.caveats()
    site.window("age", "height")
    assert SAID not in site.caveats()
    assert site.monitor.take_notes() == []


def test_nothing_is_told_where_all_come_or_a_side_is_not_read():
    site = Site()
    site.window("age", "height", "more", outputs=())
    assert "never in the traffic" not in site.caveats()
    site.window("age", "height", "more")
    assert site.monitor.take_notes() == []
    assert "never in the traffic" not in site.caveats()


def test_a_lone_column_that_is_missing_is_told_without_others():
    site = Site()
    site.window("height")
    assert [note.endswith(SAID) for note in site.monitor.take_notes()] == [True]
