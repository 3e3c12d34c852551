"""What is read each second: exact sums of the ledger, and how much of it was looked at.

Rule: plain numbers since the beginning; what they say of a while is the difference of two.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agent.ledger import Ledger, RouteKey, SeriesKey, Table
from agent.tables import floats, used, words

TUNNEL = "101"
"""Status of what became a tunnel: as long as a client likes, whatever the model does."""
_LOST_BY_WORKER = ("unsampled", "over_budget", "dropped_full", "dropped_away", "dropped_killed")
_LOST_BY_OBSERVER = ("failed", "lost", "shed_sketches")


class Flow(NamedTuple):
    """Of the requests of one route."""

    requests: int
    """Finished."""
    seconds: float
    """Sum of their durations: head received to last byte sent, a stream's whole length with it."""
    active: int
    """In flight just now."""


class Reading(NamedTuple):
    """All of one moment."""

    at: float
    """Seconds of a clock that never goes back."""
    flows: dict[RouteKey, Flow]
    """Without routes that open tunnels."""
    answered: int
    """Requests of status 2xx."""
    observed: int
    """Records of requests that were made for the observer."""
    unread: int
    """Of those, without their bodies looked at: not sampled, dropped or shed."""


class _Rows(NamedTuple):
    """What stands in the rows of one table."""

    routes: list[int]
    answered: list[bool]
    """Whether it is of status 2xx; in a table of routes nothing."""


class Reader:
    """Reads one ledger. Keys are decoded once; then a reading adds up the tables as they stand."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._bounds = len(ledger.layout.bounds["duration"]) + 1
        self._routes: dict[RouteKey, int] = {}
        """A number each."""
        self._tunnels: set[int] = set()
        self._series: list[_Rows] = []
        self._actives: list[_Rows] = []
        """Of each region."""

    def read(self, now: float) -> Reading:
        """The ledger as it is at `now`."""
        answered, durations, gauges = 0, [], []
        for n, region in enumerate(self._ledger.regions()):
            if n == len(self._series):
                self._series.append(_Rows([], []))
                self._actives.append(_Rows([], []))
            series, routes = self._series[n], self._actives[n]
            rows = self._know(region.series, series)
            counts = words(region.series, rows)[:, : self._bounds].sum(axis=1)
            sums = floats(region.series, rows)[:, self._bounds]
            answered += int(counts[np.array(series.answered, dtype=bool)].sum())
            durations.append((series.routes, counts, sums))
            rows = self._know(region.routes, routes)
            gauges.append((routes.routes, words(region.routes, rows)[:, 0]))
        at, counts, sums = map(np.concatenate, zip(*durations, strict=True))
        size = len(self._routes)
        requests = np.bincount(at, counts, size).tolist()
        seconds = np.bincount(at, sums, size).tolist()
        at, actives = map(np.concatenate, zip(*gauges, strict=True))
        active = np.bincount(at, actives, size).tolist()
        flows = {
            route: Flow(int(requests[n]), seconds[n], int(active[n]))
            for route, n in self._routes.items()
            if n not in self._tunnels
        }
        of, own = self._ledger.counter, self._ledger.observer_counter
        unread = sum(map(of, _LOST_BY_WORKER)) + sum(map(own, _LOST_BY_OBSERVER))
        return Reading(now, flows, answered, of("observed"), unread)

    def _know(self, table: Table, known: _Rows) -> int:
        """How many rows are in use; notes the keys of those that are new."""
        rows = used(table, len(known.routes))
        if rows > len(known.routes):
            keys = [key for _, key in table.used()][len(known.routes) :]
            for key in keys:
                self._note(key, known)
        return len(known.routes)

    def _note(self, key: tuple[str, ...], known: _Rows) -> None:
        if len(key) == len(RouteKey._fields):
            known.routes.append(self._number(RouteKey(*key)))
            return
        series = SeriesKey(*key)
        number = self._number(RouteKey(series.route, series.model))
        known.routes.append(number)
        known.answered.append(series.status[:1] == "2")
        if series.status == TUNNEL:
            self._tunnels.add(number)

    def _number(self, route: RouteKey) -> int:
        return self._routes.setdefault(route, len(self._routes))
