"""Files of rows as batches of named columns: CSV, JSON Lines and Parquet.

Rule: one batch in memory at a time; what cannot be read is a `TableError` that says where.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from agent.decode.payload import MAX_STRING, Columns, Refused, Value, from_rows

BATCH = 5000
"""Rows read at once."""
ABSENT_TEXT = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"))
"""CSV fields that stand for a missing value, as pandas reads them."""
SUFFIXES = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


class TableError(Exception):
    """A file of rows that cannot be read."""


class Batch(NamedTuple):
    """Some rows; a column may be shorter than `rows` only by being absent."""

    columns: Columns
    rows: int


def format_of(path: Path) -> str:
    """The format by the file's name. Raises TableError."""
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        names = ", ".join(SUFFIXES)
        raise TableError(f"{path}: the name does not end in {names}; say --format csv (or …)")
    return found


def batches(path: Path, form: str, arrays: bool = False) -> Iterator[Batch]:
    """The rows of a file, in order. Raises TableError.

    `arrays`: a column of numbers or of times that the format knows as such is an array of floats,
    NaN where it is missing; times are seconds since the epoch.
    """
    readers: dict[str, Callable[[Path], Iterator[Batch]]] = {
        "csv": _csv,
        "jsonl": _json_lines,
        "parquet": partial(_parquet, arrays=arrays),
    }
    try:
        yield from readers[form](path)
    except OSError as problem:
        raise TableError(f"{path}: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise TableError(f"{path}: not UTF-8 text ({problem.reason})") from None


def _csv(path: Path) -> Iterator[Batch]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        try:
            names = next(reader, [])
            if not names:
                raise TableError(f"{path}: empty; the first line must name the columns")
            if len(set(names)) < len(names):
                raise TableError(f"{path}: line 1 names a column twice")
            while rows := list(islice(reader, BATCH)):
                yield _csv_batch(path, names, [row for row in rows if row], reader.line_num)
        except csv.Error as problem:
            raise TableError(f"{path}: line {reader.line_num}: {problem}") from None


def _csv_batch(path: Path, names: list[str], rows: list[list[str]], line: int) -> Batch:
    for row in rows:
        if len(row) != len(names):
            raise TableError(
                f"{path}: a row of {len(row)} fields for {len(names)} columns, "
                f"before line {line + 1}: {','.join(row)[:60]}"
            )
    columns: Columns = {
        name: [None if text in ABSENT_TEXT else text[:MAX_STRING] for text in column]
        for name, column in zip(names, zip(*rows, strict=True), strict=bool(rows))
    }
    return Batch(columns, len(rows))


def _json_lines(path: Path) -> Iterator[Batch]:
    with path.open("rb") as file:
        numbered = enumerate(file, 1)
        while lines := list(islice(numbered, BATCH)):
            rows = [_json_row(path, number, line) for number, line in lines if line.strip()]
            try:
                side = from_rows(rows, "value")
            except Refused:
                raise TableError(f"{path}: rows of too many different columns") from None
            yield Batch(side.columns, side.rows)


def _json_row(path: Path, number: int, line: bytes) -> object:
    with suppress(ValueError, RecursionError):
        return msgspec.json.decode(line)
    try:
        row = json.loads(line)  # reads NaN, which Python writes
        json.dumps(row, ensure_ascii=False).encode()  # and half a surrogate pair, which is no text
    except (ValueError, RecursionError) as problem:
        raise TableError(f"{path}: line {number}: not JSON ({problem})") from None
    return row


def _parquet(path: Path, *, arrays: bool) -> Iterator[Batch]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise TableError(
            f"{path}: Parquet needs pyarrow, which is not installed: "
            f"pip install 'outrider[parquet]'"
        ) from None
    try:
        read = _array_or_plain if arrays else _plain
        for part in parquet.ParquetFile(path).iter_batches(batch_size=BATCH):
            columns: Any = {name: read(part.column(name)) for name in part.schema.names}
            yield Batch(columns, part.num_rows)
    except pyarrow.ArrowException as problem:
        raise TableError(f"{path}: not Parquet ({problem})") from None


def _array_or_plain(column: Any) -> Any:
    import pyarrow
    from pyarrow import compute

    kind = column.type
    if pyarrow.types.is_timestamp(kind):
        micros = compute.cast(column, pyarrow.timestamp("us", tz=kind.tz), safe=False)
        found = compute.cast(compute.cast(micros, pyarrow.int64()), pyarrow.float64(), safe=False)
        return found.to_numpy(zero_copy_only=False) / 1e6
    if pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind):
        return compute.cast(column, pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False)
    return _plain(column)


def _plain(column: object) -> list[Value]:
    """Arrow values as cells; dates, decimals and the like by their text."""
    values = column.to_pylist()  # type: ignore[attr-defined]
    return [v if v is None or isinstance(v, (float, int, str)) else str(v) for v in values]


def spooled(raw: BinaryIO, to: Path) -> None:
    """Copies a stream to a file, because a profile reads its rows twice."""
    with to.open("wb") as file:
        while piece := raw.read(1 << 20):
            file.write(piece)
