"""Counts of the last 1, 2, 4, 8 … windows, from few integers.

Rule: integers only, so a span's count is exact.

Of each block size 2^j the last four blocks are kept; two blocks make one of the next size. So the
last 2^k windows are four blocks of 2^(k-2), known anew whenever such a block ends: every quarter
of the span. Sizes are made when first reached: a day of windows needs as much as it spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agent.drift.reference.sketch import Ints

KEPT = 4
"""Blocks of a size."""
LEVELS = 20
"""Spans: up to 2^19 windows."""


class Span(NamedTuple):
    """The last 2^level windows, or as many of them as there have been."""

    level: int
    counts: Ints
    """Summed over the windows; shape of one window's counts."""
    extra: Ints
    """Of each column, the sum of n (n - 1) over its requests of n rows."""
    began: float
    """When its first window did."""
    seconds: float
    """Covered since this span was last looked at."""
    covered: float
    """By all its windows: less than from its beginning to its end where nothing came between."""


class Blocks:
    """The last four blocks of a size; `head` is where the next one goes."""

    def __init__(self, shape: tuple[int, ...], dtype: type[np.integer]) -> None:
        self.counts = np.zeros((KEPT, *shape), dtype=dtype)
        self.extra = np.zeros((KEPT, shape[0]), dtype=np.int64)
        self.began = [0.0] * KEPT
        self.seconds = [0.0] * KEPT
        self.head = 0
        self.seen = 0

    def put(self, counts: Ints, extra: Ints, began: float, seconds: float) -> None:
        self.counts[self.head] = counts
        self.extra[self.head] = extra
        self.began[self.head] = began
        self.seconds[self.head] = seconds
        self.head = (self.head + 1) % KEPT
        self.seen += 1

    def last(self, n: int) -> list[int]:
        """Places of the last n blocks, the oldest first."""
        return [(self.head - i) % KEPT for i in range(min(n, self.seen), 0, -1)]


class Spans:
    """The pyramid of the counts of a model's columns, [column, cell]."""

    def __init__(self, shape: tuple[int, ...], most_rows: int = 0) -> None:
        """`most_rows` of a window: whether 32 bits hold the longest span. 0: not known."""
        narrow = 0 < most_rows < (1 << 31) >> (LEVELS - 3)
        self._dtype: type[np.integer] = np.int32 if narrow else np.int64
        self._shape = shape
        self.blocks: list[Blocks] = []
        self.windows = 0

    def push(
        self, counts: Ints, began: float, seconds: float, extra: Sequence[int] | int = 0
    ) -> list[Span]:
        """Adds a window; gives the spans that are known anew, the shortest first."""
        self.windows += 1
        columns = np.full(self._shape[0], extra, dtype=np.int64)
        due = self._put(counts, columns, began, seconds)
        spans = [self._span(0, 1)]
        if self.windows >= 2:
            spans.append(self._span(0, 2))
        spans += [self._span(level, KEPT) for level in due if self.blocks[level].seen >= KEPT]
        return spans

    def new_blocks(self) -> Blocks:
        """Empty ones of the shape of these counts."""
        return Blocks(self._shape, self._dtype)

    def _put(self, counts: Ints, extra: Ints, began: float, seconds: float) -> list[int]:
        ended: list[int] = []
        for level in range(LEVELS - 2):
            if level == len(self.blocks):
                self.blocks.append(self.new_blocks())
            blocks = self.blocks[level]
            blocks.put(counts, extra, began, seconds)
            ended.append(level)
            if blocks.seen % 2:
                break
            first, second = blocks.last(2)
            counts = blocks.counts[first] + blocks.counts[second]
            extra = blocks.extra[first] + blocks.extra[second]
            began, seconds = blocks.began[first], blocks.seconds[first] + blocks.seconds[second]
        return ended

    def _span(self, block: int, n: int) -> Span:
        blocks = self.blocks[block]
        places = blocks.last(n)
        level = {1: 0, 2: 1, KEPT: block + 2}[n]
        counts = blocks.counts[places].sum(0, dtype=np.int64)
        extra = blocks.extra[places].sum(0)
        covered = sum(blocks.seconds[place] for place in places)
        return Span(
            level, counts, extra, blocks.began[places[0]], blocks.seconds[places[-1]], covered
        )

    def counts(self, level: int) -> Ints:
        """Those of the span, as it was last known."""
        blocks = self.blocks[max(level - 2, 0)]
        places = blocks.last(level + 1 if level < 2 else KEPT)
        total: Ints = blocks.counts[places].sum(0, dtype=np.int64)
        return total

    def forget(self, columns: list[int]) -> None:
        """Takes these columns' past away, so that no span reaches back beyond now."""
        for blocks in self.blocks:
            blocks.counts[:, columns] = 0
            blocks.extra[:, columns] = 0

    def widen(self, cells: int) -> None:
        """Makes room for so many cells of a column; none may be given up."""
        more = cells - self._shape[-1]
        self._shape = (*self._shape[:-1], cells)
        for blocks in self.blocks:
            blocks.counts = np.pad(blocks.counts, ((0, 0), (0, 0), (0, more)))

    @property
    def bytes(self) -> int:
        return sum(blocks.counts.nbytes for blocks in self.blocks)
