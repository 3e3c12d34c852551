"""`/api/v1/history`: the parameters of its query, and what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.admin.orders import Refused
from agent.history.columns import MAX_COLUMNS
from agent.history.recorder import FINE, LOOK, STEP, STEPS
from agent.observer.day import Day

HOURS, COLUMNS = 24, 50
"""That are shown if nothing is said."""
MINUTES = int((FINE - 1) * LOOK // 60)
_WANTED = {
    "hours": f"a whole number from 1 to {STEPS * STEP // 3600}",
    "minutes": f"{MINUTES}, for steps of {LOOK:g} s",
    "columns": f"a whole number from 0 to {MAX_COLUMNS}",
}


def page(day: Day, query: Mapping[str, str]) -> dict[str, Any]:
    """Raises Refused, which names the parameter, its value and what is wanted."""
    for name, value in query.items():
        if name not in _WANTED:
            raise _refused(name, value)
    hours = _number(query, "hours", HOURS, 1, STEPS * STEP // 3600)
    columns = _number(query, "columns", COLUMNS, 0, MAX_COLUMNS)
    if "minutes" in query:
        _number(query, "minutes", MINUTES, MINUTES, MINUTES)
        return day.fine(columns)
    return day.history(hours * 3600 // STEP, columns)


def _number(query: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    value = query.get(name, str(usual))
    if value.isascii() and value.isdigit() and len(value) < 6 and least <= int(value) <= most:
        return int(value)
    raise _refused(name, value)


def _refused(name: str, value: str) -> Refused:
    known = name in _WANTED
    remedy = f"wanted {_WANTED[name]}" if known else f"there are {', '.join(_WANTED)}"
    field = name[:100]
    said = {"error": f"{field}: {remedy}", "field": field, "value": value[:100], "remedy": remedy}
    return Refused(400, said)
