"""Counts of a reference period, slot of time by slot, so that its days can be compared.

Rule: integers, bounded memory. When the table is full neighbouring slots are added up two by two:
what is known of the shortest spans goes, nothing else does.

A slot is a fixed length of time on the clock, whatever windows the traffic came in.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agent.drift.reference.sketch import Ints
from agent.drift.reference.variation import Period

MAX_BYTES = 16 << 20
"""Of the table: four weeks of 5 minutes for 20 columns of 25 counts, a week of 40 for 500."""
MIN_SLOTS = 256


class Slots(NamedTuple):
    """Slots that had rows, in the order of time."""

    places: Ints
    """Of each slot: its time in slot lengths since the epoch."""
    counts: npt.NDArray[np.uint32]
    """A slot, then a place of the counts."""
    seconds: float
    """Length of a slot."""


class History:
    """Adds up counts of `width` places by the slot that their time falls in."""

    def __init__(self, width: int, seconds: float, max_bytes: int = MAX_BYTES) -> None:
        self.seconds = seconds
        self.size = 0
        self._most = max(MIN_SLOTS, max_bytes // (4 * max(1, width)))
        self._places = np.zeros(MIN_SLOTS, dtype=np.int64)
        self._counts = np.zeros((MIN_SLOTS, width), dtype=np.uint32)

    @classmethod
    def of(cls, slots: Slots, max_bytes: int = MAX_BYTES) -> History:
        """One that goes on after these. Raises ValueError if they do not follow each other."""
        if not 0 < slots.seconds < math.inf or not (np.diff(slots.places) > 0).all():
            raise ValueError("slots that do not follow each other")
        history = cls(slots.counts.shape[1], slots.seconds, max_bytes)
        history.size = len(slots.places)
        missing = max(0, MIN_SLOTS - history.size)
        history._places = np.pad(slots.places, (0, missing))
        history._counts = np.pad(slots.counts, ((0, missing), (0, 0)))
        return history

    def add(self, at: float, counts: Ints) -> None:
        """Counts of rows about `at`, seconds since the epoch; a clock set back stands still."""
        place = int(at // self.seconds)
        if not self.size or place > self._places[self.size - 1]:
            if self.size == len(self._places):
                self._grow()
                place = int(at // self.seconds)
            if not self.size or place > self._places[self.size - 1]:
                self._places[self.size] = place
                self.size += 1
        self._counts[self.size - 1] += counts.astype(np.uint32)

    def narrow(self, width: int) -> None:
        """Keeps the first places only."""
        self._counts = self._counts[:, :width].copy()

    def slots(self) -> Slots:
        """What there is so far; not to be changed."""
        return Slots(self._places[: self.size], self._counts[: self.size], self.seconds)

    def period(self) -> Period | None:
        """From the first slot to the end of the last."""
        if not self.size:
            return None
        began = float(self._places[0]) * self.seconds
        ended = float(self._places[self.size - 1] + 1) * self.seconds
        return Period(began, ended, self.seconds, self.size)

    def _grow(self) -> None:
        if self.size < self._most:
            more = min(self.size, self._most - self.size)
            self._places = np.concatenate([self._places, np.zeros(more, dtype=np.int64)])
            blank = np.zeros((more, self._counts.shape[1]), dtype=np.uint32)
            self._counts = np.concatenate([self._counts, blank])
            return
        while self.size == len(self._places):
            self.seconds *= 2
            places = self._places[: self.size] // 2
            starts = np.flatnonzero(np.diff(places, prepend=-1))
            counts = np.add.reduceat(self._counts[: self.size], starts, axis=0)
            self.size = len(starts)
            self._places[: self.size], self._counts[: self.size] = places[starts], counts
            self._counts[self.size :] = 0
