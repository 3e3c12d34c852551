"""Data quality of a column: what is missing, of another type, or was never seen before.

Rule: pure. A rise is told by the two-sample z of its share, far beyond chance: a report has many
columns and is made often.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

BEYOND_CHANCE = 5.0
"""Standard errors: 3 in 10 million by chance."""
LEAST = 0.005
"""Half a point; less is told as a number alone."""


def rose(reference: float, now: float, rows: int, now_rows: int) -> bool:
    """Whether a share of `now_rows` is above that of `rows` by more than chance and LEAST."""
    if not rows or not now_rows or now - reference < LEAST:
        return False
    pooled = (reference * rows + now * now_rows) / (rows + now_rows)
    error = math.sqrt(pooled * (1 - pooled) * (1 / rows + 1 / now_rows))
    return now - reference >= BEYOND_CHANCE * error


def unseen_of(bins: Sequence[Mapping[str, Any]]) -> float:
    """Share of the rows now that are in bins that the reference has no rows in; what is missing or
    invalid is counted as that."""
    values = (one for one in bins if one["kind"] not in ("missing", "invalid"))
    return float(sum(one["now"] for one in values if one["reference_rows"] == 0))
