"""The last words: what happened, what was said when, what to try next.

Rule: pure; it says what was seen, also where that is not what was hoped for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.demo.alarms import Alarms
from agent.demo.rows import SHIFT_SAID
from agent.demo.view import moved, named


@dataclass(frozen=True, slots=True)
class Totals:
    """What both ends counted."""

    sent: int
    answered: int
    counted: float
    """Requests by the sidecar's own metrics."""
    spans: int | None
    """Received, or None where they went to the user's own collector."""


def summary(alarms: Alarms, totals: Totals, shifted_at: float, folder: Path) -> list[str]:
    """The lines of it."""
    spans = "" if totals.spans is None else f" and exported {totals.spans:,} spans"
    return [
        "",
        f"{totals.sent:,} requests sent, {totals.answered:,} answered."
        f" Outrider counted {totals.counted:,.0f}{spans}.",
        f"At {shifted_at:.1f} s {SHIFT_SAID}.",
        *_said(alarms),
        "",
        _verdict(alarms),
        "",
        "To try next:",
        "  outrider run --upstream http://127.0.0.1:YOUR_PORT     before your own model",
        f"  outrider profile show {folder / 'reference.json'}",
        "  make test",
    ]


def _said(alarms: Alarms) -> list[str]:
    return [
        f"  {alarm.seconds:5.1f} s  DRIFT {named(alarm):<30} score {alarm.score:.2f}"
        f" over {alarm.threshold:.2f}{moved(alarm, ', moved ')}"
        for alarm in alarms.raised.values()
    ]


def _verdict(alarms: Alarms) -> str:
    if alarms.passed:
        delay = min(alarm.after_shift or 0.0 for alarm in alarms.named)
        return (
            f"No alarm before the shift; the first {delay:.1f} s after it;"
            f" all {len(alarms.expected)} shifted columns named, and no other measurement."
        )
    faults = []
    if alarms.early:
        faults.append("alarms before the shift: " + ", ".join(map(named, alarms.early)))
    if alarms.wrong:
        faults.append("named without cause: " + ", ".join(map(named, alarms.wrong)))
    if alarms.missed:
        faults.append("not named: " + ", ".join(alarms.missed))
    return "Not as it should be: " + "; ".join(faults) + "."
