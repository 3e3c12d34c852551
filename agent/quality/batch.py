"""Rows of alike answers together: named columns, and which request a row is of.

Rule: conversions happen once and only for what is asked for; a row's inputs are looked up, never
copied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from itertools import accumulate, chain

import numpy as np
import numpy.typing as npt

from agent.decode.payload import Payload, Value

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MAX_KEY = 64
"""Inputs of a row that are compared; of more some evenly spread."""


def floats(values: Sequence[Value]) -> Floats | None:
    """As numbers, NaN where there is none; None if they are texts or no numbers at all."""
    try:
        return np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return None


def count_requests(payloads: Sequence[Payload]) -> int:
    """How many requests they are of."""
    alone = [p for p in payloads if p.sizes[0] is None]
    together = [p for p in payloads if p.sizes[0] is not None] if len(alone) < len(payloads) else ()
    return len(alone) + sum([len(p.sizes[0] or ()) or p.rows for p in together])


def evenly(count: int, most: int) -> range:
    """So many places of `count` at most."""
    return range(0, count, max(1, -(-count // most)))


class Batch:
    """Payloads of one model and of outputs of one kind, in the order that they came."""

    def __init__(self, payloads: Sequence[Payload], names: Iterable[str]) -> None:
        """`names`: of all their outputs."""
        self.payloads = [p for p in payloads if p.output_rows]
        self.rows = sum([p.output_rows for p in self.payloads])
        self.names = list(names)
        self._columns: dict[str, Sequence[Value]] = {}
        self._numbers: dict[str, Floats | None] = {}

    def column(self, name: str) -> Sequence[Value]:
        """The values of an output, one a row; None where there is none."""
        if name not in self._columns:
            self._columns[name] = self._column(name)
        return self._columns[name]

    def numbers(self, name: str) -> Floats | None:
        """The same as numbers; None if they are not."""
        if name not in self._numbers:
            self._numbers[name] = floats(self.column(name))
        return self._numbers[name]

    def numeric(self, names: Iterable[str]) -> list[str]:
        """Those of the names whose outputs have a finite number."""
        found = [(name, self.numbers(name)) for name in names]
        return [name for name, values in found if values is not None and np.isfinite(values).any()]

    def _column(self, name: str) -> Sequence[Value]:
        try:
            if self.rows == len(self.payloads):
                return [p.outputs[name][0] for p in self.payloads]
            found = [*chain.from_iterable([p.outputs[name] for p in self.payloads])]
            if len(found) == self.rows:
                return found
        except (KeyError, IndexError):
            pass  # some have no such output, or not for each row
        filled: list[Value] = []
        for payload in self.payloads:
            values = [*payload.outputs.get(name, ())[: payload.output_rows]]
            filled += [*values, *[None] * (payload.output_rows - len(values))]
        return filled

    @cached_property
    def _starts(self) -> list[int]:
        """The place of each payload's first row."""
        return [*accumulate([p.output_rows for p in self.payloads], initial=0)]

    def requests(self, rows: Mask) -> tuple[int, str]:
        """How many requests these rows are of, and the id of one of them, if one is known."""
        if self.rows == len(self.payloads):
            last = int(np.flatnonzero(rows)[-1])
            return int(rows.sum()), request_id(self.payloads[last])
        count, example = 0, ""
        for payload, start in zip(self.payloads, self._starts, strict=False):
            hit = rows[start : start + payload.output_rows]
            if not hit.any():
                continue
            sizes = payload.sizes[1]
            begins = [n for n in accumulate((sizes or ())[:-1], initial=0) if n < len(hit)]
            hits = np.logical_or.reduceat(hit, begins) if sizes or sizes is None else hit
            count += int(hits.sum())
            if hits[0]:
                example = request_id(payload)
        return count, example

    def asked(self, row: int) -> tuple[Payload, int] | None:
        """Whose inputs a row of the outputs answers, and their place; None if that is not known."""
        if self.rows == len(self.payloads):
            payload, at = self.payloads[row], 0
        else:
            place = bisect_right(self._starts, row) - 1
            payload, at = self.payloads[place], row - self._starts[place]
        paired = payload.rows == payload.output_rows and payload.sizes[0] == payload.sizes[1]
        return (payload, at) if paired else None

    def key(self, row: int) -> int | None:
        """A hash of the inputs of a row; None if they are not known."""
        found = self.asked(row)
        if found is None:
            return None
        payload, place = found
        columns = list(payload.inputs.values())
        if len(columns) > MAX_KEY:
            columns = [columns[n] for n in evenly(len(columns), MAX_KEY)]
        cells: list[Hashable] = [c[place] for c in columns if place < len(c)]
        return hash(tuple(cells))


def request_id(payload: Payload) -> str:
    """Of the request that its first row is of."""
    return payload.first[0].decode("latin-1")
