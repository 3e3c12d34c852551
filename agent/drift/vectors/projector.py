"""A vector's rows as a few numbers each: what there is to judge of it.

Rule: pure; numbered columns in, one array a view out, a row at the same place in each.

Theory. Hundreds of coordinates judged one by one share the budget hundreds of ways and say
nothing that a person can act on. Two distributions that differ do so along almost every direction
(Cramér and Wold 1936; Cuesta-Albertos, Fraiman and Ransford 2007), so it is enough to look along
few: along those of most variance, in which the topics of a text or the classes of an image lie
apart, and along some random ones. What is left of a row beside the former, its *residual*, is what
principal components cannot reconstruct: rows of a kind that the reference has not. Distance from
the mean and norm find what grew, shrank or collapsed. Each view is binned like any numeric column,
so that its location, scale, tails and single bins are all asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from agent.drift.reference.sketch import Floats, Values, numbers
from agent.drift.reference.vectors import LOOKED_ALONG, RANDOM, STEPS, Vector, numbered

Bytes = npt.NDArray[np.uint8]
HALF = 127
"""Steps each way."""


class Projector:
    """Takes a vector's numbered columns together."""

    def __init__(self, vector: Vector) -> None:
        self.vector = vector
        self.columns = numbered(vector.name, vector.shape)
        self._beyond = f"{vector.name}-{vector.size}"
        self._centre = np.frombuffer(vector.centre, dtype="<f4").astype(np.float64)
        self._axes = np.frombuffer(vector.axes, dtype="<f4").reshape(-1, vector.size)
        random = signs(vector.name, RANDOM, vector.size)
        self._directions = np.concatenate([self._axes, random]).astype(np.float64)
        self._looked = [
            i for i in range(len(self._directions)) if not LOOKED_ALONG <= i < len(self._axes)
        ]
        self._steps = STEPS / np.frombuffer(vector.unit, dtype="<f4").astype(np.float64)

    def views(self, columns: Mapping[str, Values], rows: int) -> tuple[dict[str, Floats], Bytes]:
        """The views of so many rows, by name, and their coordinates as `coded` gives them.

        NaN where the whole vector is missing, infinite where it is none: a number is missing or
        not finite, or there are more of them than in the reference.
        """
        matrix = stacked([columns.get(name, ()) for name in self.columns], rows)
        beyond = columns.get(self._beyond, ())
        if len(beyond):
            matrix[0, ~np.isnan(stacked([beyond], rows)[0])] = np.inf
        views = self.of_matrix(matrix)
        return dict(zip(self.vector.views, views, strict=True)), self.coded(matrix, views[0])

    def coded(self, matrix: Floats, norm: Floats) -> Bytes:
        """Coordinates [row, dimension] as bytes, STEPS to a unit, then 1; 0 where there is no norm.

        `matrix`: after `of_matrix`.
        """
        with np.errstate(over="ignore"):
            steps = (matrix - self._centre[:, None]) * self._steps[:, None]
        coded = np.empty((matrix.shape[1], matrix.shape[0] + 1), dtype=np.uint8)
        coded[:, :-1] = (np.clip(steps, -HALF, HALF) + (HALF + 1.5)).T
        coded[:, -1] = 1
        coded[~np.isfinite(norm)] = 0
        return coded

    def of_matrix(self, matrix: Floats) -> Floats:
        """The views [view, row] of numbers [dimension, row]; those of no vector become 0."""
        with np.errstate(over="ignore", invalid="ignore"):
            bad = ~np.isfinite(matrix.sum(0))
            if bad.any():
                absent = np.isnan(matrix[:, bad]).all(0)
                matrix[:, bad] = 0.0
            norm = np.sqrt(np.einsum("ij,ij->j", matrix, matrix))
            centred = matrix - self._centre[:, None]
            squares = np.einsum("ij,ij->j", centred, centred)
            along = self._directions @ centred
            inside = np.square(along[: len(self._axes)]).sum(0)
            residual = np.sqrt(np.maximum(squares - inside, 0.0))
            norm = np.round(norm, self.vector.decimals)
            views = np.concatenate([[norm, np.sqrt(squares), residual], along[self._looked]])
        if bad.any():
            views[:, bad] = np.where(absent, np.nan, np.inf)
        return np.asarray(views, dtype=np.float64)


def stacked(columns: Sequence[Values], rows: int) -> Floats:
    """Numbers [column, row]; NaN where a column has none, infinite where it is no number."""
    if all(len(values) == rows for values in columns):
        try:
            return np.array(columns, dtype=np.float64).reshape(len(columns), rows)
        except (ValueError, TypeError, OverflowError):
            pass
    matrix = np.full((len(columns), rows), np.nan)
    for place, values in enumerate(columns):
        batch = numbers(values)
        at = slice(len(values)) if batch.at is None else np.flatnonzero(batch.at)
        matrix[place, at] = batch.finite
        if batch.at is not None and batch.invalid and not isinstance(values, np.ndarray):
            wrong = [i for i in np.flatnonzero(~batch.at).tolist() if values[i] is not None]
            matrix[place, wrong] = np.inf
    return matrix


def signs(name: str, count: int, size: int) -> Floats:
    """Random directions of length 1, [direction, dimension]: the same everywhere."""
    bits = hashlib.shake_256(name.encode("utf-8", "replace")).digest((count * size + 7) // 8)
    found = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=count * size)
    unit: Floats = (found.reshape(count, size) * 2.0 - 1.0) / size**0.5
    return unit
