"""A day of traffic as tests need it, asked as the recorder is."""

from __future__ import annotations

from typing import Any

from agent.alerts.view import View
from agent.history.totals import Buckets, Totals

BOUNDS = (0.1, 0.5, 1.0, 2.5)
MINUTES = 1440


class Day:
    """Minute by minute; `known` seconds of it."""

    def __init__(self, known: float = 86400.0) -> None:
        self.known = known
        self.requests = [0] * MINUTES
        """The last minute is the last."""
        self.errors = [0] * MINUTES
        self.seconds = 0.05
        """That each request takes."""
        self.more: dict[str, int] = {}
        self.away = range(0)
        """Minutes ago in which the sidecar was away; 1: the last."""

    def steady(self, each: int = 10, *, until: int = 0, since: int = MINUTES) -> Day:
        """So many requests in each minute, from `since` to `until` minutes ago."""
        for n in range(MINUTES - since, MINUTES - until):
            self.requests[n] = each
        return self

    def window(self, seconds: float) -> Totals:
        """Sums of the last so many seconds."""
        minutes = min(MINUTES, int(seconds // 60))
        requests = sum(self.requests[MINUTES - minutes :])
        counts = [0] * (len(BOUNDS) + 1)
        counts[sum(self.seconds > bound for bound in BOUNDS)] = requests
        sums: dict[str, Any] = dict.fromkeys(Totals._fields, 0)
        sums["server_errors"] = sum(self.errors[MINUTES - minutes :])
        sums |= {"seconds": min(seconds, self.known)} | self.more
        sums["durations"] = sums["overheads"] = Buckets(BOUNDS, tuple(counts))
        return Totals(**sums)

    def minutes(self) -> list[int | None]:
        """Requests of each minute."""
        unknown = MINUTES - int(self.known // 60)
        found = [None] * unknown + self.requests[unknown:]
        return [None if MINUTES - n in self.away else count for n, count in enumerate(found)]

    def view(self, **more: Any) -> View:
        """A moment at its end."""
        whole: dict[str, Any] = {
            "now": 1e9,
            "window": self.window,
            "minutes": self.minutes,
            "availability": 0.999,
            "latency": 1.0,
            "columns": [],
            "silent": [],
            "confidences": [],
            "unseen": [],
            "sinks": [],
            "shed": "",
            "observed": 0,
        }
        return View(**(whole | more))
