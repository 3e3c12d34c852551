"""The times of rows: from a column, or so much a window.

Rule: times are seconds since the epoch and never go back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from agent.drift.reference.sketch import Floats, Values
from agent.drift.reference.times import epochs
from agent.drift.rows.batch import TableError

SUMMER = "; if summer time set the clocks back, write times with their zone (+02:00)"


class Clock:
    """Reads a column of times, batch after batch."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._last = -np.inf
        self._row = 0

    def read(self, columns: dict[str, Any], rows: int) -> Floats:
        """The times of a batch, whose column is taken out of `columns`.

        Raises TableError if there is none, if one is no time, or earlier than that before it.
        """
        if self._column not in columns:
            raise TableError(
                f"--timestamp {self._column}: no such column; there are {', '.join(columns)}"
            )
        times = self._seconds(columns.pop(self._column))
        before = np.concatenate([[self._last], times[:-1]])
        back = np.flatnonzero(~(times >= before))
        if len(back):
            at = int(back[0])
            hint = SUMMER if before[at] - times[at] <= 3600 else ""
            raise TableError(
                f"row {self._row + at + 1}: {self._column} is {shown(times[at])}, after "
                f"{shown(before[at])}: sort the rows by time{hint}"
            )
        self._row += rows
        self._last = float(times[-1]) if len(times) else self._last
        return times

    def _seconds(self, values: Values) -> Floats:
        times = epochs(values)
        wrong = np.flatnonzero(np.isnan(times))
        if len(wrong):
            place = int(wrong[0])
            value = values[place]
            found = repr(None if value != value else value)
            raise TableError(
                f"row {self._row + place + 1}: {self._column}: {found} is no time; wanted ISO 8601 "
                "such as 2026-03-01T12:00:00Z, or seconds or milliseconds since the epoch; leave "
                "out rows that have none"
            )
        return times


def shown(time: float) -> str:
    """In UTC, for people; as it is if it is of no year that a calendar has."""
    try:
        return datetime.fromtimestamp(time, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return str(time)
