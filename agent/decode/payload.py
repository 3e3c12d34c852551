"""What a request and its response said, as named columns, and how rows become columns.

Rule: plain data and pure functions; nothing here knows a dialect, HTTP or JSON text.

Names: a nested object gives dotted names (`user.age`), a list gives numbered ones (`pixels-0`).
Whatever a client sends, a side has at most `MAX_COLUMNS` columns, with lists of numbers in its rows
`MAX_NUMBERED`, and `MAX_CELLS` cells; what does not fit is left out and counted, never silently
kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Literal

from msgspec import Struct

from agent.decode.images.facts import of_text

MAX_COLUMNS = 1000
"""Columns of one side; the values of further ones are left out."""
MAX_NUMBERED = 4096
"""Columns of one side where lists are numbered columns: an embedding's."""
MAX_CELLS = 1 << 20
"""Rows times columns of one side; more is refused as too large."""
CELLS_A_VALUE, FEW_CELLS = 8, 4096
"""Where rows have names of their own: cells of a side for each value that is there, above so many.
A cell without a value costs as much as one with, and a client no byte."""
MAX_DEPTH = 8
"""Levels of nesting that are flattened; deeper values are left out."""
MAX_STRING = 256
"""Characters kept of a value."""
MAX_NAME = 128
"""Characters kept of a column's name."""
ABSENT_TEXT = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"))
"""CSV fields that stand for a missing value, as pandas reads them."""

NO_ROWS = "no rows"
"""In the place of a failure: an answer that was understood, and is empty."""

Value = float | int | str | bool | None
"""A cell; None is missing."""
Columns = dict[str, Sequence[Value]]

Outcome = Literal[
    "ok",
    "inputs_only",
    "empty",
    "unsupported",
    "malformed",
    "too_large",
    "error_status",
    "not_captured_unsampled",
    "not_captured_budget",
    "not_captured_off",
]
"""A metric label. `inputs_only`: the request was understood and its response was not."""


Sizes = tuple[Sequence[int] | None, Sequence[int] | None]
"""Of each side the rows of each request. None: it is one request. Empty: each row is one."""


class Cut(str):
    """The beginning of a longer text: MAX_STRING characters, and how long it was."""

    __slots__ = ("length",)

    length: int
    """Characters."""

    def __new__(cls, text: str) -> Cut:
        self = super().__new__(cls, text[:MAX_STRING])
        self.length = len(text)
        return self


def cut(text: str) -> str:
    """The text, or what is kept of it."""
    return text if len(text) <= MAX_STRING else Cut(text)


class Payload(Struct, frozen=True, gc=False):
    """One exchange's named values. Columns of one side are of equal length where rows pair up."""

    model: str
    """From the exchange, the path or the body; empty if none names it."""
    version: str
    """From the answer or the path; empty if neither names it."""
    id: str
    """The dialect's own request id (an alias of `x-request-id`), or empty."""
    inputs: Columns
    outputs: Columns
    rows: int
    """Of the inputs."""
    output_rows: int
    left_out: int
    """Values that did not fit the bounds above, of both sides."""
    first: tuple[bytes, bytes] = (b"", b"")
    """Request id and trace id (16 bytes, or empty) of the exchange that the first row is of."""
    sizes: Sizes = (None, None)
    """Of the inputs, of the outputs."""
    failure: str = ""
    """The member by which the answer says that it is a failure, or NO_ROWS; there are then no
    outputs."""


class Decoded(Struct, frozen=True, gc=False):
    """What became of an exchange; `payload` is None unless the outcome is ok or inputs_only."""

    payload: Payload | None
    dialect: str
    outcome: Outcome
    evidence: str = ""
    """On which the dialect was chosen, for people; empty if none was."""
    why: str = ""
    """More about an outcome than its name says, for people; may be empty."""


class Side(Struct, frozen=True, gc=False):
    """The inputs or the outputs of one exchange."""

    columns: Columns
    rows: int
    left_out: int = 0
    id: str = ""
    model: str = ""
    version: str = ""
    """That the answer names."""
    failure: str = ""
    """As in `Payload`."""


class Refused(Exception):
    """A body that becomes no columns, and the outcome that says why."""

    def __init__(self, outcome: Outcome, why: str = "") -> None:
        """`why`: more about it, in a few words for people; nothing of a client's in it."""
        super().__init__(outcome)
        self.outcome: Outcome = outcome
        self.why = why


_FEW = 16
"""Values in a row below which a zip costs more than to count them."""
_SCALARS = frozenset((float, int, bool, type(None), str))
_NUMBERS = frozenset((float, int, bool, type(None)))
_OBJECTS, _ARRAYS = {dict}, {list}
LONGEST_NUMBER = 8
"""Characters of a numbered column's name beyond its list's."""


