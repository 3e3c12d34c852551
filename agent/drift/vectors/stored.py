"""What a reference keeps of a vector, in the profile's file.

Rule: plain data and its check; imports nothing of ours. Bounded: a few numbers a dimension, as
bytes; what is random is made of `hashlib`, the same in each process and version, and not kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

from msgspec import Struct

MAX_SIZE = 1 << 14
"""Dimensions."""
AXES = 8
"""Principal directions kept, at most."""
RANDOM = 4
"""Random directions that are looked along."""
FLOAT32 = 4
"""Bytes of a number here: little-endian IEEE 754."""


class Vector(Struct, frozen=True):
    """The numbered columns that are one vector, and how it is looked at."""

    name: str
    side: str
    shape: list[int]
    """Of its numbers: [768] for `name-0` to `name-767`, [28, 28] for `name-0-0` to `name-27-27`."""
    decimals: int
    """That the norm is rounded to: vectors scaled to length 1 differ in the last digit."""
    centre: bytes
    """float32 [size]: the mean."""
    axes: bytes
    """float32 [up to AXES, size]: orthonormal, of most variance first."""

    @property
    def size(self) -> int:
        """Dimensions."""
        return math.prod(self.shape)

    @property
    def views(self) -> list[str]:
        """Names of the columns that it becomes; the first, its norm, bears the vector's name."""
        directions = [f"direction {i + 1}" for i in range(self.directions)]
        views = ["distance", "residual", *directions, *(f"random {i + 1}" for i in range(RANDOM))]
        return [self.name, *(view_name(view, self.name) for view in views)]

    @property
    def directions(self) -> int:
        """Principal directions."""
        return len(self.axes) // (FLOAT32 * self.size)


def view_name(view: str, vector: str) -> str:
    """As derived columns are named."""
    return f"({view}) {vector}"


def numbered(name: str, shape: Sequence[int]) -> list[str]:
    """Names of its columns in traffic, in the order of its numbers."""
    return ["-".join([name, *map(str, at)]) for at in product(*map(range, shape))]


def problem(vectors: Sequence[Vector], kinds: Mapping[tuple[str, str], str]) -> str:
    """What is wrong with them, or nothing; `kinds` are those of each (side, column)."""
    wanted = 0
    for vector in vectors:
        if not vector.shape or min(vector.shape) < 1 or not 1 < vector.size <= MAX_SIZE:
            return f"{vector.name}: of shape {vector.shape}"
        row = FLOAT32 * vector.size
        if len(vector.centre) != row or len(vector.axes) % row or vector.directions > AXES:
            return f"{vector.name}: its numbers do not fit its shape"
        if not -400 <= vector.decimals <= 400:
            return f"{vector.name}: decimals out of range"
        first, *others = [kinds.get((vector.side, view)) for view in vector.views]
        if first != "vector" or set(others) != {"view"}:
            return f"{vector.name}: not the columns that it becomes"
        wanted += len(vector.views)
    found = sum(kind in ("vector", "view") for kind in kinds.values())
    return "" if found == wanted else "columns of a vector that there is not"
