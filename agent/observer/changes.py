"""Verdicts that changed, as lines of Outrider's own log.

Rule: a line for each column that began or ceased to drift; one for all columns of any other
change, and for more than MANY at once: a thousand columns must not be a thousand lines.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from agent.drift.model import Change

MANY = 100

TOLD = ("rows", "score", "threshold", "p_value", "test", "direction", "effect", "span", "psi")
"""Of the verdict; what it has not is left out."""


def tell(changes: Iterable[Change], log: logging.Logger) -> None:
    """Logs them; drift as a warning."""
    groups: dict[tuple[str, str, str], list[Change]] = defaultdict(list)
    for change in changes:
        groups[change.model, change.before, change.after].append(change)
    for (model, before, after), group in groups.items():
        level = logging.WARNING if after == "drift" else logging.INFO
        whose, went = f"drift of {model or 'the model'}:", f"went from {before} to {after}"
        if before == after:
            went = "still drifts and is muted no more"
        if "drift" in (before, after) and len(group) <= MANY:
            for change in group:
                text = f"{whose} {change.side} {change.column} {went}{_how(change)}"
                log.log(level, text, extra=fields(change))
            continue
        log.log(
            level,
            f"{whose} {len(group)} column{'s' if len(group) > 1 else ''} {went}",
            extra={
                "model": model,
                "before": before,
                "after": after,
                "columns": len(group),
                "first": [change.column for change in group[:MANY]],
            },
        )


def fields(change: Change) -> dict[str, Any]:
    """The record's own fields: model, column, side, before, after, since (seconds since the epoch),
    what of the verdict is TOLD, and `examples` (ids of requests in the bins that grew)."""
    verdict = msgspec.to_builtins(change.verdict)
    told = {name: verdict[name] for name in TOLD if verdict.get(name) not in (None, "")}
    whole = change._asdict() | told
    del whole["verdict"]
    whole["examples"] = [example.request_id for example in change.examples]
    return whole


def _how(change: Change) -> str:
    """In a few words: which test found it, which way, how far."""
    told = fields(change)
    words = [str(told[name]) for name in ("test", "direction") if name in told]
    if "effect" in told:
        words.append(f"by {told['effect']:.3g} standard deviations")
    return f" ({', '.join(words)})" if words and change.after == "drift" else ""
