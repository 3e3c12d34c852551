"""Whether a row is like nothing in the reference: a number beyond its range, a word it never had.

Rule: it is looked at row by row, for people, so only a few are looked at; nothing is counted here.
No value is told, only the column and what is strange of it.

Theory. A range is that of the reference, wider by `MARGIN` of itself on either side: the extremes
of a sample are passed now and then without anything being strange. A word is strange only where the
reference's categories were all there was, and a missing value where none was missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from agent.decode.payload import Columns, Value
from agent.drift.reference.profile import ColumnProfile, Profile
from agent.drift.reference.sketch import CategoryBins

MARGIN = 0.1
MOST = 5
"""Columns that are told of a row."""
MAX_COLUMNS = 100
"""Columns of a reference that are looked at."""


class Range:
    """What values of one column are in the reference."""

    def __init__(self, column: ColumnProfile) -> None:
        self.low, self.high = -math.inf, math.inf
        self._bins = None
        moments = column.moments
        if column.kind == "numeric" and moments is not None and moments.count:
            margin = MARGIN * (moments.max - moments.min)
            self.low, self.high = moments.min - margin, moments.max + margin
        bins = column.bins() if column.kind in ("categorical", "boolean") else None
        if isinstance(bins, CategoryBins) and not column.counts[-1]:
            self._bins = bins
        self._is_never_missing = not column.missing

    def strange(self, value: Value) -> str:
        """What is strange of a value; empty if nothing is."""
        if value is None:
            return "missing, which it never was" if self._is_never_missing else ""
        if self._bins is not None:
            other = self._bins.size - 1
            return "a value never seen" if int(self._bins.places((value,))[0]) == other else ""
        if isinstance(value, int | float):
            if value > self.high:
                return "above all that was seen"
            return "below all that was seen" if value < self.low else ""
        return ""


class Ranges:
    """Those of a reference's inputs."""

    def __init__(self, reference: Profile) -> None:
        self.reference = reference
        columns = [one for one in reference.columns if one.side == "input"][:MAX_COLUMNS]
        self._ranges: Mapping[str, Range] = {
            one.name: Range(one)
            for one in columns
            if one.kind in ("numeric", "categorical", "boolean")
        }

    def strange(self, inputs: Columns) -> list[tuple[str, str]]:
        """Columns of the first row that are strange, and how; at most MOST."""
        found = []
        for name, values in inputs.items():
            known = self._ranges.get(name)
            if known is None or not len(values):
                continue
            if how := known.strange(values[0]):
                found.append((name, how))
                if len(found) == MOST:
                    break
        return found


class Strangers:
    """Looks at payloads; knows the ranges of each model's reference."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[str, str], Ranges] = {}

    def look(
        self, key: tuple[str, str], reference: Profile | None, inputs: Columns
    ) -> list[tuple[str, str]]:
        """As `Ranges.strange`; nothing without a reference."""
        if reference is None:
            self._ranges.pop(key, None)
            return []
        known = self._ranges.get(key)
        if known is None or known.reference is not reference:
            known = self._ranges[key] = Ranges(reference)
        return known.strange(inputs)
