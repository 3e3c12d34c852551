"""A backtest for people: one line an alarm, and what it all comes to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from agent.drift.backtest.alarms import Alarm
from agent.drift.backtest.replay import Judged
from agent.drift.engine.layout import counted, shortened
from agent.drift.settings import Settings

LONGEST = 40
"""Characters of a cell."""
DAY = 86400.0


class Totals(Struct):
    """What was judged. Times as in `Judged`."""

    windows: int = 0
    rows: int = 0
    began: float = 0.0
    ended: float = 0.0
    covered: float = 0.0
    """Seconds that windows took; the rest are gaps, for which no alarm is allowed."""

    def add(self, window: Judged) -> None:
        """Takes one more."""
        self.began = self.began if self.windows else window.began
        self.ended = window.ended
        self.windows += 1
        self.rows += window.rows
        self.covered += window.ended - window.began

    def allowed(self, settings: Settings) -> float | None:
        """False alarms in this time; an old rule knows no such number."""
        if settings.mode != "evidence":
            return None
        return settings.false_alarms * self.covered

    def plain(self, settings: Settings) -> dict[str, object]:
        """For JSON."""
        return {
            "windows": self.windows,
            "rows": self.rows,
            "began": self.began,
            "ended": self.ended,
            "covered_seconds": self.covered,
            "allowed": self.allowed(settings),
        }


def time_of(seconds: float, timed: bool) -> str:
    """A time, or how long after the first row."""
    if timed:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    days, rest = divmod(int(seconds), 86400)
    return f"day {days + 1} {rest // 3600:02}:{rest % 3600 // 60:02}"


def table(alarms: Sequence[Alarm], timed: bool) -> list[str]:
    """A heading and a line an alarm; nothing if there are none."""
    if not alarms:
        return []
    head = ["raised", "since", "column", "what moved", "how far", "score / threshold", "cleared"]
    rows = [[shortened(text, LONGEST) for text in _row(alarm, timed)] for alarm in alarms]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]


def _row(alarm: Alarm, timed: bool) -> list[str]:
    return [
        time_of(alarm.raised, timed),
        time_of(alarm.since, timed),
        alarm.column if alarm.side == "input" else f"{alarm.column} (output)",
        f"{'again: ' if alarm.again else ''}{alarm.test} {alarm.direction}".strip(),
        _how_far(alarm),
        f"{alarm.score or 0:.2f} / {alarm.threshold or 0:.2f}",
        "not yet" if alarm.cleared is None else time_of(alarm.cleared, timed),
    ]


def _how_far(alarm: Alarm) -> str:
    if alarm.share is not None:
        return f"{_percent(alarm.share.reference)} to {_percent(alarm.share.now)}"
    return "" if alarm.effect is None else f"{alarm.effect:.2g} sd"


def _percent(share: float) -> str:
    """Two digits of a small one."""
    return f"{100 * share:.1f}%" if share >= 0.0995 else f"{100 * share:.2g}%"


def period_of(totals: Totals) -> str:
    """From the first window to the last, in UTC."""
    return f"{time_of(totals.began, True)} to {time_of(totals.ended, True)} UTC"


def summary(alarms: Sequence[Alarm], totals: Totals, settings: Settings, timed: bool) -> str:
    """What it all comes to."""
    columns = len({(alarm.side, alarm.column) for alarm in alarms})
    where = f" of {counted(columns, 'column')}" if alarms else ""
    span = totals.ended - totals.began
    when = f"{span / DAY:.1f} days"
    if timed:
        when += f" ({period_of(totals)})"
    if totals.covered < 0.99 * span:
        when += f", of which windows cover {totals.covered / DAY:.1f}"
    allowed = totals.allowed(settings)
    number = f"{allowed or 0:.2g}"
    budget = f"The budget allows {number} false {'one' if number == '1' else 'ones'} in this time."
    if allowed is None:
        budget = f"The rule {settings.mode} knows no budget of false ones."
    return (
        f"{counted(len(alarms), 'alarm')}{where} in {counted(totals.windows, 'window')}, "
        f"{totals.rows:,} rows, {when}.\n{budget}"
    )
