"""Rows whose columns go together, and what was derived of them."""

from __future__ import annotations

import numpy as np

from agent.decode.payload import Columns
from agent.drift.learning.build import build_profile
from agent.drift.reference.profile import Profile
from agent.drift.rows.table import Batch

COLUMNS = 8
WEIGHTS = (1.0, 0.0, 1.0, 0.5, 0.0)


def rows(
    rng: np.random.Generator, count: int, *, r: float = 0.9, weights: tuple[float, ...] = WEIGHTS
) -> Columns:
    """`c0` and `c1` have correlation `r`; `y` is a sum of the first columns and of noise.

    Each column by itself is the same whatever `r` is.
    """
    x = rng.normal(size=(count, COLUMNS))
    x[:, 1] = r * x[:, 0] + np.sqrt(1 - r * r) * x[:, 1]
    y = x[:, : len(weights)] @ np.array(weights) + 0.5 * rng.normal(size=count)
    found: Columns = {f"c{i}": x[:, i].tolist() for i in range(COLUMNS)}
    return {**found, "y": y.tolist()}


def reference(rng: np.random.Generator, count: int = 20_000, batch: int = 5_000) -> Profile:
    """Of such rows, `y` being the output."""
    all_rows = rows(rng, count)
    parts = [
        Batch(
            {name: values[i : i + batch] for name, values in all_rows.items()},
            min(batch, count - i),
        )
        for i in range(0, count, batch)
    ]
    return build_profile(lambda: iter(parts), outputs=("y",))
