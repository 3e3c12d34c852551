"""Whether a model is asked what it was asked before: only then may its answers be held against it.

Rule: of a few rows of each batch; means of numbers only; unknown counts as changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from agent.decode.payload import Payload, Value
from agent.quality.batch import Batch, Floats, evenly, floats

SAMPLE = 48
"""Rows of a batch that are looked at."""
RECENT = 48
"""Of these that are compared with those before, at least: the last batch's, if it has so many."""
FEWEST = 256
"""Of those before."""
MAX_COLUMNS = 32
MOVED = 0.5
"""Standard deviations between the means."""


class Inputs:
    """Of the requests whose answers are of one kind."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._recent: deque[Floats] = deque()
        self._rows = 0
        """In these."""
        self._before = np.zeros((3, 0))
        """Count, sum and sum of squares of each column."""

    def see(self, batch: Batch) -> None:
        """Takes some rows."""
        found = [batch.asked(row) for row in evenly(batch.rows, SAMPLE)]
        known = [place for place in found if place is not None]
        if not known:
            return
        if not self._names:
            self._names = list(known[0][0].inputs)[:MAX_COLUMNS]
            self._before = np.zeros((3, len(self._names)))
        rows = np.full((len(known), len(self._names)), np.nan)
        for n, name in enumerate(self._names):
            column = floats(_column(known, name))
            if column is not None and len(column):
                rows[:, n] = column
        rows[~np.isfinite(rows)] = np.nan
        self._recent.append(rows)
        self._rows += len(rows)
        while self._rows - len(self._recent[0]) >= RECENT:
            old = self._recent.popleft()
            self._rows -= len(old)
            self._before += _moments(old)

    def are_alike(self) -> bool:
        """Whether the recent rows' means are those of the rows before."""
        if not self._recent:
            return False
        count, total, squares = self._before
        seen = count >= FEWEST
        if not seen.any():
            return False
        now_count, now_total, _ = _moments(np.concatenate(self._recent))
        seen &= now_count > 0
        means = total[seen] / count[seen]
        spread = np.sqrt(np.maximum(0.0, squares[seen] / count[seen] - means**2))
        apart = np.abs(now_total[seen] / now_count[seen] - means)
        return bool((apart <= MOVED * spread + 1e-9 * np.abs(means)).all())


def _column(rows: Sequence[tuple[Payload, int]], name: str) -> Sequence[Value]:
    try:
        return [payload.inputs[name][at] for payload, at in rows]
    except (KeyError, IndexError):
        return ()  # of such a column nothing is known here


def _moments(rows: Floats) -> Floats:
    known = np.isfinite(rows)
    return np.stack(
        [
            known.sum(axis=0),
            np.sum(rows, axis=0, where=known),
            np.sum(rows * rows, axis=0, where=known),
        ]
    )
