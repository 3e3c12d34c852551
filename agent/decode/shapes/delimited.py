"""CSV text to named columns (RFC 4180), with or without a header line.

Rule: bounded as rows are; any bytes in, columns out or `Refused`.

Nobody says whether the first line is a header. It is one if none of its fields is a number and
some column has nothing but numbers below it. A field that is a number is one, whatever stands in
other rows: what a value becomes may not depend on what else was sent with it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from io import StringIO
from itertools import zip_longest

import msgspec

from agent.decode.payload import (
    ABSENT_TEXT,
    LONGEST_NUMBER,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_NAME,
    MAX_NUMBERED,
    Refused,
    Side,
    Value,
    cut,
    from_plain_rows,
    from_rows,
    numbered,
)

LONGEST_INTEGER = 300
"""Digits; a longer integer is read as a float."""

_BEGIN = frozenset("0123456789+-.iI")
"""Of a number, "inf" being one: float() takes long to refuse a text."""
_NO_NAME = frozenset(("", *_BEGIN - {"i", "I"}))
"""How a field may begin that is a number or empty."""
_NONE = type(None)
_NUMBERS = {int, float}
_MANY = f"more than {MAX_CELLS:,} cells"
_one_each = msgspec.json.Decoder(list[int | float]).decode
_numbers = msgspec.json.Decoder(list[list[int | float]]).decode


def table(raw: bytes, name: str, has_header: bool | None = None) -> Side:
    """Columns of CSV text; without a header `name-0`, …, or `name` where there is one column.

    `has_header`: None if it is to be found out. Raises Refused: empty, too_large or malformed.
    """
    if len(raw) > MAX_CELLS and raw.count(b",") + raw.count(b"\n") > MAX_CELLS:
        raise Refused("too_large", _MANY)
    plain = None if has_header else numbers(raw)
    if plain is not None and (type(plain[0]) is not list or len(plain[0]) <= MAX_NUMBERED):
        columns = from_plain_rows(plain, name)
        return from_rows(plain, name) if columns is None else Side(columns, len(plain))
    if plain is None and has_header is not False and (side := _headed(raw, name)) is not None:
        return side
    if b"," not in raw and b'"' not in raw:
        cells = [line for line in _text(raw).replace("\r", "\n").split("\n") if line]
        lengths: Sequence[int] = (1,) * len(cells)
    else:
        cells, lengths = _fields(raw)
    if not cells:
        raise Refused("empty", "there is no row in it")
    width = max(lengths)
    if width * len(lengths) > MAX_CELLS:
        raise Refused("too_large", _MANY)
    left_out = sum(length - MAX_NUMBERED for length in lengths if length > MAX_NUMBERED)
    if left_out or min(lengths) < width:
        width = min(width, MAX_NUMBERED)
        cells = _even(cells, lengths, width)
    found = _columns(cells, width, name, has_header)
    return Side(found.columns, found.rows, found.left_out + left_out)


def _headed(raw: bytes, name: str) -> Side | None:
    """Columns of a line of names over lines of nothing but numbers; None if it is not like that.

    Measured: a row of 500 takes a tenth of the time.
    """
    first, _, below = raw.partition(b"\n")
    if b'"' in first or raw.count(b"\r") != raw.count(b"\r\n"):
        return None
    if below.strip() != below.strip(b"\r\n"):  # a last line of spaces is a row
        return None
    rows = numbers(below)
    if rows is None:
        return None
    header = _text(first).removesuffix("\r").split(",")
    width = len(header)
    begin = {text[:1] for text in header}
    if not 1 < width <= MAX_COLUMNS or not begin.isdisjoint(_NO_NAME):
        return None
    if any(map(str.isspace, begin)) or (not begin.isdisjoint("iI") and not _is_text(header)):
        return None
    if ABSENT_TEXT.issuperset(header) or not all(type(row) is list for row in rows):
        return None
    if set(map(len, rows)) != {width}:  # type: ignore[arg-type]
        return None
    names = _unique(header, name)
    return Side(dict(zip(names, zip(*rows, strict=True), strict=True)), len(rows))


def _is_text(header: Sequence[str]) -> bool:
    return _NUMBERS.isdisjoint(map(type, map(cell, header)))


def _columns(cells: Sequence[str], width: int, name: str, has_header: bool | None) -> Side:
    """Columns of rows of so many fields, MAX_NUMBERED at most."""
    rows = len(cells) // width
    first = [*map(cell, cells[:width])]
    below = [_values(cells[width + n :: width]) for n in range(width)] if rows > 1 else []
    if has_header or (has_header is None and _is_header(first, below)):
        names: Sequence[str] = _unique(cells[: min(width, MAX_COLUMNS)], name)
        left_out = (width - len(names)) * (rows - 1)
        return Side(dict(zip(names, below, strict=False)), rows - 1, left_out)
    names = numbered(name, width) if width > 1 else (name,)
    columns = [[top, *under] for top, under in zip_longest(first, below, fillvalue=())]
    return Side(dict(zip(names, columns, strict=True)), rows)


def numbers(raw: bytes) -> Sequence[list[int | float]] | Sequence[int | float] | None:
    """The rows of text that is nothing but numbers as JSON writes them, or None.

    A row of one number is that number. Measured: read as a JSON document, 1,000 × 10 numbers take
    a tenth of the time that a CSV reader and float() take. Without a bracket or a quote in it no
    text reads as other rows.
    """
    if b"[" in raw or b'"' in raw:
        return None
    lines = raw.strip().replace(b"\r\n", b"\n")
    try:
        if b"," not in lines:
            return _one_each(b"[" + lines.replace(b"\n", b",") + b"]") or None
        found = _numbers(b"[[" + lines.replace(b"\n", b"],[") + b"]]")
    except (ValueError, RecursionError):
        return None
    return found if all(found) else None


def cell(text: str) -> Value:
    """A field's value: a number, a text, or None where it says that there is none."""
    text = text.strip()
    if text in ABSENT_TEXT:
        return None
    number = _number(text) if text[0] in _BEGIN else None
    return cut(text) if number is None else number


