"""What people read of some news: a title and a part for each alert, as plain text.

Rule: here it is decided what is said, in a destination's file how it is written. All texts are of
one line and of printable characters: names of models, columns and categories are whatever clients
send.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from agent.alerts.conditions import TABLE
from agent.alerts.telling import Item, Kind

MOST = 20
"""Alerts that one message tells one by one."""
MAX_TITLE, MAX_TEXT = 150, 700
"""Characters."""
_RUNBOOKS = {condition.name: condition.runbook for condition in TABLE}


class Source(NamedTuple):
    """Who tells it, and where more is to be found."""

    service: str
    instance: str
    """The host or pod."""
    page: str = ""
    """URL of the sidecar's page; may be empty."""
    runbooks: str = ""
    """URL of the folder of runbooks; may be empty."""


class Part(NamedTuple):
    """What is said of one alert."""

    item: Item
    title: str
    text: str
    when: str
    runbook: str
    """URL; may be empty."""


class Message(NamedTuple):
    """All of it."""

    title: str
    parts: Sequence[Part]
    more: str
    """What has no part of its own; may be empty."""
    page: str
    """URL; may be empty."""

    @property
    def is_over(self) -> bool:
        """Whether nothing that it tells fires."""
        return all(part.item.is_over for part in self.parts)


def compose(items: Sequence[Item], source: Source) -> Message:
    """Of one item at least."""
    counts = Counter(item.kind for item in items)
    told = ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind if counts[kind])
    whose = f"{source.service} on {source.instance}"
    first = plain(items[0].summary, MAX_TITLE)
    title = f"{items[0].severity if not items[0].is_over else items[0].kind.value}: {first}"
    if len(items) > 1:
        title = f"{told}; first: {first}"
    parts = [_part(item, source) for item in items[:MOST]]
    names = Counter(item.name for item in items[MOST:])
    more = ", ".join(f"{count} × {name}" for name, count in names.items())
    return Message(plain(f"{title} ({whose})", 2 * MAX_TITLE), parts, more, source.page)


def runbook(name: str, source: Source) -> str:
    """The URL of an alert's; empty if there is none."""
    file = _RUNBOOKS.get(name)
    return f"{source.runbooks.rstrip('/')}/{file}" if source.runbooks and file else ""


def _part(item: Item, source: Source) -> Part:
    return Part(
        item,
        f"{item.name} {item.kind.value} ({item.severity})",
        plain(f"{item.summary}. {item.description}", MAX_TEXT),
        _when(item),
        runbook(item.name, source),
    )


def _when(item: Item) -> str:
    """`since 2026-01-31 10:00:00 UTC`, or from when to when."""
    if item.ended is None:
        return f"since {at(item.fired)}"
    return f"from {at(item.fired)} to {at(item.ended)}"


def at(seconds: float) -> str:
    """A time for people; `seconds` since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def plain(text: str, most: int) -> str:
    """One line of printable characters, `most` at most."""
    clean = "".join(map(_shown, text[: 2 * most]))
    clean = " ".join(clean.split())
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def _shown(character: str) -> str:
    """Neither breaks a line nor turns the direction of what follows, nor is invisible."""
    if character.isprintable():
        return character
    return " " if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Zs") else "\ufffd"


def text(message: Message) -> str:
    """The whole as lines, for destinations that have plain text alone."""
    return "\n".join(_lines(message)) + "\n"


def _lines(message: Message) -> Iterable[str]:
    for part in message.parts:
        yield part.title
        yield f"  {part.text}"
        yield f"  {part.when}"
        if part.runbook:
            yield f"  What to do: {part.runbook}"
        yield ""
    if message.more:
        yield f"And {message.more}."
    if message.page:
        yield f"More: {message.page}"
