"""Quantiles and mean of a number column, as far as its bins tell them.

Rule: pure. Within a bin values are taken to lie evenly, so a quantile is as exact as the bin is
narrow; beyond the reference's extremes nothing is known but that it is beyond.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from agent.drift.pictures.bins import interval

LEVELS = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}


class Quantiles(Struct, frozen=True):
    """Of the values that are numbers. None: there are none."""

    p05: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p95: float | None
    beyond: list[str] = []
    """Those that lie outside of the reference's range, which is what is told of them."""


def quantiles_of(edges: Sequence[float], counts: Sequence[int]) -> Quantiles:
    """Of counts on these edges (`reference.sketch`), without missing and invalid."""
    total = sum(counts)
    found: dict[str, float | None] = {}
    beyond: list[str] = []
    for name, level in LEVELS.items():
        at = _quantile(edges, counts, level * total) if total and edges else None
        found[name] = at[0] if at is not None else None
        if at is not None and at[1]:
            beyond.append(name)
    return Quantiles(**found, beyond=beyond)


def _quantile(
    edges: Sequence[float], counts: Sequence[int], rank: float
) -> tuple[float, bool] | None:
    """The value below which so many rows lie; whether it is only an end of the known range."""
    below = 0
    for place, count in enumerate(counts):
        if count and below + count >= rank:
            low, high = interval(edges, place)
            if low is None or high is None:
                end = high if low is None else low
                return (end, True) if end is not None else None
            within = low + (high - low) * max(0.0, rank - below) / count
            return min(max(low, within), high), False
        below += count
    return None


def mean_of(edges: Sequence[float], counts: Sequence[int]) -> float | None:
    """By the middles of the bins; None where rows lie beyond the known range, or there are none."""
    total = sum(counts)
    if not total or not edges or counts[0] or counts[-1]:
        return None
    whole = 0.0
    for place, count in enumerate(counts):
        low, high = interval(edges, place)
        if low is not None and high is not None:
            whole += (low + high) / 2 * count
    return whole / total
