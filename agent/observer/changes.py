"""Verdicts that changed, as lines of Outrider's own log.

Rule: a line for each column that began or ceased to drift; one for all columns of any other
change, and for more than MANY at once: a thousand columns must not be a thousand lines.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

from agent.drift.model import Change

MANY = 10


def tell(changes: Iterable[Change], log: logging.Logger) -> None:
    """Logs them; drift as a warning."""
    groups: dict[tuple[str, str, str], list[Change]] = defaultdict(list)
    for change in changes:
        groups[change.model, change.before, change.after].append(change)
    for (model, before, after), group in groups.items():
        level = logging.WARNING if after == "drift" else logging.INFO
        whose, went = f"drift of {model or 'the model'}:", f"went from {before} to {after}"
        if "drift" in (before, after) and len(group) <= MANY:
            for change in group:
                log.log(
                    level,
                    f"{whose} {change.side} {change.column} {went}",
                    extra=change._asdict(),
                )
            continue
        log.log(
            level,
            f"{whose} {len(group)} column{'s' if len(group) > 1 else ''} {went}",
            extra={
                "model": model,
                "columns": len(group),
                "first": [change.column for change in group[:MANY]],
            },
        )
