"""A Prometheus histogram as numbers, and its percentiles.

Rule: pure. Counts are cumulative over upper bounds, as `/metrics` gives them; a percentile is
interpolated within its bucket just as PromQL's `histogram_quantile` does it.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Histogram(NamedTuple):
    """Upper bounds, ascending and ending in infinity, and how many values were at most each."""

    bounds: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def total(self) -> float:
        """All values."""
        return self.counts[-1] if self.counts else 0.0


EMPTY = Histogram((), ())


def add(buckets: dict[float, float], bound: float, count: float) -> None:
    """Add one series' bucket to those of the others with the same bounds."""
    buckets[bound] = buckets.get(bound, 0.0) + count


def from_buckets(buckets: dict[float, float]) -> Histogram:
    """The histogram of what was collected by `add`."""
    bounds = tuple(sorted(buckets))
    return Histogram(bounds, tuple(buckets[bound] for bound in bounds))


def since(now: Histogram, before: Histogram) -> Histogram:
    """What was added after `before`; all of `now` if the bounds are not the same."""
    if now.bounds != before.bounds:
        return now
    return Histogram(
        now.bounds, tuple(max(0.0, n - b) for n, b in zip(now.counts, before.counts, strict=True))
    )


def percentile(histogram: Histogram, share: float) -> float | None:
    """The value below which `share` (0 to 1) of the values lie, or None if there are none.

    In the last bucket, which has no upper bound, it is that bucket's lower one.
    """
    if histogram.total <= 0:
        return None
    rank = share * histogram.total
    low_bound, low_count = 0.0, 0.0
    for bound, count in zip(*histogram, strict=True):
        if count >= rank and count > low_count:
            if math.isinf(bound):
                return low_bound
            return low_bound + (bound - low_bound) * (rank - low_count) / (count - low_count)
        low_bound, low_count = bound, count
    return low_bound
