"""What was said of replayed histories, as tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.chart import Strips
from bench.drift import through
from bench.drift.series import first
from bench.drift.settings import Settings
from bench.processes import BenchError
from bench.report import Table

MOST = 30
"""Windows of a history."""
TOOLS = ("Outrider", "Evidently", "NannyML")


@dataclass
class Found:
    """What was said of a history; columns in drift by tool and window."""

    name: str
    what: str
    columns: int
    reference: int
    size: int
    windows: int
    changes: int | None
    said: dict[str, list[list[str]]] = field(default_factory=dict)
    """As it was."""
    control: dict[str, list[list[str]]] = field(default_factory=dict)
    """Shuffled."""
    alarms: list[through.Alarm] = field(default_factory=list)
    allowed: list[float] = field(default_factory=list)
    """False alarms, in both."""
    differ: list[tuple[str, int, str]] = field(default_factory=list)
    """Where a backtest of the same rows says otherwise: in which of both, window, column."""
    own_clock: dict[str, Any] | None = None
    """With the data's own times."""
    versions: dict[str, str] = field(default_factory=dict)


def report(settings: Settings, found: Sequence[Found]) -> None:
    """Writes it all. Raises BenchError if there is nothing."""
    if not found:
        raise BenchError("no such history")
    tables = [
        _summary(found), _counts(found), _named(found), _clock(found)
    ]  # fmt: skip
    data = {"found": [asdict(one) for one in found]}
    title = "Real drift, replayed as HTTP requests"
    settings.write("replay", title, tables, data, [_strips(one) for one in found])


def _summary(found: Sequence[Found]) -> Table:
    versions: dict[str, str] = {}
    rows = []
    for one in found:
        versions |= one.versions
        firsts = [first(one.said[tool]) for tool in TOOLS]
        wrong = [sum(map(bool, one.control[tool])) for tool in TOOLS]
        rows.append([
            one.name, f"{one.reference:,}", f"{one.windows} × {one.size:,}", str(one.columns),
            str(one.changes or "–"), *(str(window or "never") for window in firsts),
            *map(str, wrong), f"{sum(one.allowed):.3f}", str(len(one.differ)),
        ])  # fmt: skip
    columns = [
        "history", "reference rows", "windows × rows", "columns", "changes in window",
        *(f"{tool} first" for tool in TOOLS), *(f"{tool} in vain" for tool in TOOLS),
        "allowed to Outrider", "unlike a backtest",
    ]  # fmt: skip
    notes = [
        *(f"**{one.name}**: {one.what}." for one in found),
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}, each in an "
        "environment of its own, with its defaults: Evidently's DataDriftPreset of each window, "
        "NannyML's univariate calculator with a chunk a window. Of a history longer than "
        f"{MOST} windows so many rows are taken, evenly spaced.",
        "**First**: the first window in which a column is said to drift. **In vain**: windows of "
        "the shuffled replay, in which nothing drifts, with such a column. Shuffled: the rows of "
        "before and after by lot, and cut anew into as many. Outrider's verdict stays until "
        "evidence clears it, so that one alarm in vain can be several windows; Evidently and "
        "NannyML judge each window by itself.",
        f"Outrider: a row a request, one each {through.ROW * 1000:g} ms (a window in "
        f"{through.LEAST:g} s at least) if both sides keep up; `drift.false_alarms` is one in "
        "8,640 windows at that pace, as the default allows for windows of 5 minutes. **Allowed**: "
        "false alarms, in both replays, by the time that the windows really took. **Unlike a "
        "backtest**: columns and windows, in both, in which `outrider drift backtest` of the same "
        "rows says otherwise.",
    ]
    return Table("The first alarm, and alarms in vain", columns, rows, notes)


def _counts(found: Sequence[Found]) -> Table:
    rows = [
        [one.name, tool, *(" ".join(map(str, map(len, each[tool]))) for each in
                           (one.said, one.control))]
        for one in found
        for tool in TOOLS
    ]  # fmt: skip
    notes = ["Outrider's derived columns (relations, importance, confidence) count as columns."]
    return Table(
        "Columns in drift, window by window", ["history", "tool", "as it was", "shuffled"], rows,
        notes,
    )  # fmt: skip


def _named(found: Sequence[Found]) -> Table:
    shown = 6
    rows = []
    for one in found:
        order = sorted(one.alarms, key=lambda alarm: (alarm.window, -abs(alarm.effect)))
        rows += [
            [
                one.name, str(alarm.window), f"`{alarm.column}`",
                f"`{alarm.test}` {alarm.direction}".strip(), f"{alarm.effect:.2f}",
                str(alarm.span), f"{alarm.sent} of {alarm.examples}",
            ]
            for alarm in order[:shown]
        ]  # fmt: skip
        if len(order) > shown:
            rows.append([one.name, "", f"and {len(order) - shown} more", "", "", "", ""])
    columns = ["history", "window", "column", "what moved", "effect, sd", "windows in the span",
               "examples from that window"]  # fmt: skip
    notes = ["Outrider's alarms, the earliest first, then the largest."]
    return Table("What it named", columns, rows, notes)


def _clock(found: Sequence[Found]) -> Table:
    rows = []
    for one in found:
        told = one.own_clock
        if told is None:
            continue
        days = (told["ended"] - told["began"]) / 86400
        rows.append([
            one.name, f"{days:.0f}", str(told["windows"]), str(told["alarms"]),
            f"{told['allowed']:.1f}", str(told["first"] or "never"),
            ", ".join(f"`{name}`" for name in told["columns"]) or "–",
        ])  # fmt: skip
    columns = ["history", "days", "windows", "alarms", "allowed where nothing drifts",
               "first window with drift", "columns"]  # fmt: skip
    notes = ["`outrider drift backtest --timestamp` with one false alarm in 30 days of the data's "
             "own time, a window complete or a week old, and a reference built with `--timestamp`, "
             "so that natural variation is allowed for where a week or more shows it."]  # fmt: skip
    return Table("By the data's own clock", columns, rows, notes)


def _strips(one: Found) -> Strips:
    values: dict[str, Sequence[float]] = {
        tool if each is one.said else f"{tool}, shuffled": [
            min(1.0, len(columns) / one.columns) for columns in each[tool]
        ]
        for each in (one.said, one.control)
        for tool in TOOLS
    }
    line = "; line: the change" if one.changes else ""
    title = f"{one.name}: share of columns in drift (pale: none{line})"
    mark = one.changes - 1 if one.changes else None
    return Strips(title, f"window of {one.size:,} rows", values, mark)
