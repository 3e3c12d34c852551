"""CSV text to named columns (RFC 4180), with or without a header line.

Rule: bounded as rows are; any bytes in, columns out or `Refused`.

Nobody says whether the first line is a header. It is one if none of its fields is a number and
some column has nothing but numbers below it. A field that is a number is one, whatever stands in
other rows: what a value becomes may not depend on what else was sent with it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO

import msgspec

from agent.decode.payload import (
    ABSENT_TEXT,
    MAX_CELLS,
    Refused,
    Side,
    Value,
    cut,
    from_rows,
    from_table,
)

LONGEST_INTEGER = 300
"""Digits; a longer integer is read as a float."""

_NONE = type(None)
_NUMBERS = {int, float}
_MANY = f"more than {MAX_CELLS:,} cells"
_numbers = msgspec.json.Decoder(list[list[int | float]]).decode


def table(raw: bytes, name: str, has_header: bool | None = None) -> Side:
    """Columns of CSV text; without a header `name-0`, …, or `name` where there is one column.

    `has_header`: None if it is to be found out. Raises Refused: empty, too_large or malformed.
    """
    if len(raw) > MAX_CELLS and raw.count(b",") + raw.count(b"\n") > MAX_CELLS:
        raise Refused("too_large", _MANY)
    plain = None if has_header else numbers(raw)
    if plain is not None:
        return from_rows(single(plain), name)
    rows = _rows(raw)
    if not rows:
        raise Refused("empty", "there is no row in it")
    longest = max(map(len, rows))
    if longest * len(rows) > MAX_CELLS:
        raise Refused("too_large", _MANY)
    if min(map(len, rows)) < longest:
        rows = [row + [""] * (longest - len(row)) for row in rows]
    first = [cell(text) for text in rows[0]]
    columns = [_values(texts) for texts in zip(*rows[1:], strict=True)]
    found = [list(row) for row in zip(*columns, strict=True)]
    if has_header or (has_header is None and _is_header(first, columns)):
        return from_table(_unique(rows[0], name), found)
    return from_rows(single([first, *found]), name)


def numbers(raw: bytes) -> list[list[int | float]] | None:
    """The rows of text that is nothing but numbers as JSON writes them, or None.

    Measured: read as a JSON document, 1,000 × 10 numbers take a tenth of the time that a CSV
    reader and float() take. Without a bracket or a quote in it no text reads as other rows.
    """
    if b"[" in raw or b'"' in raw:
        return None
    lines = raw.strip().replace(b"\r\n", b"\n").replace(b"\n", b"],[")
    try:
        found = _numbers(b"[[" + lines + b"]]")
    except (ValueError, RecursionError):
        return None
    return found if all(found) else None


def cell(text: str) -> Value:
    """A field's value: a number, a text, or None where it says that there is none."""
    text = text.strip()
    if text in ABSENT_TEXT:
        return None
    number = _number(text)
    return cut(text) if number is None else number


def _number(text: str) -> float | int | None:
    try:
        if text.lstrip("+-").isdecimal() and len(text) <= LONGEST_INTEGER:
            return int(text)
        return float(text) if "_" not in text else None  # Python's own way to write 1_000
    except ValueError:
        return None


def _rows(raw: bytes) -> list[list[str]]:
    rows: list[list[str]] = []
    cells = 0
    try:
        for row in csv.reader(StringIO(raw.decode("utf-8-sig"), newline="")):
            cells += len(row)
            if cells > MAX_CELLS:
                raise Refused("too_large", _MANY)
            if row:
                rows.append(row)
    except csv.Error as error:
        raise Refused("too_large", f"CSV: {error}") from None
    except UnicodeDecodeError:
        raise Refused("malformed", "CSV that is not UTF-8 text") from None
    return rows


def _values(texts: Sequence[str]) -> Sequence[Value]:
    """A column's values. Numbers as JSON writes them are read at once."""
    joined = ",".join(texts)
    if "[" not in joined and '"' not in joined:
        found = numbers(joined.encode())
        if found is not None and len(found) == 1 and len(found[0]) == len(texts):
            return found[0]
    return [*map(_Cells().__getitem__, texts)]


class _Cells(dict[str, Value]):
    """Values of fields: many are the same."""

    def __missing__(self, text: str) -> Value:
        value = self[text] = cell(text)
        return value


def _is_header(first: Sequence[Value], columns: Sequence[Sequence[Value]]) -> bool:
    kinds = set(map(type, first)) - {_NONE}
    if not kinds or kinds & _NUMBERS:
        return False
    return any(
        name is not None and (kinds := set(map(type, column)) - {_NONE}) and kinds <= _NUMBERS
        for name, column in zip(first, columns, strict=False)
    )


def _unique(header: Sequence[str], name: str) -> list[str]:
    """Names of columns as pandas makes them unique: `a`, `a.1`; numbered where there is none."""
    names: list[str] = []
    seen: set[str] = set()
    for n, text in enumerate(header):
        wanted = text.strip() or f"{name}-{n}"
        names.append(f"{wanted}.{n}" if wanted in seen else wanted)
        seen.add(wanted)
    return names


def single(rows: Sequence[Sequence[Value]]) -> Sequence[object]:
    """Rows of one value each as those values."""
    return [row[0] for row in rows] if {1} == set(map(len, rows)) else rows
