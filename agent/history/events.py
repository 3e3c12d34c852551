"""What happened in the last day, in words: alarms, findings, restarts, versions, references.

Rule: bounded: the last `MOST` events, each of at most `MAX_TEXT` characters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal, NamedTuple

MOST = 200
MAX_TEXT = 500

Kind = Literal["drift", "finding", "restart", "version", "reference"]


class Event(NamedTuple):
    """`at`: seconds since the epoch."""

    at: float
    kind: Kind
    text: str


class Events:
    """The newest last."""

    def __init__(self) -> None:
        self._kept: deque[Event] = deque(maxlen=MOST)

    def add(self, at: float, kind: Kind, text: str) -> None:
        """One more; what is long is cut."""
        text = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
        self._kept.append(Event(at, kind, text))

    def resume(self, kept: Iterable[Event]) -> None:
        """Those that another process has seen stand before its own."""
        self._kept = deque([*kept, *self._kept], maxlen=MOST)

    def since(self, at: float) -> list[Event]:
        """The newest first."""
        return [event for event in reversed(self._kept) if event.at >= at]