def _number(text: str) -> float | int | None:
    try:
        if text.lstrip("+-").isdecimal() and len(text) <= LONGEST_INTEGER:
            return int(text)
        return float(text) if "_" not in text else None  # Python's own way to write 1_000
    except ValueError:
        return None


def _fields(raw: bytes) -> tuple[list[str], list[int]]:
    """All fields, row by row, and how many each row has: a list a row, kept, would have the
    collector look at half a million of them again and again."""
    cells: list[str] = []
    lengths: list[int] = []
    try:
        for row in csv.reader(StringIO(_text(raw), newline="")):
            if row:
                cells += row
                lengths.append(len(row))
                if len(cells) > MAX_CELLS:
                    raise Refused("too_large", _MANY)
    except csv.Error as error:
        raise Refused("too_large", f"CSV: {error}") from None
    return cells, lengths


def _even(cells: Sequence[str], lengths: Sequence[int], width: int) -> list[str]:
    """The fields of rows that all have so many: cut, or filled up with empty ones."""
    found: list[str] = []
    begin = 0
    for length in lengths:
        found += cells[begin : begin + min(length, width)]
        found += [""] * (width - length)
        begin += length
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("malformed", "CSV that is not UTF-8 text") from None


def _values(texts: Sequence[str]) -> Sequence[Value]:
    """A column's values. Numbers as JSON writes them are read at once."""
    with suppress(ValueError, RecursionError):
        found = _one_each("[" + ",".join(texts) + "]")
        if len(found) == len(texts):
            return found
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
    if len(set(header)) == len(header) and all(map(_is_plain, header)):
        return [*header]
    names: list[str] = []
    seen: set[str] = set()
    for n, text in enumerate(header):
        wanted = text.strip()[: MAX_NAME - LONGEST_NUMBER] or f"{name}-{n}"
        names.append(f"{wanted}.{n}" if wanted in seen else wanted)
        seen.add(wanted)
    return names


_is_plain = re.compile(rf"(?! )[ -~]{{1,{MAX_NAME - LONGEST_NUMBER}}}(?<! )", re.ASCII).fullmatch
"""Whether a name can be kept as it is."""
