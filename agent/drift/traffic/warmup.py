"""Whether the rows that a reference is to be learned from agree among themselves.

Rule: the older and the newer half of them are compared, each column by chi-squared on bins of
both. Traffic that differs by more than chance at LEVEL, over all columns, is still changing: the
older half is dropped and learning goes on, a few times; then it is taken as it is, and that is
said.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.drift.derived.confidence import probabilities
from agent.drift.derived.pairs import Pairs
from agent.drift.learning.learn import shape_of
from agent.drift.reference.distance import chi2_upper
from agent.drift.reference.sketch import Ints, Values, listed
from agent.drift.traffic.columns import Side
from agent.drift.vectors.build import coordinates
from agent.drift.vectors.learn import pack, vectors_in

LEVEL = 1e-3
"""Probability that rows of one distribution are taken to differ, over all columns."""
LEARNING_CELLS = 1 << 19
"""Values of a model that is learning, at most about this and one payload; when it is reached the
reference is made of the rows there are."""
MAX_DROPPED = 4
"""Times that the older half is dropped."""
MIN_EXPECTED = 5.0
"""Rows that a bin must expect in each half, or it is pooled with all such."""
NAMED = 5


class Warmup:
    """The rows of a model that is learning; they are in the buffers of both sides."""

    def __init__(self) -> None:
        self.dropped = 0
        """Rows of inputs that are not in the reference."""
        self.times = 0
        """That the older half was dropped."""
        self.differing: list[str] = []
        """Columns whose halves differed when they were last compared."""
        self.is_over = False

    def is_settled(self, sides: Sequence[Side], pairs: Pairs) -> bool:
        """Whether the rows make a reference; if not the older half of them is gone."""
        self.differing = differing(sides)
        if not self.differing or self.times >= MAX_DROPPED:
            self.is_over = True
            return True
        self.times += 1
        self.dropped += sides[0].rows // 2
        cuts = [side.drop_older_half() for side in sides]
        pairs.drop(*cuts)
        return False

    def told(self) -> str:
        """What became of the last look, for the log and for people."""
        if not self.differing:
            return ""
        names = ", ".join(self.differing[:NAMED])
        more = len(self.differing) - NAMED
        which = f"{names} and {more} more" if more > 0 else names
        if self.is_over:
            return f"the reference was learned from rows that changed meanwhile, in {which}"
        return f"the first rows differ from those after them, in {which}: learned without them"


def held(sides: Sequence[Side], cells: int) -> int:
    """Values that are held, of so many: when they are too many vectors are packed."""
    return cells if cells < LEARNING_CELLS else sum(pack(side) for side in sides)


def differing(sides: Sequence[Side]) -> list[str]:
    """Names of the columns whose older and newer half differ."""
    columns: list[tuple[str, Side, Values]] = []
    for side in sides:
        apart = probabilities(side.buffers, side.rows)
        found, seen = vectors_in(side.name, side.buffers, side.rows, apart)
        rows = {coordinates(vector) for vector in found.vectors}
        columns += [(name, side, values) for name, values in seen.items() if name not in rows]
    level = LEVEL / max(1, len(columns))
    return [name for name, side, values in columns if _differs(name, side, values, level)]


def _differs(name: str, side: Side, values: Values, level: float) -> bool:
    bins = shape_of(name, side.name, listed(values)).bins()
    middle = len(values) // 2
    return differs(bins.count(values[:middle]), bins.count(values[middle:]), level)


def differs(first: Ints, second: Ints, level: float) -> bool:
    """Whether two samples' counts are of different distributions (chi-squared of homogeneity)."""
    a, b = float(first.sum()), float(second.sum())
    if not a or not b:
        return False
    both = first + second
    is_sparse = both * (min(a, b) / (a + b)) < MIN_EXPECTED
    places = np.where(is_sparse, 0, np.cumsum(~is_sparse))
    x, y = np.bincount(places, first), np.bincount(places, second)
    used = (x + y) > 0
    x, y = x[used], y[used]
    if len(x) < 2:
        return False
    score = float(((x * (b / a) ** 0.5 - y * (a / b) ** 0.5) ** 2 / (x + y)).sum())
    return score > chi2_upper(len(x) - 1, level)
