"""What a screen has to show, and the two or three words that say it.

Rule: values and words only; how it looks is the screens' affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agent.demo.alarms import Alarm
from agent.demo.readings import ColumnDrift, Signals
from agent.demo.receiver import Trace
from agent.demo.timeline import Act


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where to look while it runs."""

    page: str
    metrics: str
    log: str
    """Path of the sidecar's log file."""


@dataclass(frozen=True, slots=True)
class View:
    """One picture of the run."""

    seconds: float
    """Since the traffic began."""
    act: Act
    signals: Signals
    columns: tuple[ColumnDrift, ...]
    """Ranked: the one furthest past its threshold first."""
    expected: frozenset[str]
    trace: Trace | None
    record: dict[str, object] | None
    """The last line of the sidecar's log."""
    addresses: Addresses


class Screen(Protocol):
    """Something that shows the run: a terminal that is drawn on, or lines."""

    def note(self, text: str) -> None:
        """Say something once; it stays."""

    def alarm(self, text: str) -> None:
        """The same, so that it is not missed."""

    def show(self, view: View) -> None:
        """Show how it stands now."""

    def close(self) -> None:
        """Leave the last picture standing and give the terminal back."""


def verdict(column: ColumnDrift) -> str:
    """What the sidecar holds of a column."""
    if column.detected is None:
        return "waiting"
    return "DRIFT" if column.detected else "ok"


def named(column: ColumnDrift | Alarm) -> str:
    """A column's name, with its side where it is not an input."""
    return column.name if column.side == "input" else f"{column.name} ({column.side})"


def moved(column: ColumnDrift | Alarm, before: str = "") -> str:
    """How far a column moved, or nothing where that has no meaning."""
    return "" if column.moved is None else f"{before}{column.moved:+.1f} sd"


def latency(seconds: float | None) -> str:
    """A duration in the unit that suits it."""
    if seconds is None:
        return "–"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def alarm_line(alarm: Alarm) -> str:
    """One alarm in less than 80 characters; the time is since the shift."""
    when = "too soon" if alarm.after_shift is None else f"{alarm.after_shift:+.1f} s"
    return (
        f"{when} DRIFT {named(alarm)}: score {alarm.score:.2f} over {alarm.threshold:.2f}"
        f"{moved(alarm, ', moved ')}"
    )


def record_line(record: dict[str, object]) -> str:
    """The heart of a log record."""
    return " ".join(
        f"{key}={record[key]}"
        for key in ("http.response.status_code", "duration_ms", "overhead_ms", "model", "dialect")
        if key in record
    )


def trace_line(trace: Trace) -> str:
    """The two spans of a trace."""
    return (
        f"{trace.trace_id[:8]}… {trace.name} {latency(trace.duration)}"
        f" └ inference {latency(trace.inference)}"
    )
