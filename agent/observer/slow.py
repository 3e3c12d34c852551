"""What is slow for a route: longer than 99 of 100 of its requests so far, of those looked at.

Rule: bounded, and nothing is slow before `FEWEST` requests. It is for choosing examples: exact
durations are in the ledger.

Theory. Durations are counted in buckets whose bounds are 9 % apart (eight to a doubling); the limit
is the upper bound of the bucket with the 99th percentile, so it errs by less than that, upwards.
Counts are halved at `FORGET`, so that a route that has become slower is soon slow for nobody.
"""

from __future__ import annotations

from math import ceil, inf, log2

FEWEST = 200
"""Requests of a route before any of it is slow."""
EACH = 50
"""Requests between two looks."""
FORGET = 20_000
MAX_ROUTES = 256
_A_DOUBLING = 8
_SHARE = 0.99


class Slow:
    """Of each route the limit, in seconds, in `limits`."""

    def __init__(self) -> None:
        self.limits: dict[str, float] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._totals: dict[str, int] = {}

    def learn(self, route: str, duration: float) -> None:
        """Takes one request."""
        counts = self._counts.get(route)
        if counts is None:
            if len(self._counts) >= MAX_ROUTES:
                return
            counts = self._counts[route] = {}
        bucket = ceil(log2(max(duration, 1e-6)) * _A_DOUBLING)
        counts[bucket] = counts.get(bucket, 0) + 1
        total = self._totals[route] = self._totals.get(route, 0) + 1
        if total >= FEWEST and total % EACH == 0:
            self._look(route, counts, total)

    def _look(self, route: str, counts: dict[int, int], total: int) -> None:
        left = total * (1 - _SHARE)
        limit = inf
        for bucket in sorted(counts, reverse=True):
            left -= counts[bucket]
            limit = 2.0 ** (bucket / _A_DOUBLING)
            if left < 0:
                break
        self.limits[route] = limit
        if total >= FORGET:
            halved = {bucket: count // 2 for bucket, count in counts.items() if count > 1}
            self._counts[route] = halved
            self._totals[route] = sum(halved.values())
