"""The traffic of the last day, a step a minute, and of the last ten minutes more finely.

Rule: differences of the ledger's exact sums, each counted once. Bounded: `STEPS` rows and
`FINE` snapshots, half a megabyte. Not thread-safe: one loop looks and asks.

Theory. Every `LOOK` seconds the sums are read and what they grew by is added to the step in which
it happened; if more than two looks were missed (the process was restarted, or stopped) it is
spread evenly over the steps of that time, so that a pause is no peak. Of a pause of more than
`MAX_GAP` nothing is said: its steps are unknown. The first look at a ledger that somebody has
observed before only takes its sums, unless what that one kept is at hand (`resume`); of a new one
all is counted. Counts go on in the ledger when an observer is restarted and when another generation
takes over, so a total of the steps is exact across both.

Steps are of the wall's clock, intervals of a steady one. Where the wall's is set, what happened
before is as long ago as it was, and steps that are now in the future are forgotten.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agent.history.sums import AT, Reader, Sums
from agent.history.totals import Totals
from agent.ledger import Ledger

STEP = 60
"""Seconds."""
STEPS = 1440
LOOK = 10.0
"""Seconds between two readings of the ledger."""
FINE = 61
"""Snapshots that are kept of them: ten minutes."""
CLOCK_SET = 1.0
"""Seconds by which the clocks may differ between two readings."""
MAX_GAP = 600.0
"""Seconds without a look over which what was counted is still spread."""


class Look(NamedTuple):
    """What a look found."""

    at: float
    grown: Sums
    """All that was counted since this process began to look."""
    active: int


class Span(NamedTuple):
    """Consecutive steps, the last of which may not be over yet."""

    step: int
    """Seconds."""
    at: list[int]
    """When each began, seconds since the epoch."""
    seconds: npt.NDArray[np.float64]
    """Of each that were observed; 0: nothing is known of it."""
    rows: Sums
    """As `Reader` makes them."""
    active: npt.NDArray[np.int64]
    """The most requests under way at a look."""


class Kept(NamedTuple):
    """What another process needs to go on."""

    identity: str
    """Of the ledger."""
    read_at: float
    sums: Sums
    """As they were read then."""
    head: int
    """The step of the last look; `STEPS` rows end with it."""
    rows: Sums
    seconds: npt.NDArray[np.float64]
    active: npt.NDArray[np.int64]


class Recorder:
    """See the module."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], float] = time.time,
        rows: Callable[[], int] = lambda: 0,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rows` counts the rows that were decoded since this process began."""
        self.reader = Reader(ledger)
        self._clock, self._steady = clock, steady
        self._scored = rows
        size = self.reader.size
        self._rows = np.zeros((STEPS, size), dtype=np.int64)
        self._seconds = np.zeros(STEPS)
        self._active = np.zeros(STEPS, dtype=np.int64)
        self._fine: deque[Look] = deque(maxlen=FINE)
        self._grown = np.zeros(size, dtype=np.int64)
        self._looked = self.read_at = clock()
        """When the ledger was read last."""
        self._lived: float | None = steady()
        """The same by the steady clock; None: another process did it."""
        self.head = int(self.read_at // STEP)
        """The number of the present step, of all since the epoch."""
        self._sums = np.zeros(size, dtype=np.int64) if self.reader.is_new() else self._read()
        self._fine.append(self._look())

    # ---- taking steps

    def look(self) -> bool:
        """Reads the ledger if it is time, and says whether it was; call it each second."""
        now = self._clock()
        if self.read_at <= now < self._looked - self._looked % LOOK + LOOK:
            return False
        self._take()
        self._looked = self.read_at
        self._fine.append(self._look())
        return True

    def _look(self) -> Look:
        return Look(self.read_at, self._grown, self.reader.active())

    def _take(self) -> None:
        now, lived = self._clock(), self._steady()
        sums = self._read()
        grown = np.maximum(sums - self._sums, 0)
        if self._lived is not None:
            self._follow(now - self.read_at - (lived - self._lived))
        began = min(self.read_at, now)
        self._sums, self.read_at, self._lived = sums, now, lived
        self._grown = self._grown + grown
        if now < self.head * STEP:
            self._set_back(now)
        self._spread(grown, began, now)
        place = self.head % STEPS
        self._active[place] = max(int(self._active[place]), self.reader.active())

    def _follow(self, set_by: float) -> None:
        """The wall's clock was set by so many seconds since the last reading."""
        if abs(set_by) > CLOCK_SET:
            self.read_at += set_by
            self._looked += set_by
            moved = [look._replace(at=look.at + set_by) for look in self._fine]
            self._fine = deque(moved, maxlen=FINE)

    def _read(self) -> Sums:
        sums = self.reader.read()
        sums[AT["rows"]] = self._scored()
        return sums

    def _spread(self, grown: Sums, began: float, now: float) -> None:
        """Adds what was counted between two times to the steps between them."""
        seconds = now - began
        if seconds > MAX_GAP:
            self._go(int(now // STEP))
            return
        if seconds <= 2 * LOOK:
            self._go(int(began // STEP))
            self._add(grown, seconds)
            self._go(int(now // STEP))
            return
        done, at = grown * 0, began
        while at < now:
            self._go(int(at // STEP))
            end = min(now, (self.head + 1) * STEP)
            till = grown if end == now else (grown * ((end - began) / seconds)).astype(np.int64)
            self._add(till - done, end - at)
            done, at = till, end
        self._go(int(now // STEP))

    def _add(self, grown: Sums, seconds: float) -> None:
        place = self.head % STEPS
        self._rows[place] += grown
        self._seconds[place] += seconds

    def _go(self, step: int) -> None:
        """Makes a step the present one; those between are unknown."""
        for n in range(max(self.head + 1, step - STEPS + 1), step + 1):
            self._forget(n)
        self.head = max(self.head, step)

    def _set_back(self, now: float) -> None:
        step = int(now // STEP)
        for n in range(max(step + 1, self.head - STEPS + 1), self.head + 1):
            self._forget(n)
        self.head = step

    def _forget(self, step: int) -> None:
        place = step % STEPS
        self._rows[place] = 0
        self._seconds[place] = 0.0
        self._active[place] = 0

    # ---- what is known

    def window(self, seconds: float) -> Totals:
        """What was counted in the last `seconds`, up to now.

        It begins with a look, so it is up to `LOOK` seconds longer, beyond ten minutes up to
        `STEP`; or shorter, if less is known. Its own `seconds` say so.
        """
        self._take()
        for at, grown, _ in reversed(self._fine):
            if at <= self.read_at - seconds:
                return self.reader.totals(self._grown - grown, self.read_at - at)
        span = self.span(self.head - int((self.read_at - seconds) // STEP) + 1)
        return self.reader.totals(span.rows.sum(axis=0), float(span.seconds.sum()))

    def span(self, steps: int) -> Span:
        """The last steps, at most `STEPS`, with the present one up to now."""
        self._take()
        first = self.head - min(max(steps, 1), STEPS) + 1
        numbers = np.arange(first, self.head + 1)
        places = numbers % STEPS
        at = (numbers * STEP).tolist()
        return Span(STEP, at, self._seconds[places], self._rows[places], self._active[places])

    def fine(self) -> Span:
        """The last ten minutes, a step each `LOOK` seconds, the present one up to now."""
        self._take()
        step = int(LOOK)
        head = int(self.read_at // step)
        at = [number * step for number in range(head - FINE + 2, head + 1)]
        seconds, active = np.zeros(len(at)), np.zeros(len(at), dtype=np.int64)
        rows = np.zeros((len(at), self.reader.size), dtype=np.int64)
        looks = [*self._fine, self._look()]
        for before, after in pairwise(looks):
            place = int(before.at // step) - head - 1
            if place >= -len(at) and after.at > before.at:
                seconds[place] += after.at - before.at
                rows[place] += after.grown - before.grown
                active[place] = max(int(active[place]), after.active)
        return Span(step, at, seconds, rows, active)

    # ---- going on

    def kept(self) -> Kept:
        """For `resume`, now or in another process."""
        span = self.span(STEPS)
        at = (self.reader.identity(), self.read_at, self._sums, self.head)
        return Kept(*at, span.rows, span.seconds, span.active)

    def resume(self, kept: Kept) -> None:
        """Goes on from what was kept; call it before the first look.

        If it is of the same ledger, what was counted since is added as after any pause. Raises
        ValueError if it has other columns or steps.
        """
        size = self.reader.size
        shapes = (kept.rows.shape, kept.seconds.shape, kept.active.shape, kept.sums.shape)
        if shapes != ((STEPS, size), (STEPS,), (STEPS,), (size,)):
            raise ValueError("it has other steps or buckets")
        now = self.read_at
        numbers = np.arange(kept.head - STEPS + 1, kept.head + 1)
        self._rows[numbers % STEPS] = kept.rows
        self._seconds[numbers % STEPS] = kept.seconds
        self._active[numbers % STEPS] = kept.active
        self.head = kept.head
        if now < kept.head * STEP:
            self._set_back(now)
        if self.is_same(kept) and kept.read_at <= now:
            self._sums = kept.sums.copy()
            self._sums[AT["rows"]] = 0
            self.read_at, self._lived = kept.read_at, None
            self._take()
        else:
            self._go(int(now // STEP))
        self._fine.clear()
        self._fine.append(self._look())

    def is_same(self, kept: Kept) -> bool:
        """Whether it is of the same ledger."""
        return kept.identity != "" and kept.identity == self.reader.identity()