def from_rows(rows: Sequence[object], name: str) -> Side:
    """Columns of rows that are objects, arrays or scalars; `name` is for rows without names.

    Raises Refused("too_large") over MAX_CELLS.
    """
    if not rows:
        return Side({}, 0)
    columns = from_plain_rows(rows, name)
    if columns is None or not _are_small(columns, rows, named=type(rows[0]) is dict):
        flat = _flattened(rows)
        if flat is None:
            return _ragged(rows, name, MAX_COLUMNS)
        columns = _columns_of_objects(flat, MAX_NUMBERED)
        if columns is None or not _are_small(columns, flat, named=True):
            return _ragged(flat, name, MAX_NUMBERED)
    return Side(columns, len(rows))


def from_columns(source: dict[str, object]) -> Side:
    """Columns of an object that maps each name to its values, one a row."""
    columns: Columns = {}
    rows = left_out = 0
    for key, values in source.items():
        column = values if isinstance(values, list) else [values]
        if column and type(column[0]) is dict:  # two objects may have one name in them
            column = [{key: value} for value in column]
        part = from_rows(column, key[:MAX_NAME])
        most = MAX_NUMBERED if len(part.columns) > 1 else MAX_COLUMNS
        room = max(0, most - len(columns))
        kept = list(part.columns.items())[:room]
        columns.update(kept)
        left_out += part.left_out + sum(len(v) for v in list(part.columns.values())[room:])
        rows = max(rows, part.rows)
        if rows * len(columns) > MAX_CELLS:
            raise Refused("too_large")
    return Side(columns, rows, left_out)


def from_table(names: Sequence[str], rows: Sequence[object]) -> Side:
    """Columns of rows that are arrays, under these names; what is in a row beyond them is not read.

    Raises Refused("too_large") over MAX_CELLS.
    """
    arrays = [row for row in rows if isinstance(row, list)]
    if len(arrays) == len(rows) > 0 and set(map(len, arrays)) == {len(names)}:
        columns: Columns = {}
        if _fits(len(names), len(rows), MAX_COLUMNS):
            columns = dict(zip(names, zip(*arrays, strict=False), strict=False))
        if len(columns) == len(names) and _are_small(columns, rows, named=True):
            return Side(columns, len(rows))
    keys = [name[:MAX_NAME] for name in names]
    return from_rows([dict(zip(keys, row, strict=False)) for row in arrays], "data")


def from_plain_rows(rows: Sequence[object], name: str) -> Columns | None:
    """Columns of rows that are all objects, all arrays or all scalars; values stay as they are.

    None if the rows are not alike, or too many, or none.
    """
    if len(rows) == 1:
        row = rows[0]
        if type(row) is dict:
            return {k: (v,) for k, v in row.items()} if 0 < len(row) <= MAX_COLUMNS else None
        return _columns_of_row(row, name)
    kinds = set(map(type, rows))
    if kinds == _OBJECTS:
        return _columns_of_objects(rows)  # type: ignore[arg-type]
    if kinds == _ARRAYS:
        return _columns_of_arrays(rows, name)  # type: ignore[arg-type]
    if kinds and kinds <= _SCALARS and len(rows) <= MAX_CELLS:
        return {name: rows}  # type: ignore[dict-item]
    return None


def _columns_of_row(row: object, name: str) -> Columns | None:
    """The same of a single row that is no object."""
    if type(row) is list and 0 < len(row) <= MAX_NUMBERED:
        names = numbered(name, len(row))
        if len(row) < _FEW:
            return {names[i]: (value,) for i, value in enumerate(row)}
        return {key: (value,) for key, value in zip(names, row, strict=False)}
    return {name: (row,)} if type(row) in _SCALARS else None  # type: ignore[dict-item]


def _columns_of_objects(
    rows: Sequence[dict[str, Value]], most: int = MAX_COLUMNS
) -> Columns | None:
    names = list(rows[0])
    if not _fits(len(names), len(rows), most):
        return None
    for row in rows:
        if list(row) != names:
            return None
    return dict(zip(names, zip(*map(dict.values, rows), strict=False), strict=False))


def _columns_of_arrays(rows: Sequence[list[Value]], name: str) -> Columns | None:
    width = len(rows[0])
    if not _fits(width, len(rows), MAX_NUMBERED) or set(map(len, rows)) != {width}:
        return None
    return dict(zip(numbered(name, width), zip(*rows, strict=False), strict=False))


def _flattened(rows: Sequence[object]) -> list[dict[str, Value]] | None:
    """Rows that are objects, their lists of numbers as numbered values.

    None if a row is not like that, or there is no list.

    Measured: an embedding of 768 takes a quarter of the time that one value at a time takes.
    """
    found = []
    has_list = False
    for row in rows:
        if type(row) is not dict:
            return None
        flat: dict[str, Value] = {}
        width = len(row)
        for key, value in row.items():
            if type(value) is not list:
                flat[key] = value
                continue
            if not _NUMBERS.issuperset(map(type, value)) or len(key) > MAX_NAME - LONGEST_NUMBER:
                return None
            has_list = True
            width += len(value) - 1
            flat.update(zip(numbered(key, len(value)), value, strict=False))
        if len(flat) != width or len(row) > MAX_COLUMNS:
            return None
        found.append(flat)
    return found if has_list else None


