"""A small event simulation of a model server with so many slots and one queue, seen as a ledger
would see it: finished requests, their summed durations, how many are in flight at each look."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Iterator

from agent.ledger import RouteKey
from agent.load.readings import Flow, Reading

ROUTE = RouteKey("/predict", "m")


class Queue:
    """First come, first served, by `slots` servers."""

    def __init__(self, slots: int, service: Callable[[], float]) -> None:
        self.slots, self._service = slots, service
        self.now = self.area = self.held = 0.0
        self.finished = 0
        self._waiting: deque[float] = deque()
        self._ends: list[tuple[float, float]] = []

    @property
    def inside(self) -> int:
        return len(self._waiting) + len(self._ends)

    def reach(self, at: float) -> None:
        """Lets time pass; requests that end by then do."""
        while self._ends and self._ends[0][0] <= at:
            self._pass(self._ends[0][0])
            end, came = heapq.heappop(self._ends)
            self.finished += 1
            self.held += end - came
            self._serve()
        self._pass(at)

    def arrive(self) -> None:
        self._waiting.append(self.now)
        self._serve()

    def _pass(self, at: float) -> None:
        self.area += self.inside * (at - self.now)
        self.now = at

    def _serve(self) -> None:
        if self._waiting and len(self._ends) < self.slots:
            came = self._waiting.popleft()
            heapq.heappush(self._ends, (self.now + self._service(), came))

    def reading(self) -> Reading:
        flow = Flow(self.finished, self.held, self.inside)
        return Reading(self.now, {ROUTE: flow}, self.finished, self.finished, 0)


def readings(
    queue: Queue, rate: Callable[[float], float], seconds: int, dice: random.Random
) -> Iterator[Reading]:
    """One at each second, of arrivals at random at `rate(time)` a second."""
    yield queue.reading()
    greatest = max(rate(float(t)) for t in range(seconds + 1))
    arrival = dice.expovariate(greatest)
    for tick in range(1, seconds + 1):
        while arrival < tick:
            queue.reach(arrival)
            if dice.random() * greatest < rate(arrival):
                queue.arrive()
            arrival += dice.expovariate(greatest)
        queue.reach(float(tick))
        yield queue.reading()
