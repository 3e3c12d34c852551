"""The last day as a file's bytes, for the next observer or the next Outrider.

Rule: exact or not at all: what is damaged or of another version is a ValueError. Bounded on both
sides.
"""

from __future__ import annotations

import zlib

import msgspec
import numpy as np
from msgspec import Struct

from agent.drift.state.saved import Array, packed_array, unpacked_array
from agent.drift.state.sealed import opened, sealed
from agent.history.columns import MAX_COLUMNS, Columns, Key
from agent.history.events import MAX_TEXT, MOST, Event
from agent.history.recorder import STEPS, Kept

MAGIC = b"outrider history 1\n"
MAX_FILE = 16 << 20
MAX_BYTES = 24 << 20
"""Unpacked."""


class SavedTraffic(Struct, array_like=True):
    """See `recorder.Kept`."""

    identity: str
    read_at: float
    sums: Array
    head: int
    rows: Array
    seconds: Array
    active: Array


class SavedColumns(Struct, array_like=True):
    """See `columns.Columns`; the arrays have a row a key."""

    head: int
    keys: list[Key]
    seen: list[int]
    ratio: Array
    missing: Array


class SavedDay(Struct):
    """All that a `day.Day` knows."""

    traffic: SavedTraffic
    columns: SavedColumns
    events: list[Event]
    restarts: dict[str, int]
    references: list[tuple[str, str, str]]
    """Model, version and the reference's hash."""


def packed(day: SavedDay) -> bytes:
    """As a file's bytes; takes up to a tenth of a second, which another thread may spend."""
    return sealed(MAGIC, zlib.compress(msgspec.msgpack.encode(day), 1))


def unpacked(raw: bytes) -> SavedDay:
    """From a file's bytes. Raises ValueError."""
    data = opened(MAGIC, raw, "history")
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, MAX_BYTES)
    except zlib.error as problem:
        raise ValueError(str(problem)) from None
    if not unpacker.eof:
        raise ValueError(f"it has more than {MAX_BYTES} bytes, or its end is missing")
    day = msgspec.msgpack.decode(plain, type=SavedDay)
    if len(day.events) > MOST or any(len(event.text) > MAX_TEXT for event in day.events):
        raise ValueError("its events are too many, or too long")
    if not all(0 <= head < 1 << 32 for head in (day.traffic.head, day.columns.head)):
        raise ValueError("its steps are of no time")
    return day


def of_traffic(kept: Kept) -> SavedTraffic:
    """As plain values."""
    arrays = map(packed_array, (kept.rows, kept.seconds, kept.active))
    return SavedTraffic(kept.identity, kept.read_at, packed_array(kept.sums), kept.head, *arrays)


def to_traffic(saved: SavedTraffic) -> Kept:
    """Raises ValueError."""
    size = saved.sums[1]
    if len(size) != 1:
        raise ValueError(f"sums of {size}")
    return Kept(
        saved.identity,
        saved.read_at,
        unpacked_array(saved.sums, size, np.int64),
        saved.head,
        unpacked_array(saved.rows, (STEPS, *size), np.int64),
        unpacked_array(saved.seconds, (STEPS,), np.float64),
        unpacked_array(saved.active, (STEPS,), np.int64),
    )


def of_columns(columns: Columns) -> SavedColumns:
    """As plain values."""
    places = np.array([*columns.places.values()], dtype=np.int64)
    return SavedColumns(
        columns.head,
        [*columns.places],
        [columns.seen[key] for key in columns.places],
        packed_array(columns.ratio[places]),
        packed_array(columns.missing[places]),
    )


def to_columns(saved: SavedColumns) -> Columns:
    """Raises ValueError."""
    shape = (len(saved.keys), STEPS)
    if len(saved.keys) > MAX_COLUMNS or len({*saved.keys}) != len(saved.seen):
        raise ValueError("its columns are too many, or not told apart")
    columns = Columns()
    ratio = unpacked_array(saved.ratio, shape, np.float32)
    missing = unpacked_array(saved.missing, shape, np.float32)
    columns.resume(saved.head, dict(zip(saved.keys, saved.seen, strict=True)), ratio, missing)
    return columns
