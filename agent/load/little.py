"""The mean number of requests in flight over a while, by Little's law.

Rule: pure; readings in, numbers out.

Theory. L = λ·W: the mean number in a system is the rate at which requests come times the mean time
that each stays (Little 1961; Kim and Whitt 2013 for measured averages over a finite while). λ·W of
those that finished in a while is the sum of their durations by its length, which the ledger has
exactly. It leaves out what those in flight at the end have behind them and takes in what those at
the beginning had: a share of it in the order of those in flight at the ends by those that finished,
which is about W by the while's length. The gauge of requests in flight, looked at each second, has
no such error, but sees little of requests that are short: of a minute it says the mean to about one
part in eight. Both err alike where that share is a tenth. So by route: the law where it is less,
the gauge where it is more, as with streams of language models, or where the law gives more than
was ever seen in flight, as when one very long stream ends among short requests. A slot is held for
the whole length of a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from agent.load.readings import Flow, Reading

SHARE = 0.1
"""Of requests that finished: with more in flight at the ends the gauge is averaged; of the while:
with requests that last longer."""
ABOVE = 2.0
"""Times the most that were seen in flight, and one: what the law may give."""
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
        looks = [reading.flows.get(route, _NOTHING).active for reading in readings]
        if (
            looks[0] + looks[-1] <= SHARE * came
            and stayed <= SHARE * seconds * came
            and stayed / seconds <= ABOVE * (max(looks) + 1)
        ):
            concurrency += stayed / seconds
        else:
            concurrency += _gauged(looks, readings) / seconds
    return Span(seconds, requests, held, concurrency)


def _gauged(looks: Sequence[int], readings: Sequence[Reading]) -> float:
    """Seconds × requests in flight, between looks at the gauge as on a straight line."""
    steps = zip(pairwise(looks), pairwise(readings), strict=True)
    return sum((a + b) / 2 * (then.at - first.at) for (a, b), (first, then) in steps)
