"""The model server's own processes: CPU, memory, open files, threads, age.

Rule: they are looked for when there is none, when one of them is gone, and once a minute; else only
what is known is read, a file a process. A pid alone is never believed: it must have started when
the known one did.

Theory. CPU time is that of all members and of the children that they waited for: a worker that ends
leaves its time to its parent, so the sum goes on. What is shown only rises: a sum that fell (a
worker whose time nobody took over) adds nothing, and a new server adds its own from the start.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import NamedTuple

from agent.signals.host.procfs import PROC, TICKS, Stat, open_files, read, stat_of, table
from agent.signals.host.upstream import Family, NotHere

SOON = 5.0
"""Seconds after which they are looked for again, as a server that just began starts its workers."""
LONGEST = 60.0
"""The same, once it doubled often enough."""
SHARE = 0.001
"""Of one core that searching may take in the long run: among thousands of processes that is more
seldom than LONGEST."""


class ModelProcess(NamedTuple):
    """Of all processes of the model server together."""

    pids: tuple[int, ...]
    name: str
    processes: int
    cpu_seconds: float
    """Never falls while the observer lives, though the server may be another by then."""
    own_cpu_seconds: float
    """Of the server that there is now, since it started."""
    memory: int
    """Resident; what processes share counts for each."""
    open_files: int | None
    """None where they may not be seen: another user's."""
    threads: int
    started: float
    """Seconds since the epoch, of the oldest that holds the socket."""


class ModelProcesses:
    """Follows them over time; `find` is `upstream.find` of the settings."""

    def __init__(
        self,
        find: Callable[[], Family | None],
        log: logging.Logger,
        proc: str = PROC,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        """`spent` gives CPU seconds of this thread."""
        self._find = find
        self._spent = spent
        self._log = log
        self._proc = proc
        self._family: Family | None = None
        self._elsewhere = False
        self._told = ""
        self._searched = -math.inf
        self._pause = 0.0
        """Seconds from one search to the next."""
        self._cpu = 0.0
        """Seconds, of this server and those before it."""
        self._own_cpu = 0.0
        self._last_cpu = 0.0
        self._booted = float(table(read(f"{proc}/stat")).get("btime", 0))

    def look(self, now: float) -> ModelProcess | None:
        """The figures of this moment; `now` is any clock in seconds that never goes back."""
        if self._elsewhere:
            return None
        stats = self._stats()
        if self._family is not None:
            if not self._family.roots.keys() <= stats.keys():
                self._pause = 0.0
            elif len(stats) < len(self._family.members):
                self._pause = min(self._pause, SOON)
        if now >= self._searched + self._pause:
            self._search(now)
            stats = self._stats()
        if self._family is None or not self._family.roots.keys() <= stats.keys():
            return None
        return self._sum(self._family, stats)

    def _stats(self) -> dict[int, Stat]:
        """Of each member that is still the same process."""
        members = self._family.members if self._family else {}
        found = {pid: stat_of(pid, self._proc) for pid in members}
        return {
            pid: stat
            for pid, stat in found.items()
            if stat is not None and stat.start == members[pid]
        }

    def _search(self, now: float) -> None:
        began = self._spent()
        before, self._family = self._family, self._found()
        self._searched = now
        longest = max(LONGEST, (self._spent() - began) / SHARE)
        family = self._family
        if family is None and before:
            self._pause = 1.0
        elif family and not (before and before.roots.items() & family.roots.items()):
            self._pause, self._own_cpu, self._last_cpu = SOON, 0.0, 0.0
        else:
            self._pause = min(2 * self._pause or 1.0, longest)

    def _found(self) -> Family | None:
        why = "no process that we may see listens there"
        found = None
        try:
            found = self._find()
        except NotHere as error:
            self._elsewhere, why = True, str(error)
        except OSError as error:
            why = str(error)
        if found is None and why != self._told:
            self._told = why
            self._log.debug(f"no figures of the model server's process: {why}")
        elif found is not None:
            self._told = ""
        return found

    def _sum(self, family: Family, stats: dict[int, Stat]) -> ModelProcess:
        cpu = sum(one.cpu + one.children_cpu for one in stats.values()) / TICKS
        more, self._last_cpu = max(0.0, cpu - self._last_cpu), cpu
        self._cpu += more
        self._own_cpu += more
        files = [open_files(pid, self._proc) for pid in stats]
        return ModelProcess(
            pids=tuple(stats),
            name=family.name,
            processes=len(stats),
            cpu_seconds=self._cpu,
            own_cpu_seconds=self._own_cpu,
            memory=sum(one.memory for one in stats.values()),
            open_files=None if None in files else sum(count or 0 for count in files),
            threads=sum(one.threads for one in stats.values()),
            started=self._booted + min(family.roots.values()) / TICKS,
        )
