"""What a prediction costs: processor seconds of the model server by predictions, over a while.

Rule: pure; what was used is told by others, in seconds since whenever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from agent.load.readings import Reading


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
    cpu: float | None
    gpu: float | None


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


def each(first: float | None, last: float | None, number: float) -> float | None:
    """Seconds used a prediction; None where unknown, or where the server began anew meanwhile."""
    if first is None or last is None or last < first or number < 1:
        return None
    return (last - first) / number
