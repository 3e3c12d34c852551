"""A vector's views, from a sample of its rows.

Rule: rows of even number set the directions, only those of odd number are counted along them: a
row lies nearer to directions that it helped to set, and traffic would always lie a little further.

The directions of most variance are found by subspace iteration from fixed random ones (Halko,
Martinsson and Tropp 2011): to know the ones that lie close together apart does not matter here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from agent.drift.learning.learn import numeric_edges
from agent.drift.reference.profile import ColumnProfile, Kind, SideName
from agent.drift.reference.sketch import Floats
from agent.drift.reference.vectors import AXES, Vector
from agent.drift.vectors.mean import measured
from agent.drift.vectors.projector import Projector, signs

STEPS = 8
SPARE = 8
"""Directions more than are kept, so that those are found sooner."""
LEAST = 1e-9
"""Of the variance; a direction with less has none."""
DIGITS = 5
"""Of a norm."""
LEAST_UNIT = 0.05
"""Of a coordinate, in the root mean square of all: what hardly varies is not blown up."""
TINY = 1e-30
MEASURED = 1000
"""Rows by which the spread of means is measured; its cost grows with their square."""
ODD = slice(1, None, 2)


def fit(name: str, side: SideName, shape: Sequence[int], matrix: Floats) -> Vector:
    """How to look at rows [dimension, row] like these."""
    good = matrix[:, np.isfinite(matrix).all(0)]
    rows = good[:, ::2] if good.shape[1] > 1 else good
    if not rows.shape[1]:
        rows = np.zeros((len(matrix), 1))
    centre = rows.mean(1)
    centred = rows - centre[:, None]
    norm = float(np.sqrt(np.square(rows).sum(0).mean()))
    decimals = DIGITS - math.ceil(math.log10(norm)) if 0 < norm < math.inf else DIGITS
    axes = _principal(centred, min(AXES, len(matrix) - 1))
    unit = np.sqrt(np.square(centred).mean(1))
    unit = np.maximum(unit, max(LEAST_UNIT * float(np.sqrt(np.square(unit).mean())), TINY))
    vector = Vector(
        name, side, list(shape), decimals, _packed(centre), _packed(axes), _packed(unit)
    )
    projector = Projector(vector)
    others = good[:, ODD][:, :MEASURED]
    coded = projector.coded(others, projector.of_matrix(others)[0])
    return replace(vector, mean=measured(vector, coded[:, :-1]))


def shapes_of(vector: Vector, matrix: Floats) -> list[ColumnProfile]:
    """Its columns without rows yet, their bins by the rows that do not set its directions."""
    side: SideName = "input" if vector.side == "input" else "output"
    views = Projector(vector).of_matrix(matrix.copy())
    shapes = []
    for place, (name, values) in enumerate(zip(vector.views, views, strict=True)):
        edges = numeric_edges(values[np.isfinite(values)] if not place else _odd(values))
        kind: Kind = "view" if place else "vector"
        shapes.append(ColumnProfile(name, side, kind, [0] * (len(edges) + 1), 0, 0, edges))
    return shapes


def _odd(values: Floats) -> Floats:
    found = values[ODD]
    return found[np.isfinite(found)]


def _principal(centred: Floats, most: int) -> Floats:
    """Directions [direction, dimension] of most variance, with any."""
    size, rows = centred.shape
    total = float(np.square(centred).sum())
    most = min(most, rows - 1)
    if most < 1 or not 0 < total < math.inf:
        return np.zeros((0, size))
    basis = signs("", min(most + SPARE, size), size).T
    for _ in range(STEPS):
        basis, _ = np.linalg.qr(centred @ (centred.T @ basis))
    left, sizes, _ = np.linalg.svd(basis.T @ centred, full_matrices=False)
    found: Floats = (basis @ left).T[:most][np.square(sizes[:most]) > LEAST * total]
    return found


def _packed(values: Floats) -> bytes:
    return values.astype("<f4").tobytes()
