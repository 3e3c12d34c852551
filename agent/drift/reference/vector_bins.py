"""The bins of a view.

Rule: a row that is no vector is none in all views alike: its norm's column counts it, once.
"""

from __future__ import annotations

from agent.drift.reference.sketch import INVALID, MISSING, Ints, Numbers, NumericBins


class ViewBins(NumericBins):
    """Counts numbers alone."""

    def count_places(self, batch: Numbers, places: Ints) -> Ints:
        """As those of numbers, without the missing and the invalid."""
        counts = super().count_places(batch, places)
        counts[MISSING] = counts[INVALID] = 0
        return counts
