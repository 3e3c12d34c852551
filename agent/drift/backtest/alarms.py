"""The alarms of a history, from the changes of verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from agent.drift.backtest.replay import Judged
from agent.drift.engine.verdict import Moved
from agent.drift.traffic.change import Change


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
    again: bool = False
    """Its column was in drift already, and changed against the windows before."""


class Alarms:
    """All of them, in the order in which they were raised."""

    def __init__(self) -> None:
        self.all: list[Alarm] = []
        self._open: defaultdict[tuple[str, str], list[Alarm]] = defaultdict(list)

    def take(self, windows: Iterable[Judged]) -> None:
        """Notes what changed in these windows."""
        for window in windows:
            for change in window.changes:
                key = change.side, change.column
                if change.after != "drift":
                    for alarm in self._open.pop(key, ()):
                        alarm.cleared = window.ended
                elif change.before != "drift" or change.again is not None:
                    alarm = _alarm(change, window.ended)
                    self._open[key].append(alarm)
                    self.all.append(alarm)


def _alarm(change: Change, raised: float) -> Alarm:
    again, found = change.again, change.verdict
    of = again or found
    return Alarm(
        change.column,
        change.side,
        raised,
        change.since if again is None else again.at,
        None,
        of.test,
        of.direction,
        of.effect,
        of.score,
        of.threshold,
        found.rows,
        found.share if again is None else None,
        again is not None,
    )
