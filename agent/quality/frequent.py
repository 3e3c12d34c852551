"""The commonest values of a long stream, in bounded memory.

Source: Misra and Gries, "Finding repeated elements" (1982), in the weighted and mergeable form of
Agarwal et al., "Mergeable summaries" (2012): a count is too small by `error` at most.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

KEPT = 64


class Frequent:
    """Counts of at most KEPT values."""

    __slots__ = ("_counts", "error", "total")

    def __init__(self) -> None:
        self._counts: dict[Hashable, float] = {}
        self.error = 0.0
        self.total = 0.0

    def add(self, counts: Mapping[Hashable, float]) -> None:
        """Adds the counts of some values."""
        self.total += sum(counts.values())
        kept = self._counts
        for value, count in counts.items():
            kept[value] = kept.get(value, 0.0) + count
        if len(kept) > KEPT:
            less = sorted(kept.values(), reverse=True)[KEPT]
            self.error += less
            self._counts = {value: n - less for value, n in kept.items() if n > less}

    def singles(self, count: float, weight: float) -> None:
        """Adds so many rows in all, of more than KEPT values for `weight` rows each."""
        self.total += count
        self.error += weight

    def most(self, value: Hashable) -> float:
        """A bound on the share of a value: at least what it was."""
        if not self.total:
            return 1.0
        return min(1.0, (self._counts.get(value, 0.0) + self.error) / self.total)
