"""How far each column was beyond its threshold in the last day, and what it lacked.

Rule: bounded: `MAX_COLUMNS` columns, two numbers of four bytes a step: of a day of minutes
5.8 MB. A column comes in when it is first judged and stays.

Theory. Where there is no place, a newcomer takes that of a column that was not judged for `GONE`
steps; else that of the model with the most columns gives one, the one with the least peak, if the
newcomer's model has fewer by more than one; else, of its own model, the one with the least peak,
if the newcomer drifts and that one never came as far. So one model with thousands of columns
leaves room for the others, and of its own columns those are seen that drifted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from agent.history.recorder import STEPS

MAX_COLUMNS = 500
GONE = 60
"""Steps."""
NEWCOMERS = 20
"""That may take another's place in a step: those that drift most."""
_GROWTH = 50
"""Places that are made at once."""

Shares = npt.NDArray[np.float32]


class Key(NamedTuple):
    """Whose column it is."""

    model: str
    version: str
    side: str
    name: str


class Seen(NamedTuple):
    """A column at a step; NaN: not known."""

    key: Key
    ratio: float
    """Of its score to its threshold: above 1 it drifts."""
    missing: float
    """Share of the last window's rows, 0 to 1."""


class Columns:
    """See the module."""

    def __init__(self, steps: int = STEPS) -> None:
        """So many steps are kept."""
        self.steps = steps
        self.ratio: Shares = np.empty((0, steps), dtype=np.float32)
        self.missing: Shares = np.empty((0, steps), dtype=np.float32)
        self.places: dict[Key, int] = {}
        self.seen: dict[Key, int] = {}
        """The last step in which each was known."""
        self.head = 0
        self._free: list[int] = []
        self._peaks: Shares | None = None

    @property
    def nbytes(self) -> int:
        """Of the numbers."""
        return self.ratio.nbytes + self.missing.nbytes

    def take(self, step: int, found: Iterable[Seen]) -> None:
        """What is known at a step; steps that were left out are unknown."""
        self._go(step)
        self._peaks = None
        late: list[Seen] = []
        for one in found:
            place = self.places.get(one.key)
            if place is None:
                late.append(one)
            else:
                self._put(place, one)
        late = [one for one in late if one.ratio == one.ratio]
        room = len(self._free) + MAX_COLUMNS - len(self.ratio)
        if len(late) > room:
            late.sort(key=lambda one: -one.ratio)
        for one in late[: room + NEWCOMERS]:
            if (place := self._place(one)) is not None:
                self._put(place, one)

    def resume(self, head: int, seen: Mapping[Key, int], ratio: Shares, missing: Shares) -> None:
        """Goes on from what another knew, a row a column; call it before the first `take`."""
        self.head = head
        self.seen = dict(seen)
        self.places = {key: n for n, key in enumerate(seen)}
        self.ratio, self.missing = ratio.copy(), missing.copy()
        self._free = []

    def worst(self, most: int, steps: int) -> list[tuple[Key, Shares, Shares]]:
        """The columns that were furthest beyond their threshold in the last `steps`: ratios and
        missing shares of each. One of which nothing is known there is none of them."""
        keys = [*self.places]
        if not keys or most <= 0:
            return []
        columns = np.arange(self.head - steps + 1, self.head + 1) % self.steps
        places = np.array([self.places[key] for key in keys])
        ratio = self.ratio[places][:, columns]
        peaks = np.nan_to_num(ratio, nan=-1.0).max(axis=1)
        order = np.argsort(-peaks, kind="stable")[: min(most, int((peaks >= 0).sum()))]
        missing = self.missing[places[order]][:, columns]
        return [(keys[n], ratio[n], missing[i]) for i, n in enumerate(order.tolist())]

    def _put(self, place: int, one: Seen) -> None:
        self.ratio[place, self.head % self.steps] = one.ratio
        self.missing[place, self.head % self.steps] = one.missing
        if one.ratio == one.ratio:
            self.seen[one.key] = self.head

    def _go(self, step: int) -> None:
        """Forgets what stood where the new steps go; a clock set back forgets the steps after."""
        first, last = sorted((self.head, step))
        gone = np.arange(max(first + 1, last - self.steps + 1), last + 1) % self.steps
        self.ratio[:, gone] = np.nan
        self.missing[:, gone] = np.nan
        self.head = step

    def _place(self, one: Seen) -> int | None:
        if not self._free and len(self.ratio) < MAX_COLUMNS:
            self._grow()
        if not self._free and (gives := self._gives(one)) is not None:
            self._remove(gives)
        if not self._free:
            return None
        place = self._free.pop()
        self.places[one.key], self.seen[one.key] = place, self.head
        return place

    def _gives(self, one: Seen) -> Key | None:
        """Whose place a newcomer gets; None: nobody's."""
        oldest = min(self.seen, key=self.seen.__getitem__)
        if self.head - self.seen[oldest] >= GONE:
            return oldest
        of = Counter(key.model for key in self.places)
        largest, most = of.most_common(1)[0]
        if most > of[one.key.model] + 1:
            return self._least(largest)[0]
        if one.ratio <= 1 or not of[one.key.model]:
            return None
        least, peak = self._least(one.key.model)
        return least if peak < min(1.0, one.ratio) else None

    def _least(self, model: str) -> tuple[Key, float]:
        """The column of a model whose peak is the least, and that peak."""
        if self._peaks is None:
            self._peaks = np.nan_to_num(self.ratio, nan=-1.0).max(axis=1)
        peaks = self._peaks
        own = (key for key in self.places if key.model == model)
        least = min(own, key=lambda key: float(peaks[self.places[key]]))
        return least, float(peaks[self.places[least]])

    def _remove(self, key: Key) -> None:
        place = self.places.pop(key)
        del self.seen[key]
        self.ratio[place] = self.missing[place] = np.nan
        if self._peaks is not None:
            self._peaks[place] = np.inf
        self._free.append(place)

    def _grow(self) -> None:
        size = len(self.ratio)
        more = np.full((min(_GROWTH, MAX_COLUMNS - size), self.steps), np.nan, dtype=np.float32)
        self.ratio = np.concatenate((self.ratio, more))
        self.missing = np.concatenate((self.missing, more))
        self._free.extend(range(len(self.ratio) - 1, size - 1, -1))
