"""`outrider profile diff`: how far each column of one profile is from another's."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
import numpy as np

from agent.drift.classic import distances
from agent.drift.private import hidden
from agent.drift.profiles.told import told
from agent.drift.reference import ColumnProfile, load
from agent.drift.sketch import Ints
from agent.drift.verdict import Baseline


@told("outrider profile")
def diff(args: argparse.Namespace) -> int:
    """`profile diff REFERENCE OTHER [--json]`: how far each column is, on the reference's bins.

    The table shows PSI, the JSON every classic distance that the column has.
    """
    reference, other = load(Path(args.profile)), load(Path(args.other))
    others = {(column.side, column.name): column for column in other.columns}
    rows: list[dict[str, object]] = []
    for column in reference.columns:
        match = others.pop((column.side, column.name), None)
        rows.append(_difference(column, match))
    for side, name in others:
        rows.append({"side": side, "name": name, "psi": None, "note": "only in the second"})
    if args.json:
        print(msgspec.json.encode(rows).decode())
        return 0
    for row in rows:
        score = row["psi"]
        shown = f"{score:9.4f}" if isinstance(score, float) else "        -"
        print(f"  {row['side']!s:6} {row['name']!s:24} {shown}  {row['note']}")
    return 0


def _difference(column: ColumnProfile, other: ColumnProfile | None) -> dict[str, object]:
    found: dict[str, object] = {"side": column.side, "name": column.name, "psi": None, "note": ""}
    if other is None:
        return found | {"note": "only in the first"}
    if (column.kind, column.edges) != (other.kind, other.edges):
        return found | {"note": "other bins" + _moved(column, other)}
    if other.key not in ("", column.key):
        return found | {"note": "hashed with another key: build it with --like the first"}
    counts = _aligned(column, other)
    if not (column.rows and counts.any()):
        return found | {"note": "no rows to compare"}
    every = distances(column, counts)
    return found | {"psi": every["psi"], "distances": every}


def _moved(column: ColumnProfile, other: ColumnProfile) -> str:
    a, b = column.moments, other.moments
    if a is None or b is None or not a.std:
        return ""
    return f"; the mean moved by {(b.mean - a.mean) / a.std:+.3f} sd"


def _aligned(column: ColumnProfile, other: ColumnProfile) -> Ints:
    """Counts of the other on the first one's bins; its unknown categories are `other`."""
    counts = Baseline(other).counts
    names = other.categories or []
    if column.key and not other.key:
        names = hidden(names, column.key)
    if column.categories is None or column.categories == names:
        return counts
    moved = np.zeros(len(column.counts) + 2, dtype=np.int64)
    moved[-2:] = counts[-2:]
    places = {name: i for i, name in enumerate(column.categories)}
    for name, times in zip([*names, ""], other.counts, strict=True):
        moved[places.get(name, len(places))] += times
    return moved
