"""The sums of a vector's coordinates over the rows of a window, or of a reference."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from agent.drift.reference.sketch import Ints, Values
from agent.drift.reference.vectors import Vector


class Sums:
    """Of the rows since the last `take`."""

    def __init__(self, vector: Vector) -> None:
        self.vector = vector
        self._sums = np.zeros(vector.size + 1, dtype=np.int64)

    def add(self, coded: Values) -> None:
        """Rows as `Projector.coded` gives them."""
        self._sums += np.asarray(coded).sum(0, dtype=np.int64)

    def take(self) -> Ints:
        """The sum of each coordinate, then the rows."""
        sums, self._sums = self._sums, self._sums * 0
        return sums

    def counted(self) -> Vector:
        """The vector with the mean of these rows, if it is to be known."""
        *sums, rows = self.take().tolist()
        mean = self.vector.mean
        if mean is None:
            return self.vector
        return replace(self.vector, mean=replace(mean, rows=rows, sums=sums))
