"""CSV text to named columns (RFC 4180), with or without a header line.

Rule: bounded as rows are; any bytes in, columns out or `Refused`.

Nobody says whether the first line is a header. It is one if none of its fields is a number and
some column has nothing but numbers below it. A field that is a number is one, whatever stands in
other rows: what a value becomes may not depend on what else was sent with it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

import msgspec

from agent.decode.payload import (
    ABSENT_TEXT,
    MAX_CELLS,
    Refused,
    Side,
    Value,
    cut,
    from_plain_rows,
    from_rows,
)

LONGEST_INTEGER = 300
"""Digits; a longer integer is read as a float."""

_MANY = f"more than {MAX_CELLS:,} cells"
_numbers = msgspec.json.Decoder(list[list[int | float]]).decode


def table(raw: bytes, name: str, has_header: bool | None = None) -> Side:
    """Columns of CSV text; without a header `name-0`, …, or `name` where there is one column.

    `has_header`: None if it is to be found out. Raises Refused: empty, too_large or malformed.
    """
    if raw.count(b",") + raw.count(b"\n") > MAX_CELLS:
        raise Refused("too_large", _MANY)
    plain = None if has_header else numbers(raw)
    if plain is not None:
        columns = from_plain_rows(_single(plain), name)
        if columns is not None:
            return Side(columns, len(plain))
    rows = _rows(raw)
    if not rows:
        raise Refused("empty", "there is no row in it")
    if has_header or (has_header is None and _begins_with_header(rows)):
        names = _unique(rows[0], name)
        found: Sequence[object] = [
            dict(zip(names, map(cell, row), strict=False)) for row in rows[1:]
        ]
    else:
        found = _single([[cell(text) for text in row] for row in rows])
    return from_rows(found, name)


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


def _begins_with_header(rows: Sequence[Sequence[str]]) -> bool:
    first = [cell(text) for text in rows[0]]
    if not any(type(value) is str for value in first):
        return False
    if any(value is not None and type(value) is not str for value in first):
        return False
    return any(
        type(first[n]) is str and _are_numbers(row[n] for row in rows[1:] if n < len(row))
        for n in range(len(first))
    )


def _are_numbers(texts: Iterable[str]) -> bool:
    """Whether there are numbers and nothing else but what is missing."""
    is_any = False
    for text in texts:
        value = cell(text)
        if type(value) is str:
            return False
        is_any = is_any or value is not None
    return is_any


def _unique(header: Sequence[str], name: str) -> list[str]:
    """Names of columns as pandas makes them unique: `a`, `a.1`; numbered where there is none."""
    names: list[str] = []
    seen: set[str] = set()
    for n, text in enumerate(header):
        wanted = text.strip() or f"{name}-{n}"
        names.append(f"{wanted}.{n}" if wanted in seen else wanted)
        seen.add(wanted)
    return names


def _single(rows: Sequence[Sequence[Value]]) -> Sequence[object]:
    """Rows of one value each as those values."""
    return [row[0] for row in rows] if {1} == set(map(len, rows)) else rows
