"""`/api/v1/exchanges`: recent requests and kept examples, as people may see them.

Rule: all that came from a client leaves through `redact`; no value of a column is told, nor a body
that the log record would not have. Nothing is changed by looking, but `outrider_redactions_total`.

A request's phases are ms since its head came; what did not happen is null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from agent.admin.orders import Refused
from agent.exchange import Exchange
from agent.ledger import ABORTED_BY
from agent.observer.kept import REASONS, Kept, KeptExchanges
from agent.observer.redact import Redactor
from agent.signals import stages
from agent.signals.targets import shown_path

LIMIT, MOST = 50, 1000
"""Requests that are shown, by default and at most."""
_STATUS = re.compile(r"[1-5](\d\d|xx)")
_YES = {"true": True, "1": True, "": True, "false": False, "0": False}
_WANTED = {
    "status": "a status, as 503, or a class, as 5xx",
    "slow": "true or false",
    "route": "a route",
    "model": "a model",
    "reason": f"one of {', '.join(REASONS)}",
    "request_id": "a request id",
    "limit": f"1 to {MOST}",
}

Shown = dict[str, Any]
Filter = Callable[[Shown], bool]


def page(kept: KeptExchanges, redactor: Redactor, query: Mapping[str, str]) -> Shown:
    """The newest first. Raises Refused for a parameter that is unknown or has no sense."""
    filters = [_filter(name, value) for name, value in query.items() if name != "limit"]
    limit = _limit(query.get("limit", str(LIMIT)))
    found: list[Shown] = []
    matched = 0
    for one in kept.all():
        shown = _shown(one, redactor)
        if all(wanted(shown) for wanted in filters):
            matched += 1
            if len(found) < limit:
                found.append(shown)
    return {
        "exchanges": found,
        "matched": matched,
        "kept": {"recent": len(kept.recent)}
        | {reason: shelf.count for reason, shelf in kept.shelves.items()},
        "slow_ms": {
            redactor.name(route): round(limit * 1e3, 3)
            for route, limit in sorted(kept.slow.limits.items())
        },
    }


def _filter(name: str, value: str) -> Filter:
    if name == "status" and _STATUS.fullmatch(value):
        return lambda shown: str(shown["status"])[: 1 if "x" in value else 3] == value.rstrip("x")
    if name == "slow" and value in _YES:
        return lambda shown: ("slow" in shown["reasons"]) is _YES[value]
    if name == "reason" and value in REASONS:
        return lambda shown: value in shown["reasons"]
    if name in ("route", "model", "request_id"):
        return lambda shown: bool(shown[name] == value)
    raise _refused(name, value)


def _limit(value: str) -> int:
    if value.isascii() and value.isdigit() and len(value) < 6 and 1 <= int(value) <= MOST:
        return int(value)
    raise _refused("limit", value)


def _refused(name: str, value: str) -> Refused:
    known = name in _WANTED
    remedy = f"wanted {_WANTED[name]}" if known else f"there are {', '.join(_WANTED)}"
    field, shown = (name, value[:100]) if known else (name[:100], value[:100])
    said = {"error": f"{field}: {remedy}", "field": field, "value": shown, "remedy": remedy}
    return Refused(400, said)


def _shown(one: Kept, redactor: Redactor) -> Shown:
    x = redactor.exchange(one.exchange)
    decoded = one.decoded
    model = redactor.title(one.model)
    shown: Shown = {
        "request_id": x.request_id.decode("latin-1"),
        "trace_id": x.trace[0].hex() if x.trace is not None else None,
        "at": datetime.fromtimestamp(x.start_ns / 1e9, UTC).isoformat(timespec="milliseconds"),
        "reasons": list(one.reasons),
        "outlier": [{"column": redactor.name(column), "is": how} for column, how in one.strange],
        "method": x.method.decode("latin-1"),
        "route": x.route,
        "path": shown_path(x.target.partition(b"?")[0]),
        "status": x.status,
        "error": x.error,
        "duration_ms": _ms(x.duration),
        "phases": _phases(x),
        "request_bytes": x.request_size,
        "response_bytes": x.response_size,
        "model": model,
        "version": redactor.title(one.version),
        "dialect": decoded.dialect if decoded is not None else None,
        "outcome": decoded.outcome if decoded is not None else None,
        "why": decoded.why if decoded is not None else None,
        "stream": _stream(x),
    }
    return shown | dict(one.payload)


def _phases(x: Exchange) -> Shown:
    times = stages.of(x)
    first_byte = _since(x, times.first_byte)
    last = None if first_byte is None or x.stream < 0 else first_byte + x.stream * 1e3
    piece = None
    if first_byte is not None and x.first_piece >= 0:
        piece = first_byte + max(x.first_piece - x.upstream, 0.0) * 1e3
    return {
        "upstream_began": _since(x, times.client_start),
        "connect_took": _ms(x.connect),
        "head_sent": _ms(x.sent),
        "request_sent": _since(x, times.received) if first_byte is not None else None,
        "first_byte": first_byte,
        "first_piece": None if piece is None else round(piece, 3),
        "last_byte": None if last is None else round(last, 3),
        "end": _ms(x.duration),
        "overhead_took": _ms(x.overhead),
    }


def _stream(x: Exchange) -> Shown | None:
    if not x.streamed:
        return None
    return {
        "first_event_ms": _ms(x.first_piece),
        "largest_gap_ms": _ms(x.largest_gap) if x.first_piece >= 0 else None,
        "pieces": x.pieces,
        "aborted_by": ABORTED_BY.get(x.error),
    }


def _ms(seconds: float) -> float | None:
    return round(seconds * 1e3, 3) if seconds >= 0 else None


def _since(x: Exchange, at: int | None) -> float | None:
    return None if at is None else round((at - x.start_ns) / 1e6, 3)
