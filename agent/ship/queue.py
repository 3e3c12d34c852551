"""What waits to be sent: records, and a bounded queue of them in memory.

Rule: the bound is in bytes; over it the oldest go first, and are counted.

`Queue` is what a sender needs of any store. A batch that was taken stays in the store, and in
its bound, until it is acknowledged; so that a store on disk can give it out again after a crash.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Protocol

Labels = tuple[tuple[str, str], ...]
"""Names and values, in the order in which they are to be shown."""

RECORD_COST = 200
"""Bytes that a record costs beside its data: tuple, integers, its place in the queue."""


class Record(NamedTuple):
    """One thing to send; `ship` does not know what it means."""

    timestamp_ns: int
    """Since the epoch."""
    data: bytes
    labels: Labels = ()
    """Few values; what a store indexes by."""
    metadata: Labels = ()
    """Any values; what a store keeps beside the data."""
    units: int = 1
    """How many of the sink's units (spans, lines) `data` holds."""


class Queue(Protocol):
    """A bounded first-in first-out store of records."""

    @property
    def records(self) -> int:
        """Units held, those taken included."""

    @property
    def size(self) -> int:
        """Bytes held, those taken included."""

    @property
    def oldest_ns(self) -> int | None:
        """Timestamp of the oldest record held."""

    def put(self, records: Iterable[Record]) -> int:
        """Adds records; gives how many units were dropped to make room."""

    def take(self, max_bytes: int, max_records: int) -> list[Record]:
        """The oldest records not yet taken: at least one if there is any."""

    def ack(self) -> None:
        """Everything taken is done with, sent or given up."""


class MemoryQueue:
    """`Queue` in memory, at most `limit` bytes of data and bookkeeping."""

    def __init__(self, limit: int = 16 << 20) -> None:
        self._limit = limit
        self._waiting: deque[Record] = deque()
        self._taken: list[Record] = []
        self.records = 0
        self.size = 0

    @property
    def oldest_ns(self) -> int | None:
        """Timestamp of the oldest record held."""
        if self._taken:
            return self._taken[0].timestamp_ns
        return self._waiting[0].timestamp_ns if self._waiting else None

    def put(self, records: Iterable[Record]) -> int:
        """Adds records; gives how many units were dropped to make room."""
        for record in records:
            self._waiting.append(record)
            self.records += record.units
            self.size += len(record.data) + RECORD_COST
        dropped = 0
        while self.size > self._limit and self._waiting:
            dropped += self._forget(self._waiting.popleft())
        return dropped

    def take(self, max_bytes: int, max_records: int) -> list[Record]:
        """The oldest records not yet taken: at least one if there is any."""
        waiting, size, units = self._waiting, 0, 0
        batch: list[Record] = []
        while waiting:
            record = waiting[0]
            size += len(record.data)
            units += record.units
            if batch and (size > max_bytes or units > max_records):
                break
            batch.append(waiting.popleft())
        self._taken += batch
        return batch

    def ack(self) -> None:
        """Everything taken is done with, sent or given up."""
        for record in self._taken:
            self._forget(record)
        self._taken = []

    def _forget(self, record: Record) -> int:
        self.records -= record.units
        self.size -= len(record.data) + RECORD_COST
        return record.units
