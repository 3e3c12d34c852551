"""Exact counts in shared memory: what stays true whoever dies.

Rule: one writer a region. Each worker adds in place to a region of its own, each observer has
one for what it accepted and finished, and anyone may read all of them at any time.

Theory. The supervisor makes one anonymous shared mapping before it forks. Every number in it is
an aligned 8-byte slot, read and written through native `memoryview.cast('Q')` or `'d'`, so that
a reader sees the old value or the new one and never half of each. A row (a series or a route) is
found by its key bytes; they are written before the row's used-mark, so that a reader never sees
a used row without its key. Row 0 of each table is `other` and exists from the start: when a
table is full, counts go there and none is lost. A histogram's count is the sum of its buckets;
its sum may lag by one request. A restarted worker finds its rows by reading the keys back and
keeps counting; gauges are zeroed by the supervisor first.

Generations (see `agent.supervision.takeover`). A supervisor that takes over from a running one
maps the same file. At most two generations run at once. Each writes a `Place` of its own: a run of
workers' regions and one of the two observers'. The newer one takes the lowest run that the older
one does not write, lengthening the file if it must, so whose workers had those regions have long
ended: its own workers go on counting there as a restarted worker does. So no count is copied or
added up at a handover, no region is ever given back, and there are never more than three times as
many as there were workers at once. Sums are over all regions of the file, whoever wrote them last.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from agent.regions import (
    ABORTED_BY,
    CAPS,
    DURATIONS,
    HISTOGRAMS,
    KEY_BYTES,
    OBSERVER,
    OBSERVER_COUNTERS,
    OTHER,
    REASONS,
    ROUTE_FIELDS,
    ROUTE_HISTOGRAMS,
    ROUTE_OTHER,
    SERIES_OTHER,
    WORD,
    WORKER,
    WORKER_COUNTERS,
    Caps,
    Histogram,
    Layout,
    RouteKey,
    SeriesKey,
    Table,
    WorkerRegion,
    observe,
)

_K = TypeVar("_K")

REGIONS = 1024
"""How many workers' regions a ledger can have; the sequence numbers of each have their word."""
_OBSERVERS = 2
_OWN = len(OBSERVER_COUNTERS)
_HEADER = (_OBSERVERS * _OWN + REGIONS) * WORD
"""The observers' words and those of the sequence numbers, in bytes; the regions follow."""
_OBSERVER_GAUGES = ("ready", "shed", "reference_refused")
_FATES = ("handed", "dropped_full", "dropped_away", "dropped_killed")
"""What becomes of a record that a worker made."""


class Place(NamedTuple):
    """What one generation writes: `workers` regions from the index `first`, and an observer's."""

    first: int
    workers: int
    observer: int

    def beside(self, workers: int) -> Place:
        """Where a generation of so many workers writes while this one still does."""
        first = 0 if self.first >= workers else self.first + self.workers
        return Place(first, workers, 1 - self.observer)


