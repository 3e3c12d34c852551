"""Verdicts that changed, as lines: of Outrider's own log, and records for where logs are sent.

Rule: a line for each column that began or ceased to drift; one for all columns of any other
change, and for more than MANY at once: a thousand columns must not be a thousand lines. To the
sinks goes what concerns drift.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from agent.drift.engine.layout import percent
from agent.drift.reference.name import Name
from agent.drift.traffic.change import Change
from agent.ship.queue import Record

MANY = 100

TOLD = ("rows", "score", "threshold", "p_value", "test", "direction", "effect", "span", "psi")
"""Of the verdict; what it has not is left out."""


class Line(NamedTuple):
    """What is told of one change, or of many at once."""

    model: str
    level: int
    message: str
    fields: dict[str, Any]
    is_drift: bool
    """Whether it began or ended."""


def lines(changes: Iterable[Change]) -> Iterator[Line]:
    """Drift as a warning."""
    groups: dict[tuple[Name, str, str, bool], list[Change]] = defaultdict(list)
    for change in changes:
        is_again = change.again is not None
        name = Name(change.model, change.version)
        groups[name, change.before, change.after, is_again].append(change)
    for (name, before, after, is_again), group in groups.items():
        model = name.model
        level = logging.WARNING if after == "drift" else logging.INFO
        whose, went = f"drift of {name.told()}:", f"went from {before} to {after}"
        if is_again:
            went = "is in drift and changed again"
        elif before == after:
            went = "still drifts and is muted no more"
        is_drift = "drift" in (before, after)
        if is_drift and len(group) <= MANY:
            for change in group:
                text = f"{whose} {change.side} {change.column} {went}{_how(change)}"
                yield Line(model, level, text, fields(change), True)
            continue
        text = f"{whose} {len(group)} column{'s' if len(group) > 1 else ''} {went}"
        told = {
            **_named(name),
            "before": before,
            "after": after,
            "columns": len(group),
            "first": [change.column for change in group[:MANY]],
        }
        yield Line(model, level, text, told, is_drift)


def tell(found: Iterable[Line], log: logging.Logger) -> None:
    """Writes them to a log."""
    for line in found:
        log.log(line.level, line.message, extra=line.fields)


def records(found: Iterable[Line], service: str, now_ns: int) -> Sequence[Record]:
    """Those of drift as log records, in the form of the requests' records; `now_ns` since the
    epoch."""
    second, rest = divmod(now_ns, 10**9)
    timestamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))}.{rest:09d}Z"
    made = []
    for line in found:
        if line.is_drift:
            level = logging.getLevelName(line.level).lower()
            head = {"timestamp": timestamp, "level": level, "message": line.message}
            data = msgspec.json.encode(head | {"service.name": service} | line.fields)
            named = (("service_name", service), ("model", line.model), ("level", level))
            made.append(Record(now_ns, data, tuple(pair for pair in named if pair[1])))
    return made


def fields(change: Change) -> dict[str, Any]:
    """The record's own fields: model, version (if it has one), column, side, before, after, since
    (seconds since the epoch), what of the verdict is TOLD, and `examples` (ids of requests in the
    bins that grew)."""
    verdict = msgspec.to_builtins(change.verdict)
    told = {name: verdict[name] for name in TOLD if verdict.get(name) not in (None, "")}
    whole = change._asdict() | told | {"changed_again": msgspec.to_builtins(change.again)}
    del whole["verdict"], whole["again"]
    if not change.version:
        del whole["version"]
    if change.again is None:
        del whole["changed_again"]
    whole["examples"] = [example.request_id for example in change.examples]
    return whole


def _named(name: Name) -> dict[str, Any]:
    return {"model": name.model} | ({"version": name.version} if name.version else {})


def _how(change: Change) -> str:
    """In a few words: which test found it, which way, how far."""
    told = fields(change)
    told |= told.get("changed_again", {})
    words = [str(told[name]) for name in ("test", "direction") if name in told]
    share = change.verdict.share if change.again is None else None
    if share is not None:
        words.append(f"from {percent(share.reference)} to {percent(share.now)}")
    elif "effect" in told:
        words.append(f"by {told['effect']:.3g} standard deviations")
    return f" ({', '.join(words)})" if words and change.after == "drift" else ""
