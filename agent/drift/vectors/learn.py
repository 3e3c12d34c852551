"""The vectors of the first rows of traffic, and how these rows are held until they are enough.

Rule: what is a vector by what has come is held as float32, in an eighth of a list's room: 5,000
embeddings of 768 take 15 MB so, and 120 MB as lists.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping
from typing import cast

import numpy as np

from agent.decode.payload import Value
from agent.drift.derived.confidence import probabilities
from agent.drift.reference.profile import SideName
from agent.drift.reference.sketch import Values
from agent.drift.traffic.columns import Side
from agent.drift.vectors.build import Names, Vectors, vectors_of, with_views
from agent.drift.vectors.groups import MIN_SIZE, base_of, groups_of, is_vector
from agent.drift.vectors.projector import Projector, stacked

SAVED = 8
"""Values of a packed column that take the room of one in a list."""
MOSTLY = 0.5
"""Share of the rows that have a column, or it is no part of a vector."""


class Packed(array):  # type: ignore[type-arg]
    """A column of numbers as float32; what is none is NaN."""

    def extend(self, values: Collection[Value], /) -> None:  # type: ignore[override]
        """Appends values of any kind."""
        before = len(self)
        try:
            super().extend(values)
        except (TypeError, OverflowError):
            del self[before:]
            super().extend([_number(value) for value in values])


def pack(side: Side) -> int:
    """Packs what are vectors by now; returns how many listed values take the room of all."""
    buffers, rows = side.buffers, side.rows
    apart = set(probabilities(buffers, rows))
    for group in groups_of(buffers):
        columns: list[Values] = [buffers[name] for name in group.columns]
        if isinstance(columns[0], Packed) or apart & set(group.columns):
            continue
        if len(columns) >= MIN_SIZE and is_vector(group, stacked(columns, rows)):
            for name, values in zip(group.columns, columns, strict=True):
                buffers[name] = cast("list[Value]", Packed("f", map(_number, values)))
    every: list[Values] = [*buffers.values()]
    return sum(len(v) // SAVED if isinstance(v, Packed) else len(v) for v in every)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1e38 else float("nan")


def vectors_in(
    side: SideName, buffers: Mapping[str, Values], rows: int, apart: Collection[str] = ()
) -> tuple[Vectors, dict[str, Values]]:
    """The vectors of so many buffered rows; and all columns, those of the vectors as views.

    Numbers beyond a vector's last, as rows of another size have them, are no columns.
    """
    buffers = {
        name: np.asarray(values, dtype=np.float64) if isinstance(values, Packed) else values
        for name, values in buffers.items()
    }
    names = [name for name, values in buffers.items() if _is_mostly_there(values, rows)]
    found = vectors_of(buffers, rows, dict.fromkeys(names, side), Names(names, {}), apart)
    columns = with_views([Projector(vector) for vector in found.vectors], buffers, rows)
    taken = {vector.name for vector in found.vectors}
    return found, {name: values for name, values in columns.items() if base_of(name) not in taken}


def _is_mostly_there(values: Values, rows: int) -> bool:
    lacking = values.count(None) if isinstance(values, list) else 0
    return len(values) == rows and lacking <= MOSTLY * rows
