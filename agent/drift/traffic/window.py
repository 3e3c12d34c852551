"""A tumbling window: ended by its rows or its seconds, whichever comes first.

Rule: no clock of its own; times are passed in.
"""

from __future__ import annotations

MIN_SECONDS = 1e-3
"""A window is charged for at least so much time, even if the clock stood or was set back."""


class Window:
    """Counts the rows of the present window. A batch is never split: it ends in its window."""

    __slots__ = ("opened", "row_limit", "rows", "seconds")

    def __init__(self, rows: int, seconds: float, now: float) -> None:
        self.row_limit = rows
        self.seconds = seconds
        self.rows = 0
        self.opened = now

    def is_full(self) -> bool:
        """Whether its rows are complete."""
        return self.rows >= self.row_limit

    def is_over(self, now: float) -> bool:
        """Whether its time is; a clock that was set back far ends it too."""
        return not -self.seconds < now - self.opened < self.seconds

    def close(self, now: float) -> float:
        """Begins the next one; returns the seconds that the ended one covered."""
        covered = max(now - self.opened, MIN_SECONDS)
        self.rows = 0
        self.opened = now
        return covered
