"""How much is simulated, how a break loses little, and how results are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from scipy import stats

from bench import report
from bench.chart import Chart
from bench.settings import Settings as Bench

T, R = TypeVar("T"), TypeVar("R")
DONE = Path(__file__).parents[1] / ".drift"
"""What has been found so far: a file a part, a line a task; `--resume` does not do them again."""
GROUP = 20
"""Sequences that are simulated together."""


@dataclass(frozen=True)
class Settings:
    """See `python -m bench.drift --help`."""

    sequences: int
    repetitions: int
    peer_windows: int
    processes: int
    only: tuple[str, ...]
    command: str
    resume: bool = False
    """What an earlier run found stands."""
    found_only: bool = False
    """And nothing else is looked for: a table of what there is."""

    def wanted(self, name: str) -> bool:
        return not self.only or any(part in name for part in self.only)

    def each(
        self, part: str, tasks: dict[str, T], work: Callable[[T], R]
    ) -> Iterator[tuple[str, Any]]:
        """`work` of each task, in some processes, as plain data; kept as it is found."""
        file = DONE / f"{part}.jsonl"
        known = _read(file) if self.resume or self.found_only else {}
        todo = {name: task for name, task in tasks.items() if name not in known}
        yield from ((name, known[name]) for name in tasks if name in known)
        if self.found_only:
            return
        for name, found in zip(todo, self._map(work, todo.values()), strict=True):
            plain = json.loads(json.dumps(found, default=_plain))
            DONE.mkdir(exist_ok=True)
            with file.open("a") as out:
                out.write(json.dumps([name, plain]) + "\n")
            yield name, plain

    def sequences_of(
        self,
        part: str,
        name: str,
        count: int,
        work: Callable[[Sequence[int]], Any],
        group: int = GROUP,
    ) -> list[dict[str, Any]]:
        """`work` of so many seeds, some together: what each sequence gave."""
        tasks = groups(name, count, group)
        found = dict(self.each(part, tasks, work))
        return [one for task in tasks for one in found.get(task, [])]

    def _map(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        if self.processes <= 1:
            yield from map(work, items)
            return
        with ProcessPoolExecutor(self.processes) as pool:
            yield from pool.map(work, items)

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


def groups(name: str, count: int, size: int = GROUP) -> dict[str, list[int]]:
    """Tasks of so many seeds each, of `count` in all."""
    parts = [list(range(i, min(i + size, count))) for i in range(0, count, size)]
    return {f"{name}: {each[0]} to {each[-1]}": each for each in parts}


def _read(file: Path) -> dict[str, Any]:
    lines = file.read_text().splitlines() if file.exists() else []
    return dict(json.loads(line) for line in lines)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def upper(events: int) -> float:
    """Poisson: the 95 % upper bound of the expected number, one-sided (Garwood 1936)."""
    return float(stats.chi2.ppf(0.95, 2 * events + 2) / 2)


def clustered_upper(alarms: Sequence[int]) -> float:
    """The same of the alarms in all sequences, each of which may raise one after another: copies
    of a column, or an unlucky reference. Sequences with any are Poisson's events."""
    some = [count for count in alarms if count]
    return upper(len(some)) * (sum(some) / len(some) if some else 1.0)
