"""What a reference keeps of a vector, in the profile's file.

Rule: plain data and its check; imports nothing of ours. Bounded: a few numbers a dimension, as
bytes; what is random is made of `hashlib`, the same in each process and version, and not kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

MAX_SIZE = 1 << 14
"""Dimensions."""
AXES = 16
"""Principal directions kept, at most."""
LOOKED_ALONG = 8
"""Of those, the first, that are views."""
STEPS = 16
"""Of a coordinate as a byte, in its standard deviation: 8 of those each way."""
RANDOM = 4
"""Random directions that are looked along."""
FLOAT32 = 4
"""Bytes of a number here: little-endian IEEE 754."""


class Mean(Struct, frozen=True):
    """Where the rows' coordinates lie as bytes, and how they spread; see `vectors.mean`."""

    inside: list[float]
    """Variances along the axes."""
    rest: float
    """Mean variance of a coordinate beside them."""
    trace: float
    """Of the covariance of rows so scaled; of its square; of its cube."""
    trace2: float
    trace3: float
    length: float
    """Variance of their squared length."""
    rows: int
    """That were counted, none of which set the directions."""
    sums: list[int]
    """Of their coordinates."""


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
    unit: bytes
    """float32 [size]: of the coordinates, about their standard deviation."""
    mean: Mean | None = None
    """None: not judged, as it is not known what the mean is now."""

    @property
    def size(self) -> int:
        """Dimensions."""
        return math.prod(self.shape)

    @property
    def views(self) -> list[str]:
        """Names of the columns that it becomes; the first, its norm, bears the vector's name."""
        directions = [f"direction {i + 1}" for i in range(min(self.directions, LOOKED_ALONG))]
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
        sizes = {len(vector.centre), len(vector.unit)}
        if sizes != {row} or len(vector.axes) % row or vector.directions > AXES:
            return f"{vector.name}: its numbers do not fit its shape"
        if not -400 <= vector.decimals <= 400:
            return f"{vector.name}: decimals out of range"
        if vector.mean is not None and not _holds(vector, vector.mean):
            return f"{vector.name}: its mean does not hold"
        first, *others = [kinds.get((vector.side, view)) for view in vector.views]
        if first != "vector" or set(others) != {"view"}:
            return f"{vector.name}: not the columns that it becomes"
        wanted += len(vector.views)
    found = sum(kind in ("vector", "view") for kind in kinds.values())
    return "" if found == wanted else "columns of a vector that there is not"


def _holds(vector: Vector, mean: Mean) -> bool:
    numbers = (*mean.inside, mean.rest, mean.trace, mean.trace2, mean.trace3, mean.length)
    return (
        len(mean.sums) == vector.size
        and all(0 <= total <= 255 * mean.rows for total in mean.sums)
        and len(mean.inside) <= vector.directions
        and all(map(math.isfinite, numbers))
        and min(numbers) >= 0
        and min(mean.trace, mean.trace2, mean.trace3) > 0
    )


def merged(parts: Sequence[Sequence[Vector]]) -> list[Vector] | None:
    """Of several references that look alike; None if they do not."""
    first, *others = parts
    found = list(first)
    for other in others:
        if _bare(other) != _bare(found):
            return None
        found = [replace(a, mean=_added(a.mean, b.mean)) for a, b in zip(found, other, strict=True)]
    return found


def _bare(vectors: Sequence[Vector]) -> list[Vector]:
    return [replace(vector, mean=vector.mean and uncounted(vector.mean)) for vector in vectors]


def uncounted(mean: Mean) -> Mean:
    """Without rows."""
    return replace(mean, rows=0, sums=[0] * len(mean.sums))


def _added(a: Mean | None, b: Mean | None) -> Mean | None:
    if a is None or b is None:
        return None
    sums = [x + y for x, y in zip(a.sums, b.sums, strict=True)]
    return replace(a, rows=a.rows + b.rows, sums=sums)


def without_means(vectors: Sequence[Vector], columns: Set[tuple[str, str]]) -> list[Vector]:
    """Those of which one of these columns, (side, name), is a view have no mean any more."""
    return [
        replace(one, mean=None) if columns & {(one.side, view) for view in one.views} else one
        for one in vectors
    ]


def means(vectors: Sequence[Vector]) -> list[str]:
    """Those that are judged, in a few words each."""
    known = [vector for vector in vectors if vector.mean is not None]
    return [f"mean of {vector.name}, {vector.size} dimensions" for vector in known]
