"""The vectors of rows that a reference is made of.

Rule: columns in, columns out; what a vector was is taken out where its views are put in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np

from agent.drift.reference.profile import ColumnProfile, SideName
from agent.drift.reference.sketch import Floats, Values
from agent.drift.reference.vectors import Vector, view_name
from agent.drift.rows.batch import Batch, TableError
from agent.drift.vectors.fit import fit, shapes_of
from agent.drift.vectors.groups import Group, groups_of, is_vector, matrix_of
from agent.drift.vectors.projector import Projector

AS_COLUMNS = "columns"
"""Declared of a group that is no vector."""


class Vectors(NamedTuple):
    """Those found, and the columns that they become, without rows yet."""

    vectors: list[Vector]
    shapes: list[ColumnProfile]
    columns: set[str]
    """The numbered columns that they were."""


class Names:
    """The columns there are; a group may be named as one."""

    def __init__(self, names: Collection[str], kinds: Mapping[str, str]) -> None:
        """`kinds`: declared, of columns and of groups. Raises TableError."""
        self.groups = {group.name: group for group in groups_of(names)}
        self.kinds = dict(kinds)
        for name, kind in kinds.items():
            group = self.groups.get(name)
            if group is None and kind in ("vector", AS_COLUMNS):
                raise TableError(
                    f"--kind {name}={kind}: no columns {name}-0, {name}-1 and so on, "
                    f"without a gap; a list in a row becomes such columns"
                )
            if group is not None and kind not in ("vector", AS_COLUMNS):
                self.kinds |= dict.fromkeys(group.columns, kind)

    def __call__(self, names: Iterable[str]) -> list[str]:
        """The columns of these names."""
        found: list[str] = []
        for name in names:
            found += self.groups[name].columns if name in self.groups else [name]
        return found


def vectors_of(
    sample: Mapping[str, Values],
    rows: int,
    sides: Mapping[str, SideName],
    names: Names,
    apart: Collection[str] = (),
) -> Vectors:
    """Those among a sample of aligned rows. `sides`: of the columns that are wanted; `apart`: those
    that mean something each. Raises TableError if one that is declared has no numbers."""
    found = Vectors([], [], set())
    for group in names.groups.values():
        kind = names.kinds.get(group.name)
        of = {sides.get(column) for column in group.columns}
        side = next(iter(of))
        if len(of) > 1 or side is None or kind not in (None, "vector"):
            continue
        if kind is None and not names.kinds.keys().isdisjoint(group.columns):
            continue
        if not set(apart).isdisjoint(group.columns):
            continue
        _add(found, group, side, sample, rows, declared=kind is not None)
    return found


def _add(
    found: Vectors,
    group: Group,
    side: SideName,
    sample: Mapping[str, Values],
    rows: int,
    *,
    declared: bool,
) -> None:
    matrix = matrix_of(group, sample, rows)
    if not declared and not is_vector(group, matrix):
        return
    if not np.isfinite(matrix).all(0).any():
        raise TableError(f"--kind {group.name}=vector: no row of it has all its numbers")
    vector = fit(group.name, side, group.shape, matrix)
    found.vectors.append(vector)
    found.shapes.extend(shapes_of(vector, matrix))
    found.columns.update(group.columns)


def projected(batches: Iterator[Batch], vectors: Sequence[Vector]) -> Iterator[Batch]:
    """The same rows with the views of these vectors."""
    projectors = [Projector(vector) for vector in vectors]
    for batch in batches:
        yield Batch(with_views(projectors, batch.columns, batch.rows), batch.rows)


def with_views(
    projectors: Sequence[Projector], columns: Mapping[str, Values], rows: int
) -> dict[str, Values]:
    """These columns with the vectors' views, where they are not there yet, for their numbers.

    `coordinates` of it are there too, [row, dimension]. A vector of which no row has anything is a
    column that there is not, by its name.
    """
    found = dict(columns)
    for projector in projectors:
        name = projector.vector.name
        if name in found:
            continue
        is_absent = projector.columns[0] not in found
        views, coded = projector.views(found, rows)
        found |= views | {coordinates(projector.vector): cast("Floats", coded)}
        for column in (name,) if is_absent else projector.columns:
            found.pop(column, None)
    return found


def coordinates(vector: Vector) -> str:
    """The name under which a vector's rows are given on for their sums (`Projector.coded`)."""
    return view_name("mean", vector.name)
