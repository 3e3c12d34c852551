"""A reference made of the first rows of traffic.

Rule: takes the buffers of both sides, which are empty afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from agent.decode.payload import MAX_COLUMNS
from agent.drift.derived.confidence import probabilities
from agent.drift.derived.fit import add_confidence, derived_of
from agent.drift.derived.pairs import Pairs
from agent.drift.learning.build import count
from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.reference.name import Name
from agent.drift.reference.profile import ColumnProfile, Profile, make
from agent.drift.reference.sketch import Values, listed
from agent.drift.reference.vectors import Vector
from agent.drift.rows.batch import Batch
from agent.drift.traffic.columns import Side
from agent.drift.vectors.learn import vectors_in


def learned(of: Name, sides: Sequence[Side], pairs: Pairs, hides: Callable[[str], bool]) -> Profile:
    """Of the inputs and the outputs, which `pairs` tells how to pair; `hides`: of which
    columns categories are hashed."""
    asked, answered = sides
    rows = asked.rows
    paired = pairs.take(rows, answered.rows)
    columns: list[ColumnProfile] = []
    vectors: list[Vector] = []
    taken: list[dict[str, Values]] = []
    for side in sides:
        side_rows, buffers = side.take()
        if side is answered:
            add_confidence(buffers, side_rows)
        apart = probabilities(buffers, side_rows) if side is answered else ()
        found, seen = vectors_in(side.name, buffers, side_rows, apart)
        whole = count(
            iter([Batch(seen, side_rows)]), "", found.shapes, vectors=found.vectors, fitted=True
        )
        columns += whole.columns
        vectors += whole.vectors
        names = islice((name for name in seen if name in buffers), MAX_COLUMNS)
        plain = {name: seen[name] for name in names}
        taken.append(plain)
        for name, values in plain.items():
            builder = ColumnBuilder(shape_of(name, side.name, listed(values), hide=hides(name)))
            builder.add(values, absent=side_rows - len(values))
            columns.append(builder.profile())
    inputs, outputs = taken
    profile = make(of.model, rows, columns, of.version, vectors=vectors)
    return derived_of(profile, inputs, outputs, rows, paired)
