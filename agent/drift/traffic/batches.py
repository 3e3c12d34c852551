"""Requests of several rows of one side: what they add to the variance, and a few to look at.

Rule: requests of one row cost nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from agent.decode.payload import Columns
from agent.drift.engine.clusters import Sampler
from agent.drift.reference.sketch import MISSING, Bins, Ints, Values


class Request(NamedTuple):
    """A batch request that is looked at."""

    columns: Mapping[str, Values]
    rows: int
    at: int
    """Where its first row is in the buffers."""


class Batches:
    """Of the present window."""

    def __init__(self) -> None:
        self._sampler = Sampler()
        self.sampled: list[Request] = []
        """Those that were not counted yet."""
        self.extra = 0
        """Sum of n (n - 1) over the requests of n rows."""

    def add(self, columns: Columns, rows: int, sizes: Sequence[int] | None, at: int) -> None:
        """One request of these rows, or several; `sizes` as in `Payload`, `at` as in Request."""
        if sizes is None:
            self.extra += rows * (rows - 1)
            if self._sampler.takes(rows):
                self.sampled.append(Request(columns, rows, at))
            return
        begin = 0
        for n in sizes:
            self.extra += n * (n - 1)
            if n > 1 and self._sampler.takes(n):
                part = {name: values[begin : begin + n] for name, values in columns.items()}
                self.sampled.append(Request(part, n, at + begin))
            begin += n

    def take(self) -> list[Request]:
        """The sampled requests, which are given up."""
        taken, self.sampled = self.sampled, []
        return taken

    def close(self) -> int:
        """Begins another window; returns the last one's `extra`."""
        extra, self.extra = self.extra, 0
        return extra


def counts_of(
    bins: Mapping[str, Bins], requests: Sequence[Request], *, alone: bool
) -> tuple[list[Ints], Ints]:
    """For each column the counts [request, bin], and the rows of each request.

    `alone`: the only column, if a request has one only, is this one whatever its name.
    """
    counts = [
        np.array([_count(kind, _values(name, one.columns, alone), one.rows) for one in requests])
        for name, kind in bins.items()
    ]
    return counts, np.array([one.rows for one in requests])


def _values(name: str, columns: Mapping[str, Values], alone: bool) -> Values:
    if alone and len(columns) == 1:
        return next(iter(columns.values()))
    return columns.get(name, ())


def _count(bins: Bins, values: Values, rows: int) -> Ints:
    counts = bins.count(values)
    counts[MISSING] += max(0, rows - len(values))
    return counts
