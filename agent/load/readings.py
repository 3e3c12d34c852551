"""What is read each second: exact sums of the ledger, and how much of it was looked at.

Rule: plain numbers since the beginning; what they say of a while is the difference of two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from agent.ledger import Ledger, RouteKey

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


def read(ledger: Ledger, now: float) -> Reading:
    """The ledger as it is at `now`."""
    requests: dict[RouteKey, int] = {}
    seconds: dict[RouteKey, float] = {}
    tunnels = set()
    answered = 0
    for key, histogram in ledger.series().items():
        route = RouteKey(key.route, key.model)
        count = sum(histogram.counts)
        requests[route] = requests.get(route, 0) + count
        seconds[route] = seconds.get(route, 0.0) + histogram.sum
        if key.status == TUNNEL:
            tunnels.add(route)
        elif key.status[:1] == "2":
            answered += count
    flows = {
        route: Flow(requests.get(route, 0), seconds.get(route, 0.0), active)
        for route, active in ledger.route_counts("active").items()
        if route not in tunnels
    }
    return Reading(now, flows, answered, ledger.counter("observed"), sum(_unread(ledger)))


def _unread(ledger: Ledger) -> Iterator[int]:
    yield from map(ledger.counter, _LOST_BY_WORKER)
    yield from map(ledger.observer_counter, _LOST_BY_OBSERVER)