class Ledger:
    """All regions. Made by the supervisor before it forks; `fd` is -1 without memfd.

    With `running`, the place of the generation that is to be taken over, it is the ledger of the
    file `fd`. `place` is where this generation writes. Raises ValueError if that is too far off.
    """

    def __init__(
        self,
        workers: int,
        buckets: Mapping[str, tuple[float, ...]] | None = None,
        caps: Caps = CAPS,
        *,
        fd: int | None = None,
        running: Place | None = None,
    ) -> None:
        self.layout = Layout(buckets or {}, caps)
        self.workers = workers
        self.place = running.beside(workers) if running else Place(0, workers, 0)
        end = self.place.first + workers
        if end > REGIONS:
            raise ValueError(f"{workers} workers beside those that run are too many")
        if fd is None:
            fd = os.memfd_create("outrider-ledger") if hasattr(os, "memfd_create") else -1
        self.fd = fd
        if fd >= 0:
            weakref.finalize(self, os.close, fd).atexit = False
        self._size = _HEADER + end * self.layout.worker_size
        if fd >= 0:
            self._size = max(self._size, os.fstat(fd).st_size)
            os.truncate(fd, self._size)
        self._map()
        words = self._memory[:_HEADER].cast("Q")
        self._observers = [words[n * _OWN : (n + 1) * _OWN] for n in range(_OBSERVERS)]
        self.observer = self._observers[self.place.observer]
        """This generation's observer's counters, by `OBSERVER[name]`; it alone writes them."""
        self._done = words[_OBSERVERS * _OWN :]
        self.done = self._done[self.place.first : end]
        """For each worker, the sequence number after its last record that was finished."""
        self.zero_gauges(self.place)
        for n in range(workers):
            region = self.worker(n)
            region.series.row(SERIES_OTHER)
            region.routes.row(ROUTE_OTHER)

    def _map(self) -> None:
        """Maps the whole file; what was made of an older mapping keeps that one, and its truth."""
        self._memory = memoryview(mmap.mmap(self.fd, self._size))
        count = (self._size - _HEADER) // self.layout.worker_size
        self._regions = [self._region(n) for n in range(count)]

    def _region(self, index: int) -> WorkerRegion:
        start = _HEADER + index * self.layout.worker_size
        return WorkerRegion(self._memory[start : start + self.layout.worker_size], self.layout)

    def regions(self) -> list[WorkerRegion]:
        """Every region, those too that a later generation has added."""
        if self.fd >= 0 and (size := os.fstat(self.fd).st_size) > self._size:
            self._size = size
            self._map()
        return self._regions

    def worker(self, number: int) -> WorkerRegion:
        """One of this generation's workers' regions, its keys read afresh; that worker's alone."""
        return self._region(self.place.first + number)

    def zero_gauges(self, place: Place) -> None:
        """For the supervisor, before a generation starts to write there or once it has ended."""
        for n in range(place.workers):
            self._region(place.first + n).zero_gauges()
        for name in _OBSERVER_GAUGES:
            self._observers[place.observer][OBSERVER[name]] = 0

    def settle(self, place: Place) -> None:
        """For the supervisor, once nobody of the generation that wrote there is left.

        What it had in hand when it ended, if it was killed, is counted as lost at last.
        """
        self.zero_gauges(place)
        observer = self._observers[place.observer]
        for n in range(place.first, place.first + place.workers):
            counters = self._region(n).counters
            unsent = counters[WORKER["observed"]] - sum(counters[WORKER[to]] for to in _FATES)
            counters[WORKER["dropped_killed"]] += unsent
            handed = counters[WORKER["handed"]]
            observer[OBSERVER["lost"]] += max(handed - self._done[n], 0)
            self._done[n] = handed

    def counter(self, name: str) -> int:
        """One of WORKER_COUNTERS, summed over all regions."""
        return sum(region.counters[WORKER[name]] for region in self.regions())

    def observer_counter(self, name: str) -> int:
        """One of OBSERVER_COUNTERS that is no gauge, summed over the generations' observers."""
        return sum(words[OBSERVER[name]] for words in self._observers)

    def series(self) -> dict[SeriesKey, Histogram]:
        """Durations of requests by their labels, summed over all regions."""
        bounds = self.layout.bounds["duration"]
        out: dict[SeriesKey, Histogram] = {}
        for region in self.regions():
            table = region.series
            for row, key in table.used():
                _add(out, SeriesKey(*key), table, row, bounds)
        return out

    def route_histograms(self, name: str) -> dict[RouteKey, Histogram]:
        """One of ROUTE_HISTOGRAMS by route and model, summed over all regions."""
        bounds, offset = self.layout.bounds[name], self.layout.histogram_at[name]
        out: dict[RouteKey, Histogram] = {}
        for region in self.regions():
            table = region.routes
            for row, key in table.used():
                _add(out, RouteKey(*key), table, row + offset, bounds)
        return out

    def route_counts(self, name: str) -> dict[RouteKey, int]:
        """One of ROUTE_FIELDS (`active`, or a reason of failure), summed over all regions."""
        offset = ROUTE_FIELDS.index(name)
        out: dict[RouteKey, int] = {}
        for region in self.regions():
            table = region.routes
            for row, key in table.used():
                route = RouteKey(*key)
                out[route] = out.get(route, 0) + table.words[row + offset]
        return out


def _add(
    out: dict[_K, Histogram], key: _K, table: Table, at: int, bounds: tuple[float, ...]
) -> None:
    counts = list(table.words[at : at + len(bounds) + 1])
    total = table.floats[at + len(bounds) + 1]
    if key in out:
        known = out[key]
        counts = [a + b for a, b in zip(known.counts, counts, strict=True)]
        total += known.sum
    out[key] = Histogram(bounds, counts, total)


__all__ = [
    "ABORTED_BY",
    "CAPS",
    "DURATIONS",
    "HISTOGRAMS",
    "KEY_BYTES",
    "OBSERVER",
    "OBSERVER_COUNTERS",
    "OTHER",
    "REASONS",
    "ROUTE_FIELDS",
    "ROUTE_HISTOGRAMS",
    "ROUTE_OTHER",
    "SERIES_OTHER",
    "WORKER",
    "WORKER_COUNTERS",
    "Caps",
    "Histogram",
    "Layout",
    "Ledger",
    "Place",
    "RouteKey",
    "SeriesKey",
    "Table",
    "WorkerRegion",
    "observe",
]
