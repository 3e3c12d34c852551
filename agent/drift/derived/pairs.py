"""Which rows asked and which rows answered belong together, in the buffers of both sides.

Rule: noted only where a payload's do not: one that was answered by an error, or by another number
of rows. Bounded by the payloads of a batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


class Paired(NamedTuple):
    """Of each side's rows those with a partner; as many in both. None: all."""

    asked: Mask | None
    answered: Mask | None


class Pairs:
    """Of the rows buffered since the last `take`."""

    def __init__(self) -> None:
        self._apart: list[tuple[range, range]] = []
        self._lost = False

    def note(self, rows: int, asked: int, output_rows: int, answered: int) -> None:
        """A payload's rows of both sides were added, which now have `asked` and `answered`."""
        if rows != output_rows:
            self._apart.append(
                (range(asked - rows, asked), range(answered - output_rows, answered))
            )

    def drop(self, asked: int, answered: int) -> None:
        """So many of each side's first rows are gone; pairs are lost unless they are as many."""
        if asked != answered or self._apart:
            self._lost = True

    def take(self, asked: int, answered: int) -> Paired | None:
        """Of so many rows; None if they cannot be paired. Begins anew."""
        apart, self._apart = self._apart, []
        lost, self._lost = self._lost, False
        if lost:
            return None
        if not apart:
            return Paired(None, None) if asked == answered else None
        found = Paired(np.ones(asked, dtype=bool), np.ones(answered, dtype=bool))
        for mask, places in zip(found, zip(*apart, strict=True), strict=True):
            assert mask is not None
            for each in places:
                mask[each.start : each.stop] = False
        assert found.asked is not None
        assert found.answered is not None
        same = np.count_nonzero(found.asked) == np.count_nonzero(found.answered)
        return found if same else None
