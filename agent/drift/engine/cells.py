"""A column's bins as the cells that are tested.

Rule: the bins that the reference never filled are one cell, `unseen`: a new category, a value
out of range. Each by itself expects nothing and would be tested for nothing.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Floats, Ints

UNSEEN, MISSING, INVALID = -3, -2, -1
"""Places of the last three cells."""


class Cells(NamedTuple):
    """Which cell each bin of a column belongs to, and what the reference expects there."""

    places: Ints
    """The cell of each bin, then of missing and of invalid."""
    shares: Floats
    """The reference's share of each cell, never zero: half a row is added to each, and to `unseen`
    what one must expect to come that did not."""
    rows: int
    """Of the reference."""
    labels: tuple[str, ...]
    bins: tuple[int, ...]
    """The bin of each cell but the last three."""
    measure: str
    """What bins on a number line are of: nothing said of the values, or their `length`."""

    @property
    def size(self) -> int:
        return len(self.shares)


def cells_of(column: ColumnProfile) -> Cells:
    """The cells of a column: its filled bins in their order, then unseen, missing, invalid."""
    filled = tuple(i for i, count in enumerate(column.counts) if count)
    size = len(filled) + 3
    places = np.full(len(column.counts) + 2, size + UNSEEN)
    places[list(filled)] = range(len(filled))
    places[MISSING], places[INVALID] = size + MISSING, size + INVALID
    counts = np.array([*column.counts, column.missing, column.invalid], dtype=np.float64)
    totals = np.bincount(places, counts, size)
    rows = float(counts.sum())
    totals[UNSEEN] += _still_to_come(column)
    shares: Floats = np.asarray((totals + 0.5) / (totals + 0.5).sum(), dtype=np.float64)
    labels = tuple(bin_label(column, i) for i in filled)
    return Cells(
        places,
        shares,
        int(rows),
        (*labels, "unseen", "missing", "invalid"),
        filled,
        _measure(column),
    )


def _still_to_come(column: ColumnProfile) -> int:
    """Rows of the reference's number that fall where it has none, though nothing changed.

    Beyond the extremes of m rows lies a share with mean 1/(m + 1) at each end (Beta(1, m)). Of
    values that were not seen it is the number of those seen once, over m (Good and Turing).
    """
    counts = column.counts
    ends = (not counts[0]) + (not counts[-1]) if column.edges else 0
    return ends + sum(count == 1 for count in counts)


def _measure(column: ColumnProfile) -> str:
    return "length" if column.kind == "text" else ""


def bin_label(column: ColumnProfile, place: int) -> str:
    """A bin for people: `(1.5, 2]`, `= 3`, `< 0`, `> 9`, a category, `other`, `missing`.

    Those of texts say what they are of: `length (12, 40]`.
    """
    size = len(column.counts)
    if place >= size:
        return "missing" if place == size else "invalid"
    if column.edges is None:
        categories = column.categories or []
        return categories[place] if place < len(categories) else "other"
    if not column.edges:
        return f"any {_measure(column) or 'number'}"
    return f"{_measure(column)} {_interval(column.edges, place)}".lstrip()


def _interval(edges: Sequence[float], place: int) -> str:
    if place == 0:
        return f"< {_shown(math.nextafter(edges[0], math.inf))}"
    if place == len(edges):
        return f"> {_shown(edges[-1])}"
    low, high = edges[place - 1], edges[place]
    is_atom = math.nextafter(low, math.inf) == high
    return f"= {_shown(high)}" if is_atom else f"({_shown(low)}, {_shown(high)}]"


def _shown(edge: float) -> str:
    """The float next to 0, where a bin begins whose least value is 0, is 0 to people."""
    return f"{edge:.6g}" if abs(edge) >= sys.float_info.min else "0"
