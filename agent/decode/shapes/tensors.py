"""Tensors as columns, whatever dialect they came in.

Rule: the first dimension is the rows. A tensor of shape `[n]` or `[n, 1]` is the column `name`, any
other is `name-0` to `name-{d-1}`, row-major. A shape that lies about the number of values is
refused before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from msgspec import Struct

from agent.decode.images.facts import LONGEST_FACT
from agent.decode.images.picture import Picture, text
from agent.decode.images.picture import columns as pictures
from agent.decode.payload import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_DEPTH,
    MAX_NAME,
    MAX_NUMBERED,
    Columns,
    Refused,
    Side,
    Value,
    numbered,
)

_NUMBERS = frozenset((float, int, bool, type(None)))
_PLAIN = frozenset((float, int, bool))
LIES = "the shape does not fit the number of values"
MAX_EXTENT = 1 << 31
"""Of one dimension."""


class Tensor(Struct, frozen=True):
    """What a model's metadata say of one."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    """-1: any extent."""


def extents(shape: object) -> list[int]:
    """The shape as it was written, checked. Raises Refused("malformed")."""
    if not isinstance(shape, list) or len(shape) > MAX_DEPTH:
        raise Refused("malformed", "a tensor without a shape, or of too many dimensions")
    if not all(type(extent) is int and 0 <= extent <= MAX_EXTENT for extent in shape):
        raise Refused("malformed", "a tensor with an extent that is none")
    return shape


def listed(data: list[object]) -> list[Value]:
    """The values of a tensor that is written as lists, row-major. Raises Refused("malformed")."""
    level = data
    for _ in range(MAX_DEPTH):
        if not level or type(level[0]) is not list:
            break
        inner: list[object] = []
        for part in level:
            if type(part) is not list:
                raise Refused("malformed", "a tensor whose lists are not equally deep")
            inner.extend(part)
        level = inner
    if _NUMBERS.issuperset(map(type, level)):
        return level  # type: ignore[return-value]
    return [_value(value) for value in level]


def _value(value: object) -> Value:
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, (float, int)):
        return value
    raise Refused("malformed", "a tensor with something else than values in it")


def _has_pictures(flat: list[Value]) -> bool:
    return Picture in set(map(type, flat))


class Tensors:
    """Gathers the tensors of one side."""

    def __init__(self) -> None:
        self._columns: Columns = {}
        self._rows = self._left_out = self._cells = 0

    def add(self, name: str, shape: Sequence[int], flat: Sequence[Value]) -> None:
        """One more, its values in row-major order.

        Raises Refused: malformed if the shape is not theirs, too_large over MAX_CELLS.
        """
        if prod(shape) != len(flat):
            raise Refused("malformed", LIES)
        name = name[:MAX_NAME]
        columns = self._columns
        count = shape[0] if shape else 1
        width = len(flat) // count if count else 0
        if type(flat) is list and flat and type(flat[0]) not in _PLAIN and _has_pictures(flat):
            self._add_pictures(name, count, width, flat)
            return
        self._rows = max(self._rows, count)
        most = MAX_NUMBERED if width > 1 else MAX_COLUMNS
        kept = min(width, max(0, most - len(columns)))
        self._left_out += (width - kept) * count
        self._cells += kept * count
        if self._cells > MAX_CELLS:
            raise Refused("too_large", f"more than {MAX_CELLS:,} values")
        if width == 1 and kept == 1:
            columns[name] = flat
        elif count == 1:
            columns.update(zip(numbered(name, kept), zip(flat[:kept], strict=True), strict=True))
        else:
            parts = [flat[i::width] for i in range(kept)]
            columns.update(zip(numbered(name, kept), parts, strict=True))

    def _add_pictures(self, name: str, rows: int, width: int, flat: list[Value]) -> None:
        """Of each place of a row the facts of its images."""
        for n in range(min(width, MAX_COLUMNS)):
            of_place = name if width == 1 else f"{name}-{n}"
            for fact, values in pictures(flat[n::width]):
                self.add(f"{of_place[: MAX_NAME - LONGEST_FACT]}.{fact}", [rows], values)
        self.leave_out(max(0, width - MAX_COLUMNS) * rows)

    def leave_out(self, values: int) -> None:
        """So many that cannot be columns."""
        self._left_out += values

    def side(self, id: str = "", model: str = "") -> Side:
        """What they are together."""
        return Side(self._columns, self._rows, self._left_out, id, model)
