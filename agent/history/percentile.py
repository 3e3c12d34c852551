"""Percentiles of a histogram, as PromQL's `histogram_quantile` finds them.

Rule: pure. The value is interpolated linearly within the bucket that has the rank `share × count`;
the first bucket begins at 0. In the last one, which has no upper bound, it is that bucket's lower
bound: so what is told is never beyond the largest bound, and off by at most a bucket's width.

Source: Prometheus, promql/quantile.go, of classic histograms.
"""

from __future__ import annotations

from collections.abc import Sequence


def percentile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """The value below which `share` (0 to 1) of the values lie; None if there are none.

    `counts` are by bucket, not cumulative, and one more than the upper `bounds`.
    """
    total = sum(counts)
    if total <= 0:
        return None
    rank, below, low = share * total, 0, 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and below + count >= rank:
            return low + (bound - low) * (rank - below) / count
        below += count
        low = bound
    return low
