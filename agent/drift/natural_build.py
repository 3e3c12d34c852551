"""A reference's natural variation from the rows that it was built of, if they have times.

Rule: one more pass; what is kept is counts by slot of time, no rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from agent.drift.clock import Clock
from agent.drift.history import History
from agent.drift.natural import DAY, LONGEST, MIN_PERIOD, SLACK
from agent.drift.period import varied
from agent.drift.reference import Profile
from agent.drift.sketch import MISSING, Bins, Floats, Ints
from agent.drift.table import Batch
from agent.drift.vectors.build import projected

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
    for batch in projected(batches, profile.vectors):
        columns: dict[str, Any] = dict(batch.columns)
        times = clock.read(columns, batch.rows)
        for first, last in _slots(times, seconds):
            counts = [_count(kind, columns.get(name, ()), first, last) for name, kind in bins]
            history.add(float(times[first]), np.concatenate(counts))
    return varied(profile, history)


def why_unknown(profile: Profile) -> str:
    """Why a profile of rows with times has no natural variation; nothing if it has, or had none."""
    period = profile.period
    if period is None or period.slots:
        return ""
    days = (period.ended - period.began) / DAY
    wanted = f"rows of {MIN_PERIOD / DAY:.0f} days, these cover {days:.1f} days"
    if days >= SLACK * MIN_PERIOD / DAY:
        wanted = f"rows of {2 * LONGEST} times or more, these have fewer"
    return (
        f"natural variation is not known: it takes {wanted}; what goes with the hour of day or "
        f"the day of week will be taken for drift"
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
