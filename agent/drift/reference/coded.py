"""A column of a few texts as files keep it: each text once, and a number a row.

Rule: to who does not know it, it is the sequence of its texts. Its numbers are there to count with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

from agent.decode.payload import Value

Codes = npt.NDArray[np.int64]


class Coded(Sequence[Value]):
    """Rows of `names`; a missing one is the last of them, None."""

    __slots__ = ("codes", "names")

    def __init__(self, codes: Codes, names: Sequence[str | None]) -> None:
        """`codes`: of each row the place of its name."""
        self.codes = codes
        self.names = names

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Value]:
        return map(self.names.__getitem__, self.codes.tolist())

    @overload
    def __getitem__(self, place: int) -> Value: ...

    @overload
    def __getitem__(self, place: slice) -> Coded: ...

    def __getitem__(self, place: int | slice) -> Value | Coded:
        if isinstance(place, slice):
            return Coded(self.codes[place], self.names)
        return self.names[int(self.codes[place])]

    def tally(self) -> dict[Value, int]:
        """How often each text is there; those that are not are left out."""
        found: dict[Value, int] = {}
        times = np.bincount(self.codes, minlength=len(self.names)).tolist()
        for name, count in zip(self.names, times, strict=True):
            if count:
                found[name] = found.get(name, 0) + count
        return found
