"""What a person asks for by `POST /api/v1/drift/acknowledge`, read from the request's body.

Rule: pure. What cannot be done is an `OrderError` that names field, value and remedy.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from agent.drift.reference.profile import SideName
from agent.settings.units import Duration

MAX_TEXT = 1000
"""Characters of a note."""
LONGEST = 366 * 86400.0
"""Seconds that a mute may last: what is muted for ever is forgotten."""

Action = Literal["mute", "new_normal", "revert"]


class OrderError(Exception):
    """An order that cannot be carried out. `status` is HTTP's."""

    def __init__(self, field: str, value: object, remedy: str, status: int = 400) -> None:
        is_told = isinstance(value, str) and value and repr(value) not in remedy
        named = f"{field} {_shortened(str(value), 60)!r}" if is_told else field
        super().__init__(f"{named}: {remedy}")
        self.field = field
        self.value = value
        self.remedy = remedy
        self.status = status

    def shown(self) -> dict[str, object]:
        """The answer's body."""
        value = _shortened(self.value, 200) if isinstance(self.value, str) else self.value
        return {"error": str(self), "field": self.field, "value": value, "remedy": self.remedy}


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """See the contract. Without `column` it is for all columns that it can be for."""

    model: str
    action: Action
    version: str | None = None
    """Of the model; needed where several are known."""
    column: str | None = None
    side: SideName | None = None
    until: float | str | None = None
    """mute: epoch seconds, ISO 8601 (UTC where it names no zone), or a duration like `2h`."""
    note: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    by: Annotated[str, Meta(max_length=200)] = ""


def parse(raw: bytes) -> Order:
    """The order in a body. Raises OrderError."""
    try:
        plain = msgspec.json.decode(raw)
    except (ValueError, RecursionError) as problem:
        text = raw[:200].decode("utf-8", "replace")
        raise OrderError("body", text, f"send one JSON object ({problem})") from None
    try:
        order = msgspec.convert(plain, Order)
    except (ValueError, RecursionError) as problem:
        what, _, path = str(problem).partition(" - at `$.")
        field = path.rstrip("`") or _named(what) or "body"
        value = plain.get(field) if isinstance(plain, dict) else plain
        raise OrderError(field, _small(value), _wanted(what, field)) from None
    if order.until is not None and order.action != "mute":
        raise OrderError("until", order.until, f"leave it out: {order.action} has no end")
    return order


def _named(problem: str) -> str:
    """The field in msgspec's "Object missing required field `model`" and the like."""
    return problem.split("`")[1] if problem.count("`") >= 2 and "field" in problem else ""


def _wanted(problem: str, field: str) -> str:
    """What to send instead, where msgspec says only that it is wrong."""
    if problem.startswith("Invalid enum value"):
        return f"wanted {' or '.join(get_args(Action if field == 'action' else SideName))}"
    if "unknown field" in problem:
        return f"is no field; there are {', '.join(Order.__struct_fields__)}"
    if "missing required" in problem:
        return "must be given" + (', "" where the model has no name' if field == "model" else "")
    return problem


def _small(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)[:200]


def end_of(order: Order, now: float) -> float:
    """When the mute ends, in epoch seconds. Raises OrderError."""
    until = order.until
    wanted = "give epoch seconds, ISO 8601 like 2026-12-01T00:00:00Z, or a duration like 2h"
    if until is None:
        raise OrderError("until", None, f"a mute needs an end: {wanted}")
    try:
        end = float(until) if isinstance(until, int | float) else _written(until, now)
    except (ValueError, OverflowError):
        raise OrderError("until", until, wanted) from None
    if not now < end <= now + LONGEST:
        when = "is in the past" if end <= now else "is more than a year away"
        raise OrderError("until", until, f"{when}: {wanted}")
    return end


def _written(text: str, now: float) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        end = now + Duration(text)
        if math.isinf(end):
            raise
        return end
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
