"""What each route did in the last hour.

Rule: differences of the ledger's exact sums. Bounded: the ledger's series and `KEPT` snapshots of
their sums, 2.5 MB of a full ledger. An observer that begins over a ledger that another one has
observed knows what has come since.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from agent.history.sums import SERVER, Sums, kind_of
from agent.history.totals import Buckets
from agent.ledger import Ledger, RouteKey

EVERY = 300.0
"""Seconds between two snapshots."""
KEPT = 13


class RouteTotals(NamedTuple):
    """Of one route and model."""

    key: RouteKey
    errors: int
    """Server errors."""
    durations: Buckets

    @property
    def requests(self) -> int:
        """All, failed ones too."""
        return sum(self.durations.counts)


class Routes:
    """See the module."""

    def __init__(
        self, ledger: Ledger, is_new: bool, steady: Callable[[], float] = time.monotonic
    ) -> None:
        """`is_new`: nobody has observed this ledger before."""
        self._ledger = ledger
        self._steady = steady
        self._bounds = ledger.layout.bounds["duration"]
        self._places: dict[RouteKey, int] = {}
        begin = self._read()
        self._kept = deque([(steady(), begin[:0] if is_new else begin)], maxlen=KEPT)

    def look(self) -> None:
        """Takes a snapshot if it is time."""
        now = self._steady()
        if now - self._kept[-1][0] >= EVERY:
            self._kept.append((now, self._read()))

    def last_hour(self) -> tuple[float, list[RouteTotals]]:
        """How many seconds are known, at most an hour, and the routes that had requests in them,
        those with the most first."""
        began, before = self._kept[0]
        grown = self._read()
        grown[: len(before)] -= before
        found = [
            RouteTotals(key, errors, Buckets(self._bounds, tuple(counts)))
            for key, (errors, *counts) in zip(self._places, grown.tolist(), strict=True)
        ]
        busy = [totals for totals in found if totals.requests > 0]
        return self._steady() - began, sorted(busy, key=lambda one: -one.requests)

    def _read(self) -> Sums:
        """A row for each place: server errors, and durations by bucket."""
        series = self._ledger.series()
        places = [
            self._places.setdefault(RouteKey(key.route, key.model), len(self._places))
            for key in series
        ]
        rows = np.zeros((len(self._places), len(self._bounds) + 2), dtype=np.int64)
        for place, (key, histogram) in zip(places, series.items(), strict=True):
            row = rows[place]
            row[1:] += histogram.counts
            if kind_of(key.status, key.error) == SERVER:
                row[0] += sum(histogram.counts)
        return rows
