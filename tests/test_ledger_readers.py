"""Whoever reads the counts meanwhile, from any process, sees each number and each key whole."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterator

from agent.ledger import DURATIONS, SERIES_OTHER, WORKER, Caps, Ledger, Table
from tests.signals.ledgers import KEY, count

SMALL = Caps(series=4, routes=3)


class Watched:
    """Words of a table that show what a reader finds around each store."""

    def __init__(self, table: Table, fresh) -> None:
        self._words, self._fresh = table.words, fresh
        self.seen: list[list[tuple[str, ...]]] = []
        table.words = self

    def __getitem__(self, at):
        return self._words[at]

    def __setitem__(self, at, value) -> None:
        self.seen.append([made for _, made in self._fresh().used()])
        self._words[at] = value
        self.seen.append([made for _, made in self._fresh().used()])


def test_a_reader_never_sees_a_used_row_without_its_whole_key():
    ledger = Ledger(1)
    table = ledger.worker(0).series
    watched = Watched(table, lambda: ledger.worker(0).series)
    table.row(KEY)
    assert watched.seen == [[SERIES_OTHER], [SERIES_OTHER, KEY]]


HALVES = {0x0000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF}
"""No bit in common: a mixture of the two is neither."""


def child(work: Callable[[], None]) -> int:
    """A forked process that does `work` and nothing else; its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def running(pid: int) -> Iterator[None]:
    """Once and again until the process has ended; it must end well."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        yield
    assert os.waitpid(pid, 0)[1] == 0


def test_a_reader_in_another_process_sees_each_number_whole():
    ledger = Ledger(1)
    counters = ledger.worker(0).counters
    at = WORKER["observed"]

    def write() -> None:
        for _ in range(200_000):
            for value in HALVES:
                counters[at] = value
        counters[at] = 7

    seen: set[int] = set()
    for _ in running(child(write)):
        seen.update([counters[at] for _ in range(1000)])
    assert seen <= HALVES | {7}
    assert counters[at] == 7


def test_what_a_dead_process_counted_stays():
    ledger = Ledger(1)

    def work() -> None:
        region = ledger.worker(0)
        region.counters[WORKER["observed"]] += 5
        count(ledger, 0, KEY, times=3)
        os._exit(9)

    assert os.waitstatus_to_exitcode(os.waitpid(child(work), 0)[1]) == 9
    count(ledger, 0, KEY, times=2)
    assert ledger.counter("observed") == 5
    assert sum(ledger.series()[KEY].counts) == 5


def test_counts_only_grow_while_a_writer_writes():
    """Each scrape of a histogram has at least what the one before had, in every bucket."""
    ledger = Ledger(1, caps=SMALL)

    def write() -> None:
        for _ in range(300):
            for duration in (0.0001, 0.5, 1000.0):
                count(ledger, 0, duration=duration)

    last = [0] * (len(DURATIONS) + 1)
    for _ in running(child(write)):
        seen = ledger.series().get(KEY)
        if seen is not None:
            assert all(b >= a for a, b in zip(last, seen.counts, strict=True))
            last = seen.counts
    got = ledger.series()[KEY].counts
    assert got[0] == got[bisect_left(DURATIONS, 0.5)] == got[-1] == 300
