"""Which columns were named, when, and whether that was right.

Rule: pure. The demo passes if the columns of the shift were named after it, no other column of
the input ever was, and nothing at all before it. The model's answers may be named after the
shift: that the answers move as well is what one wants to be told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.demo.readings import ColumnDrift


@dataclass(frozen=True, slots=True)
class Alarm:
    """The first time that a column was named."""

    name: str
    side: str
    seconds: float
    """Since the traffic began."""
    after_shift: float | None
    """Seconds since the shift, or None if it was named before."""
    score: float
    threshold: float
    moved: float | None


class Alarms:
    """All alarms of a run, in their order, judged against the `expected` input columns."""

    def __init__(self, expected: Iterable[str]) -> None:
        self.expected = frozenset(expected)
        self.raised: dict[tuple[str, str], Alarm] = {}

    def see(
        self, seconds: float, shifted_at: float | None, columns: Iterable[ColumnDrift]
    ) -> list[Alarm]:
        """Take note of what is in alarm now, and return what was not before."""
        new = [
            Alarm(
                name=column.name,
                side=column.side,
                seconds=seconds,
                after_shift=None if shifted_at is None else seconds - shifted_at,
                score=column.score,
                threshold=column.threshold,
                moved=column.moved,
            )
            for column in columns
            if column.detected and (column.side, column.name) not in self.raised
        ]
        self.raised.update({(alarm.side, alarm.name): alarm for alarm in new})
        return new

    @property
    def early(self) -> list[Alarm]:
        """Named before the shift."""
        return [alarm for alarm in self.raised.values() if alarm.after_shift is None]

    @property
    def named(self) -> list[Alarm]:
        """Columns of the shift that were named after it."""
        return [
            alarm
            for alarm in self.raised.values()
            if alarm.after_shift is not None
            and alarm.side == "input"
            and alarm.name in self.expected
        ]

    @property
    def wrong(self) -> list[Alarm]:
        """Columns of the input that were named though nothing happened to them."""
        return [
            alarm
            for alarm in self.raised.values()
            if alarm.side == "input" and alarm.name not in self.expected
        ]

    @property
    def missed(self) -> list[str]:
        """Columns of the shift that were not named after it."""
        return sorted(self.expected - {alarm.name for alarm in self.named})

    @property
    def passed(self) -> bool:
        """Whether the alarm did what the demo is there to show."""
        return not (self.early or self.wrong or self.missed)
