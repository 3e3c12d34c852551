"""What a prediction costs: processor seconds of the model server by predictions, over a while.

Rule: pure; what was used is told by others, in seconds since whenever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from agent.load.readings import Reading

MOST_CHANGES = 90


class Used(Protocol):
    """What the model server has used up; None where that cannot be known."""

    def cpu_seconds(self) -> float | None:
        """Of all its processes and all cores, cumulative."""

    def gpu_seconds(self) -> float | None:
        """Seconds × share of a GPU in use, cumulative."""


class Look(NamedTuple):
    """All that is known of one moment."""

    reading: Reading
    rows: Mapping[str, int]
    """Predictions by model, as far as they were decoded."""


class Predictions(NamedTuple):
    """Made in a while, by estimate where not all were looked at."""

    number: float
    counted: str
    """"rows" of decoded answers, or "requests" of status 2xx where nothing was decoded."""


def predictions(looks: Sequence[Look]) -> Predictions:
    """Between the first and the last of some looks.

    Rows are scaled up by the share of requests whose bodies were looked at.
    """
    first, last = looks[0], looks[-1]
    rows = sum(last.rows.values()) - sum(first.rows.values())
    observed = last.reading.observed - first.reading.observed
    unread = last.reading.unread - first.reading.unread
    if rows > 0 and observed > unread >= 0:
        return Predictions(rows * observed / (observed - unread), "rows")
    if rows > 0:
        return Predictions(rows, "rows")
    return Predictions(max(last.reading.answered - first.reading.answered, 0), "requests")


class Meter:
    """One of the two figures of `Used`, which is sampled more seldom than we look: what was used,
    and the predictions, from one change of it to another."""

    def __init__(self, window: float) -> None:
        """`window`: seconds that a cost is over, or two samples if they are further apart."""
        self._window = window
        self._changes: deque[tuple[float, Look]] = deque(maxlen=MOST_CHANGES)

    def add(self, used: float | None, look: Look) -> None:
        """Looks; None, or less than before, begins anew."""
        changes = self._changes
        if used is None or (changes and used < changes[-1][0]):
            changes.clear()
        if used is None or (changes and used == changes[-1][0]):
            return
        changes.append((used, look))
        while len(changes) > 2 and look.reading.at - changes[1][1].reading.at >= self._window:
            changes.popleft()

    def each(self, now: float) -> float | None:
        """Seconds used a prediction; None where that is unknown, or known of long ago only."""
        if len(self._changes) < 2:
            return None
        (before, first), (after, last) = self._changes[0], self._changes[-1]
        between = last.reading.at - first.reading.at
        made = predictions((first, last))
        if made.number < 1 or now - last.reading.at > max(self._window, 2 * between):
            return None
        return (after - before) / made.number
