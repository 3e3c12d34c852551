"""The last words: what happened, what was said when, what to try next.

Rule: pure; it says what was seen, also where that is not what was hoped for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.demo.alarms import Alarms
from agent.demo.rows import SHIFT_SAID, SHIFT_STORY
from agent.demo.view import alarm_line, named


@dataclass(frozen=True, slots=True)
class Totals:
    """What both ends counted."""

    sent: int
    answered: int
    problem: str
    """The last failure of a request, or empty."""
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
        *([f"The last failure: {totals.problem}"] if totals.problem else []),
        f"After {shifted_at:.1f} s {SHIFT_STORY}:",
        f"  {SHIFT_SAID}",
        *(f"  {alarm_line(alarm)}" for alarm in alarms.raised.values()),
        "",
        *_verdict(alarms),
        "",
        "To try next:",
        "  outrider run --upstream http://127.0.0.1:8000    before a model of your own",
        "  outrider demo --seconds 600                      with time to look around",
        f"  outrider profile show {folder / 'reference.json'}",
    ]


def _verdict(alarms: Alarms) -> list[str]:
    if alarms.passed:
        delay = min(alarm.after_shift or 0.0 for alarm in alarms.named)
        return [
            f"No alarm before the shift, the first {delay:.1f} s after it.",
            f"All {len(alarms.expected)} shifted columns were named, and no other measurement.",
        ]
    faults = []
    if alarms.early:
        faults.append("alarms before the shift: " + ", ".join(map(named, alarms.early)))
    if alarms.wrong:
        faults.append("named without cause: " + ", ".join(map(named, alarms.wrong)))
    if alarms.missed:
        faults.append("not named: " + ", ".join(alarms.missed))
    return ["Not as it should be: " + "; ".join(faults) + "."]
