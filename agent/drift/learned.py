"""A reference made of the first rows of traffic.

Rule: takes the buffers of both sides, which are empty afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.decode.payload import Value
from agent.drift.columns import Side
from agent.drift.derived.fit import add_confidence, derived_of
from agent.drift.derived.pairs import Pairs
from agent.drift.learn import ColumnBuilder, shape_of
from agent.drift.name import Name
from agent.drift.reference import ColumnProfile, Profile, make


def learned(of: Name, sides: Sequence[Side], pairs: Pairs) -> Profile:
    """Of the inputs and the outputs, which `pairs` tells how to pair."""
    asked, answered = sides
    rows = asked.rows
    paired = pairs.take(rows, answered.rows)
    columns: list[ColumnProfile] = []
    taken: list[dict[str, list[Value]]] = []
    for side in sides:
        side_rows, buffers = side.take()
        if side is answered:
            add_confidence(buffers, side_rows)
        taken.append(buffers)
        for name, values in buffers.items():
            builder = ColumnBuilder(shape_of(name, side.name, values))
            builder.add(values, absent=side_rows - len(values))
            columns.append(builder.profile())
    inputs, outputs = taken
    profile = make(of.model, rows, columns, of.version)
    return derived_of(profile, inputs, outputs, rows, paired)
