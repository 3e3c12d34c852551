"""A reference of a history's own beginning: its first rows, or those before a time.

Rule: rows that made the reference are not judged by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from agent.drift.learning.build import build_profile
from agent.drift.learning.natural_build import with_variation
from agent.drift.reference.profile import Profile
from agent.drift.rows.clock import Clock, shown
from agent.drift.rows.table import Batch, TableError

PASSES = 4
"""Over the beginning, at most: a sample, counts, relations, and natural variation."""


class Beginning(NamedTuple):
    """Where it ends, by one of both."""

    rows: int | None
    until: float | None
    """Seconds since the epoch; a row of that time is judged."""


def learned(
    passes: Callable[[], Iterator[Batch]],
    beginning: Beginning,
    *,
    timestamp: str,
    outputs: Sequence[str],
    from_text: bool,
) -> Profile:
    """The profile of the beginning of the rows that each call of `passes` gives anew.

    `timestamp`: the column with their times, if there is one. With it, natural variation is known
    if the beginning covers a week. Raises TableError.
    """

    def rows() -> Iterator[Batch]:
        return _cut(passes(), beginning, timestamp)

    profile = build_profile(rows, outputs=outputs, timestamp=timestamp, from_text=from_text)
    return with_variation(profile, rows(), timestamp) if timestamp else profile


def _cut(batches: Iterator[Batch], beginning: Beginning, timestamp: str) -> Iterator[Batch]:
    """Raises TableError if no row is before the time."""
    clock = Clock(timestamp) if timestamp else None
    left = beginning.rows
    for i, batch in enumerate(batches):
        rows = batch.rows
        times = clock.read(dict(batch.columns), rows) if clock is not None else None
        if beginning.until is not None and times is not None:
            rows = int(np.searchsorted(times, beginning.until))
            if not rows and batch.rows and not i:
                raise TableError(
                    f"no row is before {shown(beginning.until)}: the first is of {shown(times[0])}"
                )
        if left is not None:
            rows = min(left, rows)
            left -= rows
        yield Batch({name: values[:rows] for name, values in batch.columns.items()}, rows)
        if rows < batch.rows or left == 0:
            return
