"""The mean number of requests in flight over a while, by Little's law.

Rule: pure; readings in, numbers out.

Theory. L = λ·W: the mean number in a system is the rate at which requests come times the mean time
that each stays (Little 1961; Kim and Whitt 2013 for measured averages over a finite while). λ·W of
those that finished in a while is the sum of their durations by its length, which the ledger has
exactly. It leaves out what those in flight at the end have behind them and takes in what those at
the beginning had: the error is in the order of W by the while's length. The gauge of requests in
flight, looked at each second, has no such error, but sees little of requests that are short: of a
minute it says the mean to about one part in eight. Both err alike where W is a tenth of the while.
So by route: the law where requests are shorter than that, the gauge where they are longer, as
streams of language models are. A slot is held for the whole length of a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.ledger import RouteKey
from agent.load.readings import Flow, Reading

LONG = 0.1
"""Of a while: requests that last longer are averaged by the gauge."""
_NOTHING = Flow(0, 0.0, 0)


class Span(NamedTuple):
    """What happened between the first and the last of some readings."""

    seconds: float
    requests: int
    """Finished."""
    held: float
    """Sum of their durations, in seconds."""
    concurrency: float
    """Mean number in flight."""

    @property
    def rate(self) -> float:
        """Requests finished a second."""
        return self.requests / self.seconds

    @property
    def mean(self) -> float | None:
        """Mean duration of a request, in seconds."""
        return self.held / self.requests if self.requests else None


def between(readings: Sequence[Reading]) -> Span | None:
    """None of fewer than two readings, or where no time passed."""
    if len(readings) < 2 or readings[-1].at <= readings[0].at:
        return None
    first, last = readings[0], readings[-1]
    seconds = last.at - first.at
    requests, held, concurrency = 0, 0.0, 0.0
    for route, now in last.flows.items():
        then = first.flows.get(route, _NOTHING)
        came, stayed = max(now.requests - then.requests, 0), max(now.seconds - then.seconds, 0.0)
        requests += came
        held += stayed
        if came and stayed / came <= LONG * seconds:
            concurrency += stayed / seconds
        else:
            concurrency += _gauged(route, readings) / seconds
    return Span(seconds, requests, held, concurrency)


def _gauged(route: RouteKey, readings: Sequence[Reading]) -> float:
    """Seconds × requests in flight, between looks at the gauge as on a straight line."""
    area = 0.0
    active, at = readings[0].flows.get(route, _NOTHING).active, readings[0].at
    for reading in readings[1:]:
        next_active = reading.flows.get(route, _NOTHING).active
        area += (active + next_active) / 2 * (reading.at - at)
        active, at = next_active, reading.at
    return area
