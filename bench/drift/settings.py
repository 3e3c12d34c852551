"""How much is simulated, and how results are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from scipy import stats

from bench import report
from bench.chart import Chart
from bench.settings import Settings as Bench

T, R = TypeVar("T"), TypeVar("R")


@dataclass(frozen=True)
class Settings:
    """See `python -m bench.drift --help`."""

    sequences: int
    repetitions: int
    peer_windows: int
    processes: int
    only: tuple[str, ...]
    command: str

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """`work` of each item, in order, in some processes."""
        if self.processes <= 1:
            yield from map(work, items)
            return
        with ProcessPoolExecutor(self.processes) as pool:
            yield from pool.map(work, items)

    def wanted(self, name: str) -> bool:
        return not self.only or any(part in name for part in self.only)

    def write(
        self,
        part: str,
        title: str,
        tables: Sequence[report.Table],
        data: Any,
        charts: Sequence[Chart],
    ) -> None:
        """Prints, and unless only some were asked for writes the results."""
        bench = Bench(command=self.command, only=self.only)
        report.write(bench, None, f"drift-{part}", title, tables, data, charts)


def upper(events: int) -> float:
    """Poisson: the 95 % upper bound of the expected number, one-sided (Garwood 1936)."""
    return float(stats.chi2.ppf(0.95, 2 * events + 2) / 2)
