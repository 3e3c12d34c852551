"""Requests that a person can look at: which ones had a row in the bins that grew most.

Rule: bounded and cheap. Of a window `MOST` to twice as many payloads are remembered, by their first
row; most payloads cost a comparison and a subtraction. Values are compared with bins and never
shown.

Theory. One payload in `stride` is taken, the number passed over drawn anew each time so that no
pattern of the traffic hides one. When twice `MOST` are kept, every other goes and the stride
doubles, so that all parts of a window stay equally dense. The next window begins with the stride
that would have kept `MOST` of the last.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from agent.decode.payload import Columns, Payload, Value
from agent.drift.engine.cells import bin_label
from agent.drift.reference.profile import ColumnProfile, SideName
from agent.drift.reference.sketch import Bins, Ints

MOST = 32
"""Payloads remembered of a window, and less than twice as many."""
MOST_CELLS = 1 << 13
"""Their values together, at most about this: of wide rows fewer are remembered."""
SHOWN = 5
"""Examples kept of a column, the newest, which are most likely still kept as requests too."""
GROWN = 3
"""Bins that are looked at: those whose share grew most."""

Row = dict[str, Value]


class Example(Struct, frozen=True):
    """One request with a row in a bin that grew."""

    request_id: str
    trace_id: str | None
    """32 hex digits; None: it was not sampled, there is no trace."""
    at: float
    """When its window was judged, seconds since the epoch."""
    bin: str
    """As `bin_label` names it."""


class Remembered(Struct, frozen=True, gc=False):
    """A payload's identity and first row."""

    first: tuple[bytes, bytes]
    inputs: Row
    outputs: Row


class Reservoir:
    """A sample of a window's payloads, as likely of one as of any other."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed).random
        self._kept: list[Remembered] = []
        self._stride = 1
        self._pass = 0
        self.wanted = False
        """Whether what is taken is to be told of: examples of it will be shown."""
        self.took = False
        """Whether the last payload was, since somebody asked."""

    def add(self, payload: Payload) -> None:
        """Remembers the payload, perhaps."""
        if self._pass:
            self._pass -= 1
        elif payload.first[0]:
            self._take(payload)

    def drain(self) -> list[Remembered]:
        """What is remembered; nothing is afterwards."""
        kept, self._kept = self._kept, []
        self._stride = max(1, self._stride * len(kept) // _most(kept))
        return kept

    def _take(self, payload: Payload) -> None:
        row = Remembered(payload.first, _row(payload.inputs), _row(payload.outputs))
        self._kept.append(row)
        self.took = self.wanted
        if len(self._kept) >= 2 * _most(self._kept):
            self._kept = self._kept[::2]
            self._stride *= 2
        self._pass = int(self._random() * (2 * self._stride - 1))


def _most(kept: Sequence[Remembered]) -> int:
    """How many payloads are to be remembered, by the width of the last one's row."""
    width = len(kept[-1].inputs) + len(kept[-1].outputs) if kept else 0
    return max(1, min(MOST, MOST_CELLS // max(1, width)))


def _row(columns: Columns) -> Row:
    return {name: values[0] for name, values in columns.items() if len(values)}


def find(
    remembered: Sequence[Remembered],
    column: ColumnProfile,
    bins: Bins,
    counts: Ints,
    at: float,
    alone: bool = False,
) -> list[Example]:
    """Of these payloads those with a row in the bins of `column` that grew; at most SHOWN.

    `counts` are those that were judged, missing and invalid included; `alone`: the column is the
    only one of its side, and the only one of a payload's side is the same, whatever its name.
    """
    places = grown(column, counts)
    found: list[Example] = []
    for place, one in _placed(remembered, column.name, column.side, bins, alone):
        if place in places:
            request, trace = one.first
            name = bin_label(column, place)
            found.append(Example(request.decode("latin-1"), trace.hex() or None, at, name))
            if len(found) == SHOWN:
                break
    return found


def _placed(
    remembered: Sequence[Remembered], name: str, side: SideName, bins: Bins, alone: bool
) -> Iterator[tuple[int, Remembered]]:
    """Each payload, the newest first, with the bin that its first row is in."""
    for one in reversed(remembered):
        row = one.inputs if side == "input" else one.outputs
        if not row:
            continue
        value = next(iter(row.values())) if alone and len(row) == 1 else row.get(name)
        counts = bins.count((value,))
        if counts.any():
            yield int(counts.argmax()), one


def grown(column: ColumnProfile, counts: Ints) -> list[int]:
    """The bins whose share is most above the reference's, the furthest first."""
    before = np.array([*column.counts, column.missing, column.invalid], dtype=np.float64)
    more = counts / max(1, int(counts.sum())) - before / max(1.0, before.sum())
    order = np.argsort(-more, kind="stable")[:GROWN]
    return [int(place) for place in order if more[place] > 0]
