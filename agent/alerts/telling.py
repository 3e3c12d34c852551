"""What one destination was told, and what it is to be told next.

Rule: pure, and by comparison: what is to be told is the difference between what is so and what was
told. So nothing is queued: while a destination is away, or its limit is reached, what happens comes
together, and all of it is told later in one message.

An alert is told when it fires and when it is over, and meanwhile in reminders, of which there is
at most one in `repeat`. The first news waits `group` for others to come with it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from msgspec import Struct

from agent.alerts.state import Alert, Key


class Kind(Enum):
    """What is told of an alert."""

    FIRING = "firing"
    STILL = "still firing"
    OVER = "resolved"
    WAS = "was firing"
    """It fired and was over before this destination could be told."""


class Item(NamedTuple):
    """A piece of news of an alert as it was at that moment."""

    kind: Kind
    key: Key
    number: int
    """Of the firing."""
    name: str
    severity: str
    labels: tuple[tuple[str, str], ...]
    summary: str
    description: str
    fired: float
    """Seconds since the epoch."""
    ended: float | None
    """None while it fires."""

    @property
    def is_over(self) -> bool:
        return self.ended is not None


class Told(Struct, array_like=True):
    """What a destination knows of an alert."""

    number: int
    """Of the last firing that it was told."""
    is_over: bool
    at: float
    """When it was told last, seconds since the epoch."""


class Known(Struct):
    """What is kept of a destination, so that another process tells nothing twice."""

    told: list[tuple[Key, Told]] = []
    sent: list[float] = []
    """When messages were, of the limit's period."""


class Pace(NamedTuple):
    """How often a destination is told something; seconds."""

    repeat: float = math.inf
    """Between reminders of what still fires."""
    group: float = 0.0
    """That the first news waits for others."""
    messages: float = math.inf
    """At most so many…"""
    period: float = 1.0
    """… in so long a time."""


class Telling:
    """Of one destination."""

    def __init__(self, pace: Pace, known: Known | None = None) -> None:
        known = known or Known()
        self._pace = pace
        self._told = dict(known.told)
        self._news_since: float | None = None
        self._reminded = max((told.at for told in self._told.values()), default=-math.inf)
        self._sent = deque(known.sent)
        """When messages were, of the limit's period."""
        self.held = 0
        """Pieces of news that the limit holds back now."""

    def known(self) -> Known:
        """To be kept."""
        return Known(list(self._told.items()), list(self._sent))

    def is_told(self, alert: Alert) -> bool:
        """Whether it knows that the last firing is over."""
        told = self._told.get(alert.key)
        return alert.number == 0 or (
            told is not None and told.number == alert.number and told.is_over
        )

    def due(self, now: float, alerts: Sequence[Alert], *, at_once: bool = False) -> list[Item]:
        """The next message; empty: there is none yet. `at_once`: it does not wait for others."""
        keys = {alert.key for alert in alerts}
        for key in [key for key in self._told if key not in keys]:
            del self._told[key]
        items = [item for alert in alerts if (item := self._news(alert)) is not None]
        items += self._reminders(now, alerts)
        self.held = 0
        if not items:
            self._news_since = None
            return []
        if self._news_since is None or self._news_since > now:
            self._news_since = now
        if now - self._news_since < self._pace.group and not at_once:
            return []
        if not self._may(now):
            self.held = len(items)
            return []
        return sorted(items, key=_order)

    def tell(self, now: float, items: Iterable[Item]) -> None:
        """They were told, or given up."""
        for item in items:
            self._told[item.key] = Told(item.number, item.is_over, now)
            if item.kind is Kind.STILL:
                self._reminded = now
        self._news_since = None
        if math.isfinite(self._pace.messages):
            self._sent.append(now)

    def _news(self, alert: Alert) -> Item | None:
        told = self._told.get(alert.key)
        if told is not None and not told.is_over:
            # If it was over in between and fires again: that it fires is known.
            return None if alert.is_firing else _item(Kind.OVER, alert)
        if alert.number <= (told.number if told is not None else 0):
            return None
        return _item(Kind.FIRING if alert.is_firing else Kind.WAS, alert)

    def _reminders(self, now: float, alerts: Iterable[Alert]) -> list[Item]:
        self._reminded = min(self._reminded, now)
        if now - self._reminded < self._pace.repeat:
            return []
        return [_item(Kind.STILL, alert) for alert in alerts if self._is_long_ago(alert, now)]

    def _is_long_ago(self, alert: Alert, now: float) -> bool:
        told = self._told.get(alert.key)
        if told is None or told.is_over or not alert.is_firing:
            return False
        told.at = min(told.at, now)
        return now - told.at >= self._pace.repeat

    def _may(self, now: float) -> bool:
        sent = self._sent
        while sent and not 0 <= now - sent[0] < self._pace.period:
            sent.popleft()
        return len(sent) < self._pace.messages


def _item(kind: Kind, alert: Alert) -> Item:
    ended = None if alert.is_firing else alert.ended
    told = alert.summary, alert.description, alert.fired, ended
    return Item(kind, alert.key, alert.number, alert.name, alert.severity, alert.labels, *told)


def _order(item: Item) -> tuple[bool, bool, float]:
    """What fires before what is over, critical first, the oldest first."""
    return item.is_over, item.severity != "critical", item.fired
