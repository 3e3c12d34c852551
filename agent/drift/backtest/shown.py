"""A backtest for people: one line an alarm, and what it all comes to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from agent.drift.backtest.alarms import Alarm

MONTH = 30 * 86400


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
    head = ["raised", "since", "column", "what moved", "by", "score / threshold", "cleared"]
    rows = [[_cell(text) for text in _row(alarm, timed)] for alarm in alarms]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]


def _row(alarm: Alarm, timed: bool) -> list[str]:
    effect = "" if alarm.effect is None else f"{alarm.effect:.3g} sd"
    return [
        time_of(alarm.raised, timed),
        time_of(alarm.since, timed),
        alarm.column if alarm.side == "input" else f"{alarm.column} (output)",
        f"{alarm.test} {alarm.direction}".strip(),
        effect,
        f"{alarm.score or 0:.2f} / {alarm.threshold or 0:.2f}",
        "" if alarm.cleared is None else time_of(alarm.cleared, timed),
    ]


def _cell(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def summary(
    alarms: Sequence[Alarm], windows: int, rows: int, seconds: float, allowed: float
) -> str:
    """`allowed`: false alarms a second."""
    columns = len({(alarm.side, alarm.column) for alarm in alarms})
    raised = f"{len(alarms)} alarm{'s' if len(alarms) != 1 else ''}"
    where = f" of {columns} column{'s' if columns != 1 else ''}" if alarms else ""
    return (
        f"{raised}{where} in {windows:,} windows, {rows:,} rows, {seconds / 86400:.1f} days. "
        f"Without drift {allowed * seconds:.2g} would be expected in that time."
    )
