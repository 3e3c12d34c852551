"""All of it together: conditions are judged, alerts kept, destinations told.

Rule: knows no clock, file or part of the observer: a view of the moment, and what another process
has kept, are given.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from agent.alerts.conditions import TABLE, judged
from agent.alerts.courier import Courier
from agent.alerts.state import Alert, Alerts
from agent.alerts.telling import Known
from agent.alerts.trend import Trends
from agent.alerts.view import View

FORMAT = 1
MAX_KEPT = 16 << 20
"""Bytes; a longer file is none of ours."""

MAX_TIME = 1e11
"""Seconds since the epoch: of the year 5138."""


class Kept(msgspec.Struct):
    """What outlives a process."""

    format: int
    alerts: list[Alert]
    told: dict[str, Known]
    """By destination."""


class Alarms:
    """See the module. Not thread-safe: one loop looks and asks."""

    def __init__(
        self, couriers: Sequence[Courier], off: Collection[str], kept: Kept | None, now: float
    ) -> None:
        """`kept`: of the process before, which couriers have taken their part of already."""
        self.couriers = couriers
        self._off = off
        self._alerts = Alerts(kept.alerts if kept is not None else (), now)
        self._trends = Trends()
        self._was: object = None

    def look(self, view: View) -> None:
        """Judges a moment and begins to tell what is to be told."""
        found = judged(view, self._trends, self._off)
        self._alerts.look(view.now, found, self._is_told)
        alerts = self._alerts.all()
        for courier in self.couriers:
            courier.step(view.now, alerts)

    async def stop(self, now: float, deadline: float) -> None:
        """Tells what is left, for at most `deadline` seconds."""
        alerts = self._alerts.all()
        await asyncio.gather(*(one.stop(now, alerts, deadline) for one in self.couriers))

    def _is_told(self, alert: Alert) -> bool:
        return all(courier.telling.is_told(alert) for courier in self.couriers)

    # ---- what is kept

    def unsaved(self) -> bytes | None:
        """What is to be kept, if it is not as it was at the last call."""
        told = {courier.name: courier.telling.known() for courier in self.couriers}
        alerts = self._alerts.all()
        now = ([(one.key, one.phase, one.number) for one in alerts], msgspec.to_builtins(told))
        if now == self._was:
            return None
        self._was = now
        return msgspec.json.encode(Kept(FORMAT, alerts, told))

    # ---- what is shown

    def firing(self) -> dict[tuple[str, str], int]:
        """How many by name and severity, of all that are judged."""
        counts = Counter(alert.name for alert in self._alerts.firing())
        return {(c.name, c.severity): counts[c.name] for c in TABLE if c.name not in self._off}

    def status(self) -> dict[str, Any]:
        """For `/api/v1/status`: what fires, and of each destination what became of its messages,
        how many pieces of news its limit holds back, and its last error."""
        return {
            "firing": [_shown(alert) for alert in self._alerts.firing()],
            "off": sorted(self._off),
            "lost": self._alerts.lost,
            "destinations": [
                {
                    "name": one.name,
                    "type": one.kind,
                    "messages": dict(one.counts),
                    "suppressed": one.telling.held,
                    "away": one.away,
                    "last_error": one.last_error,
                }
                for one in self.couriers
            ],
        }


def _shown(alert: Alert) -> dict[str, Any]:
    return {
        "name": alert.name,
        "severity": alert.severity,
        "labels": dict(alert.labels),
        "summary": alert.summary,
        "description": alert.description,
        "since": datetime.fromtimestamp(alert.fired, UTC).isoformat(timespec="milliseconds"),
    }


def read(data: bytes) -> Kept:
    """What `unsaved` gave. Raises ValueError."""
    try:
        kept = msgspec.json.decode(data, type=Kept)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    if kept.format != FORMAT:
        raise ValueError(f"format {kept.format}, where this version reads {FORMAT}")
    for one in kept.alerts:
        if not all(0 <= at < MAX_TIME for at in (one.since, one.fired, one.seen, one.ended)):
            raise ValueError(f"{one.name} has times that are none")
    return kept
