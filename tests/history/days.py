"""A day whose clock is the test's, over a real ledger and a real monitor."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agent.decode.payload import Columns, Payload
from agent.drift.learning.build import build_profile
from agent.drift.monitor import Monitor, References
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings
from agent.history.recorder import LOOK, STEP, Recorder
from agent.ledger import OBSERVER, Caps, Ledger
from agent.observer.day import Day
from agent.observer.redact import Redactor
from agent.settings.redaction import Redact

NOON = 1_800_000_000 // STEP * STEP
SIZE = 3


@dataclass
class World:
    """`restart` begins another day over the same ledger, as another observer does."""

    now: float = NOON
    ledger: Ledger = field(default_factory=lambda: Ledger(1, caps=Caps(8, 8)))
    names: tuple[str, ...] = ("age", "income")

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(1)
        rows = Batch(self.rows(2000), 2000)
        profile = build_profile(lambda: iter([rows]), model="m")
        self.references = References(None, {"m": [profile]})
        self.restart()

    def clock(self) -> float:
        return self.now

    def rows(self, count: int, shift: float = 0.0) -> Columns:
        return {
            name: (self.random.normal(size=count) + (shift if name == "age" else 0)).tolist()
            for name in self.names
        }

    def restart(self) -> None:
        settings = Settings(window_rows=500, window_seconds=60.0)
        self.monitor = Monitor(settings, self.references, clock=self.clock)
        recorder = Recorder(self.ledger, self.clock, steady=self.clock)
        self.day = Day(self.ledger, recorder, self.monitor, Redactor(Redact(), b"key"))

    def send(self, shift: float = 0.0) -> None:
        """A window."""
        columns = self.rows(500, shift)
        self.monitor.add(Payload("m", "", "", columns, {}, 500, 0, 0))

    def run(self, seconds: float, shift: float | None = None) -> None:
        """Time passes; with `shift`, a window of rows each look."""
        end = self.now + seconds
        while self.now < end:
            self.now += LOOK
            if shift is not None:
                self.send(shift)
            self.monitor.tick()
            self.ledger.observer[OBSERVER["heartbeat"]] += 1
            self.day.look()
