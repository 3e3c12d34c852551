"""Which alerts there are: pending, firing, over.

Rule: pure. What is so at a moment, and the moment, are given; nothing here reads a clock or sends.

Theory. An alert is what one condition says of one set of labels. The way of one:

    absent  ── found ──▶ PENDING ── found for `hold` ──▶ FIRING ── gone for `quiet` ──▶ OVER
                          │  ▲                                                           │
               gone ◀─────┘  └───────────────────────── found ◀──────────────────────────┤
                                                                    after MEMORY: absent ◀┘

Flapping is damped: `quiet` is nothing for the first firing, and longer (QUIETS) each time that it
fires again within MEMORY of having been over. Bounded: of one condition at most MAX_EACH alerts are
kept, and all that is found beyond them is one more alert, whose labels say `other`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

from msgspec import Struct

MAX_EACH = 50
"""Alerts of one condition, whatever their phase; one more has what goes beyond."""
MEMORY = 3600.0
"""Seconds that one that is over is remembered."""
KEEP = 86400.0
"""Seconds that one that is over waits at most for all destinations to have been told."""
QUIETS = (0.0, 300.0, 900.0, 3600.0)
"""Seconds that a condition must be gone: of the first firing, the second within MEMORY…"""
SETTLE = 600.0
"""Seconds after a start in which what was firing before is not called over: there are no figures
yet that could say so."""
OTHER = "other"

Key = tuple[str, ...]
"""The condition, then names and values of the labels in order: what makes an alert the same."""


class Found(NamedTuple):
    """A condition that is so now."""

    name: str
    severity: str
    labels: tuple[tuple[str, str], ...]
    """What it is said of, such as model and column, in order."""
    summary: str
    """One line."""
    description: str
    """With numbers, and what to do first."""
    hold: float = 0.0
    """Seconds that it must be so before it is told."""

    @property
    def key(self) -> Key:
        """Equal for the same alert."""
        return (self.name, *(text for pair in self.labels for text in pair))


class Phase(Enum):
    PENDING = "pending"
    FIRING = "firing"
    OVER = "over"


class Alert(Struct):
    """One that is or was; times in seconds since the epoch."""

    name: str
    severity: str
    labels: tuple[tuple[str, str], ...]
    summary: str
    description: str
    phase: Phase
    since: float
    """When it was found first, of this time; of one that is pending or firing."""
    number: int = 0
    """Of its last firing, among all firings of all alerts; 0: it never fired."""
    fired: float = 0.0
    """When that began."""
    seen: float = 0.0
    """When the condition was so last."""
    ended: float = 0.0
    """When the last firing was over."""
    streak: int = 0
    """Firings with less than MEMORY between them."""
    settles: float = 0.0
    """It is not over before this time."""

    @property
    def key(self) -> Key:
        """As of what it was found by."""
        return (self.name, *(text for pair in self.labels for text in pair))

    @property
    def is_firing(self) -> bool:
        """Whether people should know of it now."""
        return self.phase is Phase.FIRING


class Alerts:
    """All of them; `look` is called every few seconds."""

    def __init__(self, kept: Iterable[Alert] = (), now: float = 0.0) -> None:
        """`kept`: as `all` gave them to another process, which has ended at about `now`."""
        self._alerts: dict[Key, Alert] = {}
        for alert in kept:
            if alert.is_firing:
                alert.settles = now + SETTLE
            self._alerts[alert.key] = alert
        self._firings = max((alert.number for alert in self._alerts.values()), default=0)
        self.lost = 0
        """Firings that not all destinations were told of in KEEP."""

    def all(self) -> list[Alert]:
        """Those that are, and those that were and are remembered."""
        return list(self._alerts.values())

    def get(self, key: Key) -> Alert | None:
        """One, if it is known."""
        return self._alerts.get(key)

    def firing(self) -> list[Alert]:
        """Those that people should know of, the oldest first."""
        return sorted((a for a in self._alerts.values() if a.is_firing), key=lambda a: a.fired)

    def look(self, now: float, found: Iterable[Found], is_told: Callable[[Alert], bool]) -> None:
        """Takes all that is so at `now`. `is_told`: whether all destinations know of its end."""
        self._forget(now, is_told)
        seen = {one.key: one for one in self._bounded(found)}
        for key, one in seen.items():
            self._is_so(key, one, now)
        for key, alert in list(self._alerts.items()):
            if key not in seen:
                self._is_not_so(key, alert, now)

    def _bounded(self, found: Iterable[Found]) -> Iterable[Found]:
        """Those that have or get a place; the others of their condition as one."""
        places: defaultdict[str, int] = defaultdict(int)
        for alert in self._alerts.values():
            places[alert.name] += (OTHER, OTHER) not in alert.labels
        beyond: defaultdict[str, dict[Key, Found]] = defaultdict(dict)
        fresh: set[Key] = set()
        for one in found:
            key = one.key
            if key not in self._alerts and key not in fresh:
                if places[one.name] >= MAX_EACH:
                    beyond[one.name][key] = one
                    continue
                places[one.name] += 1
                fresh.add(key)
            yield one
        for rest in beyond.values():
            yield _other(list(rest.values()))

    def _is_so(self, key: Key, one: Found, now: float) -> None:
        alert = self._alerts.get(key)
        if alert is None:
            told = one.name, one.severity, one.labels, one.summary, one.description
            alert = self._alerts[key] = Alert(*told, Phase.PENDING, now)
        elif alert.phase is Phase.OVER:
            alert.phase, alert.since = Phase.PENDING, now
        alert.summary, alert.description, alert.severity = (
            one.summary,
            one.description,
            one.severity,
        )
        alert.seen = now
        # A clock that was set back must not make it wait for the time it was set back by.
        alert.since = min(alert.since, now)
        if alert.phase is Phase.PENDING and now - alert.since >= one.hold:
            is_again = alert.number > 0 and now - alert.ended < MEMORY
            alert.streak = alert.streak + 1 if is_again else 1
            self._firings += 1
            alert.phase, alert.fired, alert.number = Phase.FIRING, now, self._firings

    def _is_not_so(self, key: Key, alert: Alert, now: float) -> None:
        if alert.phase is Phase.PENDING:
            if alert.number:
                alert.phase = Phase.OVER
            else:
                del self._alerts[key]
        elif alert.phase is Phase.FIRING and now >= alert.settles:
            alert.seen = min(alert.seen, now)
            if now - alert.seen >= QUIETS[min(alert.streak, len(QUIETS)) - 1]:
                alert.phase, alert.ended = Phase.OVER, now

    def _forget(self, now: float, is_told: Callable[[Alert], bool]) -> None:
        for key, alert in list(self._alerts.items()):
            age = now - alert.ended
            if alert.phase is not Phase.OVER or age < MEMORY:
                continue
            if is_told(alert):
                del self._alerts[key]
            elif age >= KEEP:
                self.lost += 1
                del self._alerts[key]


def _other(rest: list[Found]) -> Found:
    """What has no place of its own, as one."""
    first = rest[0]
    return Found(
        first.name,
        first.severity,
        ((OTHER, OTHER),),
        f"{len(rest)} more of {first.name}, beside the {MAX_EACH} that are told one by one",
        f"The first is: {first.summary}. The sidecar's status page has all.",
        max(one.hold for one in rest),
    )
