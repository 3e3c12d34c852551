"""Percentiles of histograms, as PromQL's `histogram_quantile` finds them.

Rule: pure. The value is interpolated linearly within the bucket that has the rank `share × count`;
the first bucket begins at 0. In the last one, which has no upper bound, it is that bucket's lower
bound: so what is told is never beyond the largest bound, and off by at most a bucket's width.

Source: Prometheus, promql/quantile.go, of classic histograms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def percentile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """The value below which `share` (0 to 1) of the values lie; None if there are none.

    `counts` are by bucket, not cumulative, and one more than the upper `bounds`.
    """
    if sum(counts) <= 0:
        return None
    return float(percentiles(bounds, np.array([counts], dtype=np.int64), share)[0])


def percentiles(
    bounds: Sequence[float], rows: npt.NDArray[np.int64], share: float
) -> npt.NDArray[np.float64]:
    """The same of many histograms, a row each; NaN where there are no values."""
    edges = np.array([0.0, *bounds])
    below = np.zeros((len(rows), len(bounds) + 2), dtype=np.int64)
    np.cumsum(rows, axis=1, out=below[:, 1:])
    total = below[:, -1]
    rank = share * total
    each = np.arange(len(rows))
    is_first = (below[:, 1:] >= rank[:, None]) & (rows > 0)
    place = is_first.argmax(axis=1)
    low = edges[place]
    high = np.append(edges, edges[-1])[place + 1]
    count = np.maximum(rows[each, place], 1)
    found = low + (high - low) * (rank - below[each, place]) / count
    return np.where(total > 0, found, np.nan)
