"""Which numbered columns are one vector.

Rule: by name first (`emb-0` to `emb-767`, every number there), then by what is in them.

Without word from a person they are one from MIN_SIZE columns on, if all are numbers and not only
noughts and ones: a row of fewer, given as an array, is mostly a table's row whose columns mean
something each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import prod
from typing import NamedTuple

import numpy as np

from agent.drift.reference.sketch import Floats, Values
from agent.drift.reference.vectors import MAX_SIZE, numbered
from agent.drift.vectors.projector import stacked

MIN_SIZE = 64
"""Columns; smaller embeddings are rare, wider tables of nothing but numbers too."""
MOST_WRONG = 0.01
"""Share of the rows that may be no vector of numbers."""
_NUMBERED = re.compile(r"^(.+?)((?:-\d{1,5})+)$")


class Group(NamedTuple):
    """Columns that may be a vector."""

    name: str
    shape: list[int]
    columns: list[str]
    """In the order of its numbers."""


def groups_of(names: Iterable[str]) -> list[Group]:
    """The groups among these columns, by their names alone."""
    found: defaultdict[str, list[tuple[int, ...]]] = defaultdict(list)
    taken = set(names)
    for name in taken:
        match = _NUMBERED.match(name)
        if match:
            found[match[1]].append(tuple(map(int, match[2][1:].split("-"))))
    groups = []
    for name, places in sorted(found.items()):
        shape = [max(numbers) + 1 for numbers in zip(*places, strict=False)]
        whole = len({len(at) for at in places}) == 1 and len(places) == prod(shape)
        if whole and 2 <= len(places) <= MAX_SIZE and name not in taken:
            columns = numbered(name, shape)
            if taken.issuperset(columns):
                groups.append(Group(name, shape, columns))
    return groups


def base_of(name: str) -> str:
    """The name before its numbers; empty if it has none."""
    match = _NUMBERED.match(name)
    return match[1] if match else ""


def matrix_of(group: Group, columns: Mapping[str, Values], rows: int) -> Floats:
    """Its numbers, [dimension, row]."""
    return stacked([columns[name] for name in group.columns], rows)


def is_vector(group: Group, matrix: Floats) -> bool:
    """Whether it is one though nobody said so."""
    if len(matrix) < MIN_SIZE:
        return False
    known = ~np.isnan(matrix).all(0)
    good = np.isfinite(matrix).all(0)
    if good.sum() < (1 - MOST_WRONG) * max(1, known.sum()):
        return False
    numbers = matrix[:, good]
    return bool(((numbers != 0) & (numbers != 1)).any())
