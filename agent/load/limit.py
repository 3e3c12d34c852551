"""How many requests at once the model server gets faster with: found in what was seen, or unknown.

Rule: pure and bounded; spans in, a number or the reason why there is none out.

Theory. Up to its limit a server finishes more a second the more it has at once, and each takes as
long as ever; beyond it throughput stays and time grows, as requests wait. The limit is where the
two lines meet: greatest throughput × least time (the asymptotic bounds of Denning and Buzen 1978;
Kleinrock 1979; the bandwidth-delay product of BBR). Of c servers and one queue that is c. A table
keeps, for each level of concurrency that was seen, how long it was seen, what finished, and how
long that took. The limit is known once the table shows

- a plateau: from the knee, the lowest level within NEAR of the greatest throughput, to one with
  WIDE times as many requests in flight, and as many at least, throughput rose no more, and
- the rise to it: at less concurrency than at the knee, throughput below LOW of the greatest.

Without the plateau nothing is known but that the limit is not below what was seen; without the
rise, requests that merely became longer would look the same. A level of less than FALLEN of the
greatest throughput is no end of a plateau but other traffic.

Levels are forgotten: each keeps RECENT seconds at most, and all fade by half in HALF_LIFE.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from agent.load.little import Span

RATIO = 1.4
"""From one level to the next."""
LEAST, MOST = 0.25, 65536.0
"""Mean concurrency of the lowest and the highest level."""
ONE = 1.0
"""Requests that any server answers at once. One client that waits for each answer never has more in
flight: where its requests become longer, that is no limit."""
NEAR = 0.85
WIDE = 2.0
LOW, LIGHT = 0.6, 0.4
FALLEN = 0.7
ENOUGH_REQUESTS = 100
ENOUGH_SECONDS = 3.5
"""Of a level, before it says anything."""
FORGOTTEN = 0.5
"""Of a level, requests that are left of it; with less it is gone."""
RECENT = 600.0
HALF_LIFE = 6 * 3600.0

NO_TRAFFIC = "not enough traffic yet"
NO_PLATEAU = "throughput still rose with the most requests in flight that were seen"
NO_RISE = "no traffic was seen that was light enough to compare with"


class Level(NamedTuple):
    """What was seen at about one concurrency."""

    concurrency: float
    rate: float
    """Requests finished a second."""
    mean: float
    """Seconds a request."""
    seconds: float
    """How long it was seen."""


SavedLevel = tuple[int, float, float, float, float]
"""Of a level its number, and its sums: seconds, requests, held, area."""


@dataclass(slots=True)
class _Sums:
    seconds: float = 0.0
    requests: float = 0.0
    held: float = 0.0
    area: float = 0.0

    def fade(self, share: float) -> None:
        self.seconds *= share
        self.requests *= share
        self.held *= share
        self.area *= share


class LimitTable:
    """Levels seen, at most one for each RATIO from LEAST to MOST."""

    def __init__(self) -> None:
        self._levels: dict[int, _Sums] = {}

    def add(self, span: Span) -> None:
        """A short while of traffic that was about the same; one without a request says nothing."""
        if not span.requests or span.concurrency <= 0:
            return
        self._fade(span.seconds)
        sums = self._levels.setdefault(_number(span.concurrency), _Sums())
        sums.seconds += span.seconds
        sums.requests += span.requests
        sums.held += span.held
        sums.area += span.concurrency * span.seconds
        if sums.seconds > RECENT:
            sums.fade(RECENT / sums.seconds)

    def _fade(self, seconds: float) -> None:
        share = 0.5 ** (seconds / HALF_LIFE)
        for known in self._levels.values():
            known.fade(share)
        if any(known.requests < FORGOTTEN for known in self._levels.values()):
            kept = {n: s for n, s in self._levels.items() if s.requests >= FORGOTTEN}
            self._levels = kept

    def saved(self) -> list[SavedLevel]:
        """All of it, as plain data."""
        return [(n, s.seconds, s.requests, s.held, s.area) for n, s in self._levels.items()]

    def resume(self, levels: list[SavedLevel], age: float) -> None:
        """Goes on from what was saved `age` seconds ago. Raises ValueError if that is none."""
        for number, *sums in levels:
            if not _number(LEAST) <= number <= _number(MOST):
                raise ValueError(f"there is no level {number}")
            seconds, requests, held, area = sums
            if not 0 < seconds <= 1.01 * RECENT or not 0 < requests < math.inf:
                raise ValueError(f"level {number} has no traffic")
            if not 0 <= held < math.inf or not 0 <= area < math.inf:
                raise ValueError(f"the sums of level {number} are none")
        self._levels = {number: _Sums(*sums) for number, *sums in levels}
        self._fade(age)

    def levels(self) -> list[Level]:
        """Those that were seen for long enough, the lowest concurrency first."""
        found = [
            Level(s.area / s.seconds, s.requests / s.seconds, s.held / s.requests, s.seconds)
            for s in self._levels.values()
            if s.requests >= ENOUGH_REQUESTS and s.seconds >= ENOUGH_SECONDS
        ]
        return sorted(found)

    def limit(self) -> tuple[float | None, str]:
        """The limit, or None and why it is not known."""
        return limit_of(self.levels())


def _number(concurrency: float) -> int:
    """Of the level that it belongs to."""
    return round(math.log(min(max(concurrency, LEAST), MOST), RATIO))


def limit_of(levels: list[Level]) -> tuple[float | None, str]:
    """The limit that these levels show, lowest first; or None and why it is not known."""
    if not levels:
        return None, NO_TRAFFIC
    greatest = max(level.rate for level in levels)
    at = next(n for n, level in enumerate(levels) if level.rate >= NEAR * greatest)
    knee, below = levels[at], levels[:at]
    wide = WIDE * max(knee.concurrency, ONE)
    far = [level for level in levels[at:] if level.concurrency >= wide]
    if not any(level.rate >= FALLEN * greatest for level in far):
        return None, NO_PLATEAU
    if not any(level.rate <= LOW * greatest for level in below):
        return None, NO_RISE
    flat = [level for level in levels[at:] if level.rate >= NEAR * greatest]
    plateau = sum(x.rate * x.seconds for x in flat) / sum(x.seconds for x in flat)
    return max(min(knee.concurrency, plateau * _light(below, greatest)), ONE), ""


def _light(below: list[Level], greatest: float) -> float:
    """Mean time of a request in light traffic: of all of it, as of one level by itself it is less
    where requests were short by chance."""
    most = LIGHT if below[0].rate <= LIGHT * greatest else LOW
    light = [level for level in below if level.rate <= most * greatest]
    return sum(x.mean * x.rate * x.seconds for x in light) / sum(x.rate * x.seconds for x in light)
