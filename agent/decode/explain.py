"""What a payload becomes and why, as plain data: `outrider decode`, without its words.

Rule: it asks `registry`, as the observer does, and knows no dialect.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from agent.decode import registry
from agent.decode.bodies.codings import undone
from agent.decode.bodies.message import Message
from agent.decode.bodies.text import whole
from agent.decode.payload import Columns, Decoded, Refused, Value
from agent.decode.rules.reading import read
from agent.decode.rules.routes import Route, Routes
from agent.decode.rules.tally import Tally
from agent.exchange import Exchange, Fields
from agent.settings.expressions import Place

SHOWN = 3
"""First values of a column that are shown."""
MAX_SHOWN = 60
"""Characters of one of them."""

_REMEDIES = {
    "empty": "Was the body captured, and does it have rows? Look at what the client sends.",
    "unsupported": "No dialect knows it. Say its --content-type and --path as the client does; "
    "send one of the forms of docs/formats.md; such requests pass all the same.",
    "malformed": "It is not what it says it is: damaged, cut short, or its shape does not fit its "
    "values. Send the bytes as they are on the wire.",
    "too_large": "It is over the bounds of docs/formats.md. Send fewer rows in a request, or raise "
    "capture.max_body_bytes if it is only longer than that.",
    "inputs_only": "The request is understood and its answer is not: inputs are judged for drift, "
    "predictions are not. Give the answer as it is on the wire, of the same request.",
}

NOT_FOUND = {
    "absent": "nothing is at its place",
    "type": "what is there is of another kind: no number, nothing to compare, not a value a row",
    "not_json": "the body has no JSON document: name a column instead of a path",
    "bounds": "the body is too long, or there is too much to look through",
}
"""By the reasons of `agent.decode.rules.tally`."""


def explained(exchange: Exchange, answered: bool, routes: Routes) -> dict[str, Any]:
    """All of it; `answered`: whether the exchange has an answer to speak of.

    `outcome` is the observer's, but "ok" where there is no answer that could be missed.
    """
    route = routes.of(exchange.target)
    found, tallies, unfound = read(exchange, routes)
    outcome = "ok" if found.outcome == "inputs_only" and not answered else found.outcome
    return {
        "outcome": outcome,
        "why": found.why if outcome != "ok" else "",
        "remedy": _REMEDIES.get(outcome, ""),
        "dialect": found.dialect,
        "evidence": found.evidence,
        "said_no": [] if route.dialect else said_no(exchange, found),
        "request": _sent(exchange.request_body, exchange.request_fields),
        "answer": _sent(exchange.response_body, exchange.response_fields) if answered else None,
        **_columns(found, answered),
        "not_found": {
            name: _why(why, answered or not _is_answered(name, route))
            for name, why in unfound.items()
        },
        "values": [_value(one, answered or not _is_answered(one.name, route)) for one in tallies],
    }


def _is_answered(name: str, route: Route) -> bool:
    """Whether an extra column or a business value is one of the answer."""
    rules = route.rules
    if rules is None:
        return False
    places: dict[str, Place] = {**rules.extra, **{name: one for name, one, _ in rules.values}}
    return places[name].of in ("response", "output", "")


def _why(why: str, is_there: bool) -> str:
    return NOT_FOUND[why] if is_there else "no answer was given: --answer FILE"


def _value(tally: Tally, is_there: bool) -> dict[str, Any]:
    """A business value of this exchange: of it what there is."""
    counted = {"true": tally.true, "false": tally.false, "numbers": tally.numbers}
    shown: dict[str, Any] = {name: count for name, count in counted.items() if count}
    if tally.numbers:
        shown["sum"] = tally.positive - tally.negative
    if tally.missing:
        shown |= {"missing": tally.missing, "why": _why(tally.why, is_there)}
    return {"name": tally.name, **shown}


def said_no(exchange: Exchange, found: Decoded) -> list[str]:
    """The dialects that were asked before the one that was chosen, or all of them."""
    try:
        raw, _ = undone(whole(exchange.request_body), exchange.request_fields)
    except Refused:
        return []  # then nobody was asked
    asked = Message(raw, exchange.request_fields, exchange.target)
    names = []
    for dialect in registry.DIALECTS:
        if found.dialect == dialect.NAME:
            break
        if not dialect.evidence(asked):
            names.append(dialect.NAME)
    return names


def _sent(body: tuple[bytes, bytes, int] | None, fields: Fields) -> dict[str, Any]:
    """What came over the wire."""
    kind = Message(b"", fields, b"").kind.decode("latin-1")
    head, tail, skipped = body or (b"", b"", 0)
    sent: dict[str, Any] = {"media_type": kind, "bytes": len(head) + len(tail) + skipped}
    try:
        raw, codings = undone(whole(body), fields)
    except Refused:
        return sent | {"codings": [], "bytes_decoded": None}
    return sent | {"codings": list(codings), "bytes_decoded": len(raw)}


def _columns(found: Decoded, answered: bool) -> dict[str, Any]:
    payload = found.payload
    if payload is None:
        return {"model": "", "version": "", "id": "", "inputs": None, "outputs": None}
    outputs = _side(payload.outputs, payload.output_rows)
    has_outputs = answered and found.outcome == "ok"
    return {
        "model": payload.model,
        "version": payload.version,
        "id": payload.id,
        "inputs": _side(payload.inputs, payload.rows),
        "outputs": outputs if has_outputs else None,
        "values_left_out": payload.left_out,
    }


def _side(columns: Columns, rows: int) -> dict[str, Any]:
    shown = [
        {"name": name, "kind": kind_of(values), "first": [*map(_shown, islice(values, SHOWN))]}
        for name, values in columns.items()
    ]
    return {"rows": rows, "columns": shown}


def kind_of(values: Sequence[Value]) -> str:
    """What a column's values are: number, boolean, text, missing, or several of these."""
    dtype = getattr(values, "dtype", None)
    if dtype is not None and dtype.kind in "biuf":
        return "boolean" if dtype.kind == "b" else "number"
    kinds = {_KINDS.get(kind, "text") for kind in set(map(type, values)) - {type(None)}}
    return " or ".join(sorted(kinds)) or "missing"


_KINDS = {bool: "boolean", int: "number", float: "number"}


def _shown(value: Any) -> Value:
    """A value that JSON can say: numbers that are none and long ones are texts."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, str) and len(value) > MAX_SHOWN:
        return value[:MAX_SHOWN] + "…"
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
