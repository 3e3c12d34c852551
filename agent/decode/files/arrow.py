"""Arrow IPC, a stream or a file of record batches, where pyarrow is installed.

Rule: nothing of a body is trusted. It is checked whole before a value is read; compressed batches
are refused, as what they say they unpack to is made room for; types whose values may be many more
than their bytes (views, nested ones, run-end encoded) are left out and counted.

Source: Arrow's "IPC format" and "Security Considerations". Columns are named by the schema; one of
lists of numbers is a vector, `name-0` to `name-{d-1}`. An answer may be JSON instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Any

import numpy as np

from agent.decode.bodies.message import Message
from agent.decode.payload import MAX_CELLS, MAX_NUMBERED, Refused, Side, Value, cut
from agent.decode.shapes import answers
from agent.decode.shapes.binary import text
from agent.decode.shapes.cells import Cells
from agent.decode.shapes.tensors import Tensors

NAME = "arrow"
FILE, STREAM = b"ARROW1\0\0", b"\xff\xff\xff\xff"
KINDS = (b"application/vnd.apache.arrow.stream", b"application/vnd.apache.arrow.file")
_BATCH, _DICTIONARY = 3, 2
"""Of a message's header, its type."""
_COMPRESSED = "its batches are compressed; write them without, or compress the whole body"
_OLD_COMPRESSION = b"ARROW:experimental_compression"
_DAMAGED = (ValueError, LookupError, OverflowError, OSError, MemoryError, StructError)
_int, _word = Struct("<i").unpack_from, Struct("<H").unpack_from


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError:
        return None
    return pyarrow


def evidence(asked: Message) -> str:
    """Why a body is of this dialect; empty if it is not."""
    raw = asked.raw
    if not raw.startswith(FILE) and not (raw.startswith(STREAM) and asked.kind in KINDS):
        return ""
    return "begins as Arrow does"


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    return _side(asked.raw)


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer. Raises Refused."""
    return _side(answer.raw) if evidence(answer) else answers.read(answer, rows)


def _side(raw: bytes) -> Side:
    pyarrow = _pyarrow()
    if pyarrow is None:
        raise Refused("unsupported", "it takes pyarrow: pip install 'outrider[arrow]'")
    if raw.startswith(FILE):
        raw = raw[len(FILE) :]  # a file is a stream with an index after it
    try:
        return _columns(pyarrow, _batches(pyarrow, raw))
    except (pyarrow.ArrowException, *_DAMAGED):
        raise Refused("malformed", "damaged Arrow") from None


def _batches(pyarrow: Any, raw: bytes) -> list[Any]:
    """The checked batches of a stream."""
    _refuse_compressed(pyarrow, raw)
    found = []
    rows = 0
    with pyarrow.ipc.open_stream(raw) as reader:
        if len(reader.schema) > MAX_NUMBERED:
            raise Refused("too_large", f"more than {MAX_NUMBERED:,} columns")
        for batch in reader:
            batch.validate(full=True)
            rows += batch.num_rows
            if rows * max(1, batch.num_columns) > MAX_CELLS:
                raise Refused("too_large", f"more than {MAX_CELLS:,} values")
            found.append(batch)
    return found


def _refuse_compressed(pyarrow: Any, raw: bytes) -> None:
    """Raises Refused if a batch is compressed, which only the messages themselves say."""
    reader = pyarrow.ipc.MessageReader.open_stream(raw)
    while True:
        try:
            head = reader.read_next_message().metadata.to_pybytes()
        except StopIteration:
            return
        if _OLD_COMPRESSION in head:
            raise Refused("unsupported", _COMPRESSED)
        table = _int(head, 0)[0]
        kind = _slot(head, table, 1)
        header = _slot(head, table, 2)
        if not kind or not header or head[kind] not in (_BATCH, _DICTIONARY):
            continue
        batch = header + _int(head, header)[0]
        if head[kind] == _DICTIONARY:
            inner = _slot(head, batch, 1)
            batch = inner + _int(head, inner)[0] if inner else batch
        if _slot(head, batch, 3):
            raise Refused("unsupported", _COMPRESSED)


def _slot(head: bytes, table: int, field: int) -> int:
    """Where a field of a FlatBuffers table is; 0 if it is not there."""
    vtable = table - _int(head, table)[0]
    size: int = _word(head, vtable)[0]
    place = 4 + 2 * field
    offset: int = _word(head, vtable + place)[0] if place < size else 0
    return table + offset if offset else 0


def _columns(pyarrow: Any, batches: list[Any]) -> Side:
    found = Tensors()
    if not batches:
        return found.side()
    whole = pyarrow.Table.from_batches(batches)
    for name, column in zip(whole.column_names, whole.columns, strict=True):
        column = column.combine_chunks()
        rows = len(column)
        flat = _values(pyarrow, column)
        if flat is None:
            found.leave_out(rows)
        else:
            width = len(flat) // rows if rows else 0
            found.add(name, [rows, width], flat)
    return found.side()


def _values(pyarrow: Any, column: Any) -> Sequence[Value] | None:
    """The values of a column, of a vector's rows one after another; None if it is left out."""
    types, kind = pyarrow.types, column.type
    if types.is_dictionary(kind):
        names = _values(pyarrow, column.dictionary)
        if names is None or len(names) != len(column.dictionary):
            return None
        return [None if i is None else names[i] for i in column.indices.to_pylist()]
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        if column.null_count:
            return list(column.to_pylist())
        return Cells(np.asarray(column.to_numpy(zero_copy_only=False)))
    if types.is_string(kind) or types.is_large_string(kind):
        return [None if v is None else cut(v) for v in column.to_pylist()]
    if types.is_binary(kind) or types.is_large_binary(kind):
        return [None if v is None else text(v) for v in column.to_pylist()]
    if types.is_decimal(kind):
        return list(column.cast(pyarrow.float64()).to_pylist())
    if types.is_timestamp(kind):  # Python has no nanoseconds
        column = column.cast(pyarrow.timestamp("us", kind.tz), safe=False)
        return [None if v is None else str(v) for v in column.to_pylist()]
    if types.is_date(kind) or types.is_time32(kind):
        return [None if v is None else str(v) for v in column.to_pylist()]
    return _vectors(pyarrow, column)


def _vectors(pyarrow: Any, column: Any) -> Sequence[Value] | None:
    """A column of lists of numbers, all as long."""
    types, kind = pyarrow.types, column.type
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return None
    inner = kind.value_type
    if not (types.is_integer(inner) or types.is_floating(inner)) or column.null_count:
        return None
    flat = column.flatten()
    width = len(flat) // max(1, len(column))
    if types.is_fixed_size_list(kind):
        return _values(pyarrow, flat) if width else None
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    return _values(pyarrow, flat) if width and (lengths == width).all() else None