@lru_cache(maxsize=16)
def numbered(name: str, width: int) -> tuple[str, ...]:
    """`name-0` to `name-{width-1}`, MAX_NUMBERED of them at most."""
    return tuple([f"{name}-{i}" for i in range(min(width, MAX_NUMBERED))])


def _are_small(columns: Columns, rows: Sequence[object], named: bool) -> bool:
    """Whether all values of these rows are plain ones that can be kept as they are, and the names
    of their columns too."""
    if named and max(map(len, columns)) > MAX_NAME:
        return False
    row = rows[0]
    if len(rows) == 1 and type(row) in (dict, list):
        return _all_small(row.values() if isinstance(row, dict) else row)  # type: ignore[arg-type]
    return _all_small([*chain.from_iterable(columns.values())])


def _fits(width: int, rows: int, most: int) -> bool:
    return 0 < width <= most and width * rows <= MAX_CELLS


def _all_small(values: Collection[object]) -> bool:
    """Whether all are plain values that can be kept as they are."""
    kinds = set(map(type, values))
    if not kinds <= _SCALARS:
        return False
    if str not in kinds:
        return True
    return max([len(value) for value in values if type(value) is str]) <= MAX_STRING


def _ragged(rows: Sequence[object], name: str, most: int) -> Side:
    """Any rows: the union of their names, with None where a row lacks one."""
    found: dict[str, _Sparse] = {}
    left_out = 0
    for i, row in enumerate(rows):
        for key, value in _named(row, name):
            column = found.get(key) or found.get(key[:MAX_NAME])
            if column is None:
                if value is _TOO_DEEP or len(found) >= most:
                    left_out += 1
                    continue
                if (len(found) + 1) * len(rows) > MAX_CELLS:
                    raise Refused("too_large")
                column = found[key[:MAX_NAME]] = ([], [])
            places, values = column
            if not places or places[-1] != i:
                places.append(i)
                values.append(value if type(value) in _NUMBERS else _cell(value))  # type: ignore[arg-type]
    kept, emptiest = _fullest(found, len(rows))
    columns: Columns = {key: _dense(column, len(rows)) for key, column in kept.items()}
    return Side(columns, len(rows), left_out + emptiest)


_Sparse = tuple[list[int], list[Value]]
"""A column's rows, ascending, and the values there."""


def _dense(column: _Sparse, rows: int) -> list[Value]:
    places, values = column
    if len(places) == rows:
        return values
    dense: list[Value] = [None] * rows
    for place, value in zip(places, values, strict=True):
        dense[place] = value
    return dense


def _fullest(columns: dict[str, _Sparse], rows: int) -> tuple[dict[str, _Sparse], int]:
    """Of columns that are nearly empty, all together, those with most values; and how many values
    the others had."""
    if len(columns) * rows <= FEW_CELLS:
        return columns, 0
    count = {name: len(values) - values.count(None) for name, (_, values) in columns.items()}
    most = max(1, (FEW_CELLS + CELLS_A_VALUE * sum(count.values())) // rows)
    if len(columns) <= most:
        return columns, 0
    kept = set(sorted(columns, key=count.__getitem__, reverse=True)[:most])
    fullest = {name: column for name, column in columns.items() if name in kept}
    return fullest, sum(values for name, values in count.items() if name not in kept)


_TOO_DEEP = object()


def _named(row: object, name: str) -> Iterable[tuple[str, object]]:
    """The values of a row by their columns' names."""
    if type(row) is not dict:
        return _leaves(row, name, 0)
    return row.items() if _all_small(row.values()) else _leaves(row, "", 0)


def _leaves(value: object, name: str, depth: int) -> Iterator[tuple[str, object]]:
    if depth > MAX_DEPTH:
        yield name, _TOO_DEEP
    elif isinstance(value, dict):
        for key, inner in value.items():
            key = key[:MAX_NAME]
            yield from _leaves(inner, f"{name}.{key}"[:MAX_NAME] if name else key, depth + 1)
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{name}-{i}", depth + 1)
    elif type(value) is str and len(value) > MAX_STRING and (image := of_text(value)):
        for key, fact in image.items():
            yield f"{name}.{key}"[:MAX_NAME], fact
    else:
        yield name[:MAX_NAME], value


def _cell(value: object) -> Value:
    if isinstance(value, str):
        return cut(value)
    return value if isinstance(value, (float, int)) else None
