"""Data quality of a column: what is missing, of another type, or was never seen before.

Rule: pure. A rise is told by the likelihood ratio of two samples, far beyond chance: a report has
many columns and is made often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from agent.drift.pictures.shares import root_of

BEYOND_CHANCE = 5.0
"""Root of G: 3 in 10 million by chance."""
LEAST = 0.005
"""Half a point; less is told as a number alone."""


def rose(reference: float, now: float, rows: int, now_rows: int) -> bool:
    """Whether a share of `now_rows` is above that of `rows` by more than chance and LEAST."""
    if not rows or not now_rows or now - reference < LEAST:
        return False
    before, after = np.array([reference * rows]), np.array([now * now_rows])
    return float(root_of(before, rows, after, now_rows)[0]) >= BEYOND_CHANCE


def unseen_of(bins: Sequence[Mapping[str, Any]]) -> float:
    """Share of the rows now that are in bins that the reference has no rows in; what is missing or
    invalid is counted as that."""
    values = (one for one in bins if one["kind"] not in ("missing", "invalid"))
    return float(sum(one["now"] for one in values if one["reference_rows"] == 0))
