"""Columns of a reference that the traffic never has: they are not judged, so it must be said.

Rule: pure; names in, words out.

A column that came and comes no more is missing, and drifts. One that never came may be none of the
model's (a label, an id), or it is one that is called otherwise now, which no verdict would tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.drift.traffic.columns import Side

SHOWN = 5
"""Names of each kind."""


def mismatch_of(sides: Iterable[Side]) -> str:
    """Those of both sides, with what the traffic has instead; empty if there are none, and before
    the first row."""
    told = [_of(side) for side in sides if side.columns]
    return "; ".join(filter(None, told))


def _of(side: Side) -> str:
    views = {view for projector in side.vectors for view in projector.vector.views[1:]}
    never = [name for name, column in side.columns.items() if not column.seen and name not in views]
    if not never or (len(never) == len(side.columns) and not side.unexpected):
        return ""
    told = f"in the reference as {side.name}, never in the traffic, so not judged: {_few(never)}"
    if side.unexpected:
        told += f" (in the traffic, and not in the reference: {_few(list(side.unexpected))})"
    return told


def _few(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
