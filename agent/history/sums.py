"""The ledger as one row of sums, read so cheaply that it can be read often.

Rule: reads what `agent.ledger` counts and decides nothing but what is an error. Keys are decoded
once; then a reading adds up the tables as they stand, a few tens of microseconds for one worker.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agent.history.totals import Buckets, Totals
from agent.ledger import Ledger, SeriesKey, Table
from agent.tables import used, words

Sums = npt.NDArray[np.int64]
COUNTS = (
    "client_errors", "server_errors", "dropped", "shed", "worker_restarts", "observer_restarts",
    "rows",
)  # fmt: skip
AT = {name: n for n, name in enumerate(COUNTS)}
_DROPPED = ("dropped_full", "dropped_away", "dropped_killed")
_SHED = ("shed_sketches", "shed_payload_logs", "shed_logs", "shed_spans")
CLIENT, SERVER = 1, 2


def kind_of(status: str, error: str) -> int:
    """CLIENT or SERVER if a request ended as an error, else 0."""
    if status >= "500" or error.startswith("upstream"):
        return SERVER
    return CLIENT if status >= "400" or error.startswith("client") else 0


class Reader:
    """Reads one ledger. A row has `size` sums: COUNTS, then durations and overheads by bucket;
    `durations` and `overheads` are the buckets' upper bounds."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        bounds = ledger.layout.bounds
        self.durations, self.overheads = bounds["duration"], bounds["overhead"]
        self._kinds: list[list[int]] = []
        """Of the rows of each region's series."""
        self._overhead_at = ledger.layout.histogram_at["overhead"]
        self._first = len(COUNTS)
        self._second = self._first + len(self.durations) + 1
        self.size = self._second + len(self.overheads) + 1
        self.durations_at = slice(self._first, self._second)
        self.overheads_at = slice(self._second, self.size)

    def read(self) -> Sums:
        """All sums of this moment, but `rows`, which no ledger has."""
        ledger = self._ledger
        row = np.zeros(self.size, dtype=np.int64)
        for n, region in enumerate(ledger.regions()):
            if n == len(self._kinds):
                self._kinds.append([])
            self._add_series(row, region.series, self._kinds[n])
            routes = words(region.routes, used(region.routes, 0))
            at = self._overhead_at
            row[self.overheads_at] += _sum(routes[:, at : at + len(self.overheads) + 1])
        of, own = ledger.counter, ledger.observer_counter
        row[AT["dropped"]] = sum(map(of, _DROPPED)) + own("failed") + own("lost")
        row[AT["shed"]] = max(map(own, _SHED))
        row[AT["worker_restarts"]] = of("restarts")
        row[AT["observer_restarts"]] = own("restarts")
        return row

    def _add_series(self, row: Sums, table: Table, kinds: list[int]) -> None:
        rows = used(table, len(kinds))
        if rows > len(kinds):
            keys = [SeriesKey(*key) for _, key in table.used()]
            kinds[:] = [kind_of(key.status, key.error) for key in keys]
            rows = len(kinds)
        counts = words(table, rows)[:, : len(self.durations) + 1]
        of_kind = np.array(kinds)
        row[self.durations_at] += _sum(counts)
        row[AT["client_errors"]] += counts[of_kind == CLIENT].sum()
        row[AT["server_errors"]] += counts[of_kind == SERVER].sum()

    def requests(self) -> int:
        """All that were ever counted."""
        return int(self.read()[self.durations_at].sum())

    def active(self) -> int:
        """Requests that are under way."""
        return sum(
            int(words(region.routes, used(region.routes, 0))[:, 0].sum())
            for region in self._ledger.regions()
        )

    def totals(self, row: Sums, seconds: float) -> Totals:
        """A row, or the difference of two, as plain sums."""
        values = row.tolist()
        return Totals(
            seconds,
            **dict(zip(COUNTS, values, strict=False)),
            durations=Buckets(self.durations, tuple(values[self.durations_at])),
            overheads=Buckets(self.overheads, tuple(values[self.overheads_at])),
        )

    def is_new(self) -> bool:
        """Whether nobody has observed this ledger yet: all that it counts is of this process."""
        return self._ledger.observer_counter("heartbeat") == 0

    def identity(self) -> str:
        """Says whether sums read later, maybe by another process, are of the same ledger."""
        boot = ""
        with suppress(OSError):
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        if self._ledger.fd < 0 or not boot:
            return ""
        found = os.fstat(self._ledger.fd)
        return f"{boot}/{found.st_dev}/{found.st_ino}/{self._ledger.layout.digest}"


def _sum(block: npt.NDArray[np.uint64]) -> Sums:
    return np.asarray(block.sum(axis=0), dtype=np.int64)
