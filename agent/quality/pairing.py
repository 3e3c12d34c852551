"""Requests of several rows that were not answered row by row.

Rule: a habit is none. One answer for a whole batch is right if it always is so; it is a finding
where the first LEARN requests of the same inputs were answered row by row, or nearly all.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.decode.payload import NO_ROWS, Payload
from agent.quality.rate import Rate

LEARN = 20
MAX_KINDS = 16
"""Of inputs of a model, told apart by a hash of their names, which clients choose."""


class Pairing:
    """Of a model."""

    def __init__(self) -> None:
        self._rates: dict[int, Rate] = {}

    def examine(self, payload: Payload) -> int:
        """How many requests of a payload were not answered row by row, where that is news."""
        requests, apart = _counts(payload)
        if not requests:
            return 0
        kind = hash(tuple(payload.inputs))
        rate = self._rates.get(kind)
        if rate is None:
            if len(self._rates) >= MAX_KINDS:
                return 0
            rate = self._rates[kind] = Rate(LEARN)
        return apart if rate.see(apart, requests) else 0


def _counts(payload: Payload) -> tuple[int, int]:
    """Requests of several rows whose answer was read; those whose rows are not as many."""
    if not payload.output_rows and payload.failure != NO_ROWS:
        return 0, 0
    asked, answered = payload.sizes
    if asked is None or answered is None:
        return (1, int(payload.rows != payload.output_rows)) if payload.rows > 1 else (0, 0)
    if not asked:
        return 0, 0
    asked, answered = _sizes(asked, payload.rows), _sizes(answered, payload.output_rows)
    if len(asked) != len(answered):
        return 0, 0
    several = [(n, m) for n, m in zip(asked, answered, strict=True) if n > 1]
    return len(several), sum(n != m for n, m in several)


def _sizes(sizes: Sequence[int], rows: int) -> Sequence[int]:
    return sizes or [1] * rows
