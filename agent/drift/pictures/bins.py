"""A column's bins, in the reference and now, for people to look at.

Rule: pure; shows counts, judges nothing. Shares are of rows, 0 to 1, missing ones too, and those
of one side sum to one.

Bins that neither has rows in are left out. Of long lists of categories those are kept that are the
most frequent on either side or moved most; the rest is one bin that says how many they are.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from agent.drift.engine.cells import bin_label
from agent.drift.pictures.shares import root_of
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Ints

MOST = 60
"""Categories that are shown one by one."""
BY_FREQUENCY = MOST // 3
"""Of those, the most frequent of each side; the others are those that moved most."""
BEYOND_CHANCE = 3.3
"""Of `shares.root_of`: 1 in 1,000 goes so far by chance."""
WORTH_TELLING = 0.005
"""Half a point: a share that moved less is not marked, however sure that is."""

Kind = Literal["range", "category", "other", "missing", "invalid"]


class Bin(Struct, frozen=True):
    """One bin. What is None is not of its kind."""

    bin: str
    """For people: `(1.5, 2]`, `= 3`, `< 0`, a category, `other`."""
    low: float | None
    """Of a range, itself outside of it; None: open. Of a single value that value, as `high`."""
    high: float | None
    category: str | None
    """Of a hashed column its hash."""
    kind: Kind
    reference: float
    now: float
    reference_rows: int
    now_rows: int
    moved: Literal[-1, 0, 1]
    """Up or down by more than chance and half a point; always 0 where it is not asked for."""


def counts_of(column: ColumnProfile) -> Ints:
    """The reference's counts: of its bins, then of missing and invalid."""
    return np.array([*column.counts, column.missing, column.invalid], dtype=np.int64)


def bins_of(column: ColumnProfile, now: Ints | None, *, marks: bool) -> list[Bin]:
    """The bins of a column in their order, categories by the reference's frequency.

    `now`: counts of the same bins, then of missing and invalid; None: nothing was seen.
    `marks`: whether bins that moved are marked, as they are where the column was found to drift.
    """
    before = counts_of(column)
    sides = _Sides(before, before * 0 if now is None else now, marks)
    size, filled = len(column.counts), sides.filled()
    found: list[Bin] = []
    if column.edges is not None:
        for place in (place for place in filled if place < size):
            low, high = interval(column.edges, place)
            found.append(sides.bin(bin_label(column, place), "range", [place], low, high))
    else:
        names = column.categories or []
        shown, rest = sides.chosen([place for place in filled if place < size - 1])
        found += (sides.bin(names[p], "category", [p], category=names[p]) for p in shown)
        if rest:
            found.append(sides.bin(f"{len(rest):,} more categories", "other", rest))
        if size - 1 in filled:
            found.append(sides.bin("other", "other", [size - 1]))
    if size in filled:
        found.append(sides.bin("missing", "missing", [size]))
    if size + 1 in filled:
        found.append(sides.bin("invalid", "invalid", [size + 1]))
    return found


class _Sides:
    """The counts of both sides, on the same bins."""

    def __init__(self, before: Ints, after: Ints, marks: bool) -> None:
        self._counts = before, after
        self._rows = max(1, int(before.sum())), max(1, int(after.sum()))
        self._moved = _moved(before, after) if marks else before * 0

    def filled(self) -> list[int]:
        """Places where either side has rows, in their order."""
        before, after = self._counts
        return np.flatnonzero(before + after).tolist()

    def bin(
        self,
        text: str,
        kind: Kind,
        places: Sequence[int],
        low: float | None = None,
        high: float | None = None,
        category: str | None = None,
    ) -> Bin:
        """These places as one."""
        was, now = (int(counts[[*places]].sum()) for counts in self._counts)
        shares = was / self._rows[0], now / self._rows[1]
        moved = int(self._moved[places[0]]) if len(places) == 1 else 0
        mark: Literal[-1, 0, 1] = 0 if not moved else 1 if moved > 0 else -1
        return Bin(text, low, high, category, kind, *shares, was, now, mark)

    def chosen(self, places: Sequence[int]) -> tuple[list[int], list[int]]:
        """Categories that are shown, by the reference's frequency, and those that are not."""
        before, after = self._counts
        shares = before / self._rows[0], after / self._rows[1]
        shown = [*places]
        if len(places) > MOST:
            kept: dict[int, None] = {}
            for share in shares:
                kept |= dict.fromkeys(_greatest(places, share.tolist())[:BY_FREQUENCY])
            change = np.abs(shares[1] - shares[0]).tolist()
            kept |= dict.fromkeys(_greatest(places, change)[:MOST])
            shown = [*kept][:MOST]
        left = sorted(set(places) - set(shown))
        return sorted(shown, key=lambda place: (-before[place], place)), left


def interval(edges: Sequence[float], place: int) -> tuple[float | None, float | None]:
    """Low and high end of a bin; a single value is both of its ends."""
    low = edges[place - 1] if place else None
    high = edges[place] if place < len(edges) else None
    if place == 0 and high is not None:
        high = math.nextafter(high, math.inf)  # the least value, which is in the next bin
    elif low is not None and high is not None and math.nextafter(low, math.inf) == high:
        low = high
    elif low is not None and abs(low) < sys.float_info.min:
        low = 0.0  # the float before the least value
    return low, high


def _greatest(places: Iterable[int], weight: Sequence[float]) -> list[int]:
    return sorted(places, key=lambda place: (-weight[place], place))


def _moved(before: Ints, after: Ints) -> Ints:
    """Of each bin whether its share went up or down by more than chance, and is worth telling."""
    m, n = int(before.sum()), int(after.sum())
    if not m or not n:
        return before * 0
    change = after / n - before / m
    root = root_of(before.astype(np.float64), m, after.astype(np.float64), n)
    marked = (np.abs(root) >= BEYOND_CHANCE) & (np.abs(change) >= WORTH_TELLING)
    return np.where(marked, np.sign(root), 0).astype(np.int64)
