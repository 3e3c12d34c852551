"""The last day of a sidecar, from `/api/v1/history`: how far each column was, and what happened.

Rule: pure; what an older sidecar does not tell is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.report.cleaned import Cleaner
from agent.report.content import Event, Past

MOST = 144
"""Points of a column's past: ten minutes each of a whole day."""
EVENTS = 30
"""That are told, the newest."""
QUERY = {"hours": "24", "columns": "500"}

Key = tuple[str, str, str, str]
"""Model, version, side, name."""


def pasts_of(history: Mapping[str, Any] | None) -> dict[Key, Past]:
    """Of each column that the history has."""
    if not history:
        return {}
    began, step = float(history["from"]), float(history["step_seconds"])
    return {
        (one["model"], one["version"], one["side"], one["name"]): past
        for one in history.get("drift", ())
        if (past := _past(one["ratio"], began, step)) is not None
    }


def _past(ratio: Sequence[float | None], began: float, step: float) -> Past | None:
    """From the first step that is known, the greatest of so many steps as a point takes."""
    known = [place for place, value in enumerate(ratio) if value is not None]
    if len(known) < 2:
        return None
    first = known[0]
    each = -(-(len(ratio) - first) // MOST)
    groups = (ratio[at : at + each] for at in range(first, len(ratio), each))
    points = [max((v for v in group if v is not None), default=None) for group in groups]
    return Past(began + first * step, each * step, points)


def events_of(history: Mapping[str, Any] | None, clean: Cleaner) -> list[Event]:
    """The newest first."""
    found = (history or {}).get("events", [])[:EVENTS]
    return [Event(one["at"], clean.name(one["kind"]), clean.said(one["text"])) for one in found]
