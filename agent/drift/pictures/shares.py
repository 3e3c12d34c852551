"""Whether a share moved by more than chance, for marks in pictures: no verdict rests on it."""

from __future__ import annotations

import numpy as np

from agent.drift.engine.evidence import two_sample_rate
from agent.drift.reference.sketch import Floats


def root_of(before: Floats, rows: float, after: Floats, now_rows: float) -> Floats:
    """Of each count of `rows` and of `now_rows` the signed root of G, near standard normal if the
    share is the same; half a row is added on both sides, so that one row proves nothing."""
    share, found = (before + 0.5) / (rows + 1), (after + 0.5) / (now_rows + 1)
    sizes = np.full(len(share), float(now_rows)), np.full(len(share), float(rows))
    root: Floats = np.sign(found - share) * np.sqrt(2 * two_sample_rate(share, found, *sizes))
    return root
