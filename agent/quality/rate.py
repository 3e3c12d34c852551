"""How often something is so in a stream, learned of its beginning, and when it is more than that.

Rule: counts only; nothing of the stream is kept.
"""

from __future__ import annotations

import math

CHANCE = 1e-9
"""Of a batch as bad as this or worse, if nothing had changed: less is a finding."""
SPREAD = 3.0
"""Standard deviations that a learned rate may be above what was seen."""


class Rate:
    """Of one thing."""

    __slots__ = ("hits", "learn", "rows")

    def __init__(self, learn: int) -> None:
        """`learn`: of so many rows it is learned how often it is so."""
        self.learn = learn
        self.rows = self.hits = 0

    @property
    def is_learned(self) -> bool:
        """Whether enough was seen."""
        return self.rows >= self.learn

    @property
    def is_usual(self) -> bool:
        """Whether it was so in more than half of the rows."""
        return 2 * self.hits > self.rows

    def see(self, hits: int, rows: int, *, forgiven: int = 0) -> bool:
        """Takes so many more; whether they are more than the habit.

        What is beyond the habit does not become it, but for `forgiven` of its hits.
        """
        if not self.is_learned:
            self.rows += rows
            self.hits += hits
            return False
        if not hits:
            self.rows += rows
            return False
        is_more = not self.is_usual and self._is_more(hits, rows)
        self.rows += rows
        self.hits += forgiven if is_more else hits
        return is_more

    def _is_more(self, hits: int, rows: int) -> bool:
        if not self.hits:
            return True
        most = (self.hits + SPREAD * math.sqrt(self.hits) + SPREAD) / self.rows
        return log_tail(hits, rows, most) < math.log(CHANCE)


def log_tail(hits: int, rows: int, chance: float) -> float:
    """Logarithm of a bound on the probability of so many hits or more (Chernoff's)."""
    share = hits / rows
    if share <= chance or chance <= 0:
        return 0.0
    apart = share * math.log(share / chance)
    if share < 1:
        apart += (1 - share) * math.log((1 - share) / (1 - chance))
    return -rows * apart
