"""Whether a verdict still speaks of traffic: a gauge must not keep what could not be found anew."""

from __future__ import annotations

from agent.drift.traffic.columns import WatchedColumn

STALE_WINDOWS = 3
"""Lengths of a window (`window.seconds`) after which a verdict is not shown as a gauge any more."""


def is_stale(column: WatchedColumn, window_seconds: float, now: float) -> bool:
    """Whether what is known of it is of STALE_WINDOWS windows' length ago: nothing came."""
    evaluated = column.evaluated
    return evaluated is None or now - evaluated > STALE_WINDOWS * window_seconds
