"""Silent failures that began or are over, as lines of the log.

Rule: a warning when one begins, a note when it is over; nothing in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from agent.observer.telling.changes import Line
from agent.quality.findings import BY_NAME, News


def lines(news: Iterable[News], name: Callable[[str], str]) -> Iterator[Line]:
    """`name`: makes a text fit to be shown."""
    for one in news:
        kind = BY_NAME[one.finding]
        where = name(one.where)
        whose = f"{one.model} version {one.version}" if one.version else one.model or "a model"
        began = f"{kind.means} ({where}); {kind.do}"
        over = f"no more, after {one.requests} requests"
        text = f"finding {one.finding} in {whose}: {began if one.began else over}"
        fields = {
            **one._asdict(),
            "since": datetime.fromtimestamp(one.since, UTC).isoformat(timespec="milliseconds"),
            "share": round(one.share, 6),
            "where": where,
        }
        if not one.version:
            del fields["version"]
        yield Line(one.model, logging.WARNING if one.began else logging.INFO, text, fields, True)
