"""Parquet files as batches of columns.

Rule: numbers stay arrays from the file to the counts; null and NaN are both missing, as the
libraries that write such files mix them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from agent.decode.payload import MAX_NUMBERED, Refused, cut, from_rows
from agent.drift.reference.coded import Coded
from agent.drift.reference.sketch import Values
from agent.drift.reference.vectors import numbered
from agent.drift.rows.batch import BATCH, Batch, TableError, Told, unique
from agent.drift.vectors.groups import MIN_SIZE

EXACT = 1 << 53
"""Whole numbers up to here are exact as float64; those of a longer id stay whole numbers."""

DISTINCT = 4
"""Rows a text, from which a batch's column is coded. Measured: 0.5 of the time to count it."""


def parquet_batches(path: Path, told: Told, times: str = "") -> Iterator[Batch]:
    """The rows of a file, in order; the column `times` in seconds since the epoch, if it is one.

    Raises TableError, OSError.
    """
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise TableError(
            f"{path}: Parquet needs pyarrow, which is not installed: "
            f"pip install 'outrider[parquet]'"
        ) from None
    try:
        # Buffered ahead, what was read of a file is held to its end: all of it.
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            names = unique(path, "the schema", file.schema_arrow.names)
            read, rows = 0, max(1, file.metadata.num_rows)
            for part in file.iter_batches(batch_size=BATCH):
                columns: dict[str, Values] = {}
                for name, column in zip(names, part.columns, strict=True):
                    if name == times and pyarrow.types.is_timestamp(column.type):
                        columns[name] = _seconds(pyarrow, column)
                    else:
                        columns |= _columns(pyarrow, name, column)
                read += part.num_rows
                told(read / rows)
                yield Batch(columns, part.num_rows)
    except pyarrow.ArrowException as problem:
        raise TableError(f"{path}: not Parquet ({problem})") from None
    except Refused:
        raise TableError(f"{path}: lists or structs of too many values") from None


def _columns(pyarrow: Any, name: str, column: Any) -> dict[str, Values]:
    """One column, or those that a list or a struct becomes, named as in traffic."""
    types = pyarrow.types
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_nested(column.type):
        vectors = _vectors(pyarrow, name, column)
        if vectors is not None:
            return vectors
        rows = [{name: value} for value in column.to_pylist()]
        return {**from_rows(rows, name).columns}
    return {name: _plain(pyarrow, column)}


def _seconds(pyarrow: Any, column: Any) -> Values:
    micros = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
    whole = micros.cast(pyarrow.int64()).cast(pyarrow.float64(), safe=False)
    return np.asarray(whole.to_numpy(zero_copy_only=False), dtype=np.float64) / 1e6


def _vectors(pyarrow: Any, name: str, column: Any) -> dict[str, Values] | None:
    """A column of lists of numbers, all as long, as arrays; None if they are none, or short."""
    types = pyarrow.types
    is_list = types.is_list(column.type) or types.is_large_list(column.type)
    if not is_list and not types.is_fixed_size_list(column.type):
        return None
    kind = column.type.value_type
    if not types.is_floating(kind) and not types.is_integer(kind):
        return None
    known = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    lengths = set(column.value_lengths().drop_null().to_pylist())
    if len(lengths) != 1 or not MIN_SIZE <= max(lengths) <= MAX_NUMBERED:
        return None
    size = lengths.pop()
    numbers = column.flatten().cast(pyarrow.float64(), safe=False)
    matrix = np.full((size, len(column)), np.nan)
    matrix[:, known] = numbers.to_numpy(zero_copy_only=False).reshape(-1, size).T
    return dict(zip(numbered(name, [size]), matrix, strict=True))


def _plain(pyarrow: Any, column: Any) -> Values:
    """Arrow values as cells; dates and the like by their text."""
    types, kind = pyarrow.types, column.type
    if types.is_decimal(kind):
        column, kind = column.cast(pyarrow.float64()), pyarrow.float64()
    if types.is_floating(kind) or (types.is_integer(kind) and _is_exact(column)):
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    if types.is_timestamp(kind):  # Python has no nanoseconds
        column = column.cast(pyarrow.timestamp("us", kind.tz), safe=False)
    if types.is_string(kind) or types.is_large_string(kind):
        return _texts(column)
    values = column.to_pylist()
    if types.is_boolean(kind) or types.is_integer(kind):
        return list(values)
    return [v if v is None else cut(str(v)) for v in values]


def _texts(column: Any) -> Values:
    coded = column.dictionary_encode()
    names = [cut(name) for name in coded.dictionary.to_pylist()]
    if len(names) > len(column) // DISTINCT:
        return [v if v is None else cut(v) for v in column.to_pylist()]
    codes = coded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    return Coded(codes.astype(np.int64), [*names, None])


def _is_exact(column: Any) -> bool:
    """Whether all its whole numbers are exact as float64."""
    import pyarrow.compute as compute

    ends = compute.min_max(column).as_py()
    return all(end is None or -EXACT <= end <= EXACT for end in ends.values())
