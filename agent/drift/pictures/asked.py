"""Which column is asked for, by the parameters of `/api/v1/drift/column`.

Rule: what is found nowhere is an `OrderError` that names field, value and remedy; what is left out
is found where it can only be one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.drift.monitor import Monitor
from agent.drift.pictures.column import picture
from agent.drift.state.orders import OrderError
from agent.drift.status import column_of, reference_of
from agent.drift.traffic.columns import WatchedColumn
from agent.drift.traffic.model import ModelWatch

PARAMETERS = ("model", "version", "side", "name")
SIDES = ("input", "output")


def column_page(monitor: Monitor, query: Mapping[str, str]) -> dict[str, Any]:
    """The column in the words of `/api/v1/drift`, and its picture. Raises OrderError."""
    for field in query:
        if field not in PARAMETERS:
            raise OrderError(field[:100], query[field], f"there are {', '.join(PARAMETERS)}")
    name, side = query.get("name"), query.get("side")
    if not name:
        raise OrderError("name", name, "name a column, as /api/v1/drift lists them")
    if side is not None and side not in SIDES:
        raise OrderError("side", side, f"wanted {' or '.join(SIDES)}")
    model = monitor.model(query.get("model"), query.get("version"))
    column = _found(model, side, name)
    return {
        "model": model.name,
        "version": model.version,
        "reference": reference_of(model),
        "column": column_of(column, model, monitor.now()),
        **picture(column),
    }


def _found(model: ModelWatch, side: str | None, name: str) -> WatchedColumn:
    if not model.judged:
        remedy = model.reason or f"{model.key.told()} is {model.phase}: it has no reference yet"
        raise OrderError("name", name, remedy, 404)
    found = [c for c in model.judged if c.key()[1] == name and side in (None, c.key()[0])]
    if len(found) > 1:
        raise OrderError("side", side, f"{name!r} is an input and an output: say which")
    if not found:
        others = [shown for of, shown in map(WatchedColumn.key, model.judged) if side in (None, of)]
        known = ", ".join(map(repr, others[:20])) + (", …" if len(others) > 20 else "")
        raise OrderError("name", name, f"known are: {known or 'none'}", 404)
    return found[0]
