"""A reference's natural variation from the rows that it was built of, if they have times.

Rule: one more pass; what is kept is counts by slot of time, no rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from agent.drift.backtest.clock import Clock
from agent.drift.cells import cells_of
from agent.drift.history import History, Slots
from agent.drift.natural import is_long_enough, variation_of
from agent.drift.reference import ColumnProfile, Profile, hashed
from agent.drift.scores import scores_of
from agent.drift.sketch import MISSING, Bins, Floats, Ints
from agent.drift.table import Batch

SLOT = 300.0
"""Seconds; the length of a window in time, by default."""


def with_variation(
    profile: Profile, batches: Iterator[Batch], timestamp: str, seconds: float = SLOT
) -> Profile:
    """The profile with the variation of its columns over the period of these rows.

    Unchanged if they cover less than a week. Raises TableError if they are not sorted by time.
    """
    bins = [(column.name, column.bins()) for column in profile.columns]
    history = History(sum(kind.size + 2 for _, kind in bins), seconds)
    clock = Clock(timestamp)
    for batch in batches:
        columns: dict[str, Any] = dict(batch.columns)
        times = clock.read(columns, batch.rows)
        for first, last in _slots(times, seconds):
            counts = [_count(kind, columns.get(name, ()), first, last) for name, kind in bins]
            history.add(float(times[first]), np.concatenate(counts))
    return varied(profile, history)


def varied(profile: Profile, history: History) -> Profile:
    """The profile with what this history shows: its columns' counts side by side in each slot."""
    slots = history.slots()
    if not is_long_enough(slots):
        return profile
    columns: list[ColumnProfile] = []
    at = 0
    for column in profile.columns:
        width = len(column.counts) + 2
        part = Slots(slots.places, slots.counts[:, at : at + width], slots.seconds)
        columns.append(_varied(column, part))
        at += width
    return hashed(msgspec.structs.replace(profile, columns=columns, period=history.period()))


def _varied(column: ColumnProfile, slots: Slots) -> ColumnProfile:
    cells = cells_of(column)
    scores = scores_of(cells, column.edges)
    counts = slots.counts.astype(np.int64)
    matrix = scores.values[:, cells.places]
    return msgspec.structs.replace(
        column, variation=variation_of(slots, counts, matrix, scores.labels)
    )


def _slots(times: Floats, seconds: float) -> Iterator[tuple[int, int]]:
    """Runs of rows of one slot."""
    ends = [*(np.flatnonzero(np.diff(times // seconds)) + 1).tolist(), len(times)]
    first = 0
    for last in ends:
        if last > first:
            yield first, last
        first = last


def _count(bins: Bins, values: Sequence[Any], first: int, last: int) -> Ints:
    part = values[first:last]
    counts = bins.count(part)
    counts[MISSING] += last - first - len(part)
    return counts
