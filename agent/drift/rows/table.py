"""Files of rows as batches of named columns: CSV, JSON Lines and Parquet.

Rule: one batch in memory at a time; what cannot be read is a `TableError` that says where.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, AnyStr, BinaryIO

import msgspec

from agent.decode.payload import ABSENT_TEXT, Refused, cut, from_rows
from agent.drift.reference.sketch import Values
from agent.drift.rows.batch import BATCH, Batch, TableError, Told, quietly, unique
from agent.drift.rows.parquet import parquet_batches

__all__ = ["Batch", "TableError", "batches", "format_of", "spooled"]

MAX_FIELD = 16 << 20
"""Characters of a CSV field, of which the beginning is kept; a longer one is refused."""
MAX_LINE = 64 << 20
"""Of a line, in characters, or bytes of JSON; a longer one, as of /dev/zero, is refused."""
LINES_BYTES = 16 << 20
"""Of JSON Lines that are read at once: fewer rows than BATCH if they are long."""
SUFFIXES = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def format_of(path: Path) -> str:
    """The format by the file's name. Raises TableError."""
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        names = ", ".join(SUFFIXES)
        raise TableError(f"{path}: the name does not end in {names}; say --format csv (or …)")
    return found


def batches(path: Path, form: str, told: Told = quietly, times: str = "") -> Iterator[Batch]:
    """The rows of a file, in order; `told` hears how much is read. Raises TableError.

    `times`: a column that is wanted as seconds since the epoch, if the format knows it as times.
    """
    parquet = partial(parquet_batches, times=times)
    readers: dict[str, Callable[[Path, Told], Iterator[Batch]]] = {
        "csv": _csv,
        "jsonl": _json_lines,
        "parquet": parquet,
    }
    try:
        yield from readers[form](path, told)
    except OSError as problem:
        raise TableError(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise TableError(f"{path}: not UTF-8 text ({problem.reason})") from None


def _csv(path: Path, told: Told) -> Iterator[Batch]:
    size = max(1, path.stat().st_size)
    csv.field_size_limit(MAX_FIELD)
    with path.open("rb") as raw, TextIOWrapper(raw, "utf-8-sig", newline="") as file:
        reader = csv.reader(_lines(path, file, ""))
        try:
            names = unique(path, "line 1", next(reader, []))
            if not names:
                raise TableError(f"{path}: empty; the first line must name the columns")
            while rows := [[*map(cut, row)] for row in islice(reader, BATCH)]:
                told(raw.tell() / size)
                yield _csv_batch(path, names, [row for row in rows if row])
        except csv.Error as problem:
            raise TableError(f"{path}: line {reader.line_num}: {problem}") from None


def _csv_batch(path: Path, names: list[str], rows: list[list[str]]) -> Batch:
    for row in rows:
        if len(row) != len(names):
            raise TableError(
                f"{path}: line {_first_of_another_length(path, len(names))}: a row of {len(row)} "
                f"fields for {len(names)} columns: {','.join(row)[:60]}"
            )
    columns: dict[str, Values] = {
        name: [None if text in ABSENT_TEXT else text for text in column]
        for name, column in zip(names, zip(*rows, strict=True), strict=bool(rows))
    }
    return Batch(columns, len(rows))


def _first_of_another_length(path: Path, length: int) -> int:
    """The line on which such a row begins: read again, as counting would cost those without one."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        begins = 1
        for row in reader:
            if row and len(row) != length:
                break
            begins = reader.line_num + 1
    return begins


def _json_lines(path: Path, told: Told) -> Iterator[Batch]:
    size = max(1, path.stat().st_size)
    with path.open("rb") as file:
        numbered = enumerate(_lines(path, file, b""), 1)
        while lines := list(islice(_first(numbered), BATCH)):
            rows = [_json_row(path, number, line) for number, line in lines if line.strip()]
            told(file.tell() / size)
            yield from _json_batches(path, rows)


def _lines(path: Path, file: IO[AnyStr], end: AnyStr) -> Iterator[AnyStr]:
    """A file's lines, none of which may fill the memory; `end` is what it reads at its end."""
    for number, line in enumerate(iter(partial(file.readline, MAX_LINE), end), 1):
        if len(line) == MAX_LINE:
            raise TableError(f"{path}: line {number} is longer than {MAX_LINE:,} characters")
        yield line


def _first(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Those of LINES_BYTES, and one."""
    length = 0
    while length < LINES_BYTES and (line := next(lines, None)):
        length += len(line[1])
        yield line


def _json_batches(path: Path, rows: list[object]) -> Iterator[Batch]:
    """The rows as one batch, or more if they are too wide for that."""
    try:
        side = from_rows(rows, "value")
    except Refused:
        if len(rows) == 1:
            raise TableError(f"{path}: rows of too many different columns") from None
        middle = len(rows) // 2
        yield from _json_batches(path, rows[:middle])
        yield from _json_batches(path, rows[middle:])
    else:
        yield Batch({**side.columns}, side.rows)


def _json_row(path: Path, number: int, line: bytes) -> object:
    with suppress(ValueError, RecursionError):
        return msgspec.json.decode(line)
    try:
        row = json.loads(line)  # reads NaN, which Python writes
        json.dumps(row, ensure_ascii=False).encode()  # and half a surrogate pair, which is no text
    except (ValueError, RecursionError) as problem:
        raise TableError(f"{path}: line {number}: not JSON ({problem})") from None
    return row


def spooled(raw: BinaryIO, to: Path) -> None:
    """Copies a stream to a file, because a profile reads its rows twice."""
    with to.open("wb") as file:
        while piece := raw.read(1 << 20):
            file.write(piece)
