"""The acts of the demo by the clock.

Rule: pure; seconds since the traffic began in, the act out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

QUIET = 0.45
"""Share of the time before the shift."""
WINDOW_ROWS = 200
WINDOW_SECONDS = 10.0
"""Whichever is full first; at 100 requests a second there is a window every two seconds."""
MIN_SECONDS = 20.0
MAX_SECONDS = 86400.0
MIN_RATE = 20.0
MAX_RATE = 1000.0


@dataclass(frozen=True, slots=True)
class Act:
    """One part of the run, from `start` to `end` seconds."""

    title: str
    start: float
    end: float
    shifted: bool
    following: str
    """What comes next."""


def seconds_needed(rate: float) -> float:
    """So long that after the shift a mixed window and two more can pass, and be seen."""
    return max(MIN_SECONDS, math.ceil((3 * WINDOW_ROWS / rate + 2) / (1 - QUIET)))


class Timeline:
    """Two acts in `seconds`, with `rate` requests a second.

    Raises ValueError where the time is too short for the windows of both acts to fill, or the
    rate is more than the model server can take.
    """

    def __init__(self, seconds: float, rate: float) -> None:
        if not MIN_RATE <= rate <= MAX_RATE:
            raise ValueError(f"--rate must be {MIN_RATE:.0f} to {MAX_RATE:.0f}, not {rate:g}")
        shortest = seconds_needed(rate)
        if not shortest <= seconds <= MAX_SECONDS:
            raise ValueError(
                f"--seconds must be {shortest:.0f} to {MAX_SECONDS:.0f} at {rate:g} requests"
                f" a second, not {seconds:g}"
            )
        self.seconds = seconds
        self.rate = rate
        shift = QUIET * seconds
        self.acts = (
            Act("wines as in training", 0.0, shift, False, "the shift"),
            Act("the photometer reads wrong", shift, seconds, True, "the end"),
        )

    def at(self, seconds: float) -> Act:
        """The act at that time; the first before the start, the last after the end."""
        for act in self.acts:
            if seconds < act.end:
                return act
        return self.acts[-1]
