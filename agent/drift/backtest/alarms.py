"""The alarms of a history, from the changes of verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from agent.drift.backtest.replay import Judged
from agent.drift.engine.verdict import Moved


class Alarm(Struct):
    """One column's drift, from its raising to its clearing. Times as in `Judged`."""

    column: str
    side: str
    raised: float
    since: float
    cleared: float | None
    test: str
    direction: str
    effect: float | None
    score: float | None
    threshold: float | None
    rows: int
    share: Moved | None
    """What moved, if it is a share of rows: in the reference, and in those that raised it."""


class Alarms:
    """All of them, in the order in which they were raised."""

    def __init__(self) -> None:
        self.all: list[Alarm] = []
        self._open: dict[tuple[str, str], Alarm] = {}

    def take(self, windows: Iterable[Judged]) -> None:
        """Notes what changed in these windows."""
        for window in windows:
            for change in window.changes:
                key = change.side, change.column
                if change.before == change.after:
                    continue  # it moved again, or a mute ended: the same alarm
                if change.after == "drift":
                    found = change.verdict
                    alarm = Alarm(
                        change.column,
                        change.side,
                        window.ended,
                        change.since,
                        None,
                        found.test,
                        found.direction,
                        found.effect,
                        found.score,
                        found.threshold,
                        found.rows,
                        found.share,
                    )
                    self._open[key] = alarm
                    self.all.append(alarm)
                elif key in self._open:
                    self._open.pop(key).cleared = window.ended
