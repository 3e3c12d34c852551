"""Rows with an embedding: a few topics in many dimensions, which go together."""

from __future__ import annotations

import numpy as np

from agent.decode.payload import Columns
from agent.drift.learning.build import build_profile
from agent.drift.reference.profile import Profile
from agent.drift.reference.sketch import Floats
from agent.drift.rows.table import Batch

SIZE = 96
TOPICS = 4


class Source:
    """Draws rows; the same topics for each seed."""

    def __init__(self, seed: int = 0) -> None:
        fixed = np.random.default_rng(20)
        spread = 1 / np.sqrt(1 + np.arange(SIZE) / 4)
        self._turned = np.linalg.qr(fixed.normal(size=(SIZE, SIZE)))[0] * spread[:, None]
        self._topics = 1.5 * fixed.normal(size=(TOPICS, SIZE)) @ self._turned
        self.rng = np.random.default_rng(seed)

    def draw(self, rows: int, topics: int = TOPICS) -> Floats:
        """Numbers [row, dimension]; of so many topics."""
        plain = self.rng.normal(size=(rows, SIZE)) @ self._turned
        found: Floats = plain + self._topics[self.rng.integers(topics, size=rows)]
        return found


def columns_of(matrix: Floats, name: str = "emb") -> Columns:
    """As a payload has them."""
    return {f"{name}-{i}": values for i, values in enumerate(matrix.T.tolist())}


def reference(rows: int = 4000, seed: int = 5) -> Profile:
    columns = columns_of(Source(seed).draw(rows))
    return build_profile(lambda: iter([Batch(columns, rows)]))
