"""One process that the supervisor keeps alive, and what a process is right after its fork."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from setproctitle import setproctitle

from agent import orders

PR_SET_PDEATHSIG = 1
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 10.0
"""Seconds before a child that died again is started again."""
SETTLED = 30.0
"""Seconds of life after which a death counts as the first."""


@dataclass(slots=True)
class Child:
    """One process that is kept alive. `start_at` is when to start it if it is not running."""

    role: str
    number: int
    main: Callable[[], None]
    counters: memoryview
    index: dict[str, int]
    pid: int = 0
    start_at: float = 0.0
    started: float = 0.0
    pause: float = 0.0
    beat: int = -1
    missed: int = 0
    alive: bool = False
    told: float = 0.0
    """When it was told to end; monotonic seconds."""
    stopped: bool = False

    @property
    def name(self) -> str:
        return self.role if self.role == "observer" else f"worker {self.number}"

    @property
    def ready(self) -> bool:
        return bool(self.pid and self.counters[self.index["ready"]])

    def fork(self, prepare: Callable[[], None]) -> None:
        """Starts it: in the child, `prepare` and then its own work. Raises OSError.

        The child hears no orders before it says so (`orders.hear`).
        """
        self.beat, self.missed = self.counters[self.index["heartbeat"]], 0
        self.alive = False
        self.started = monotonic()
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, orders.ALL)
        try:
            pid = os.fork()
        except OSError:
            orders.hear()
            self.start_at = monotonic() + BACKOFF_LAST
            raise
        if not pid:
            self._live(prepare, parent)
        orders.hear()
        self.pid = pid

    def _live(self, prepare: Callable[[], None], parent: int) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _die_with_parent(parent)
            setproctitle(f"outrider: {self.name}")
            prepare()
            self.main()
            status = 0
        except BaseException:  # a child must never return into the supervisor
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def died(self) -> float:
        """It is to be started again: at once if it had lived for a while, else after a pause.

        Gives the seconds of that pause.
        """
        if monotonic() - self.started > SETTLED:
            self.pause = 0.0
        pause = self.pause
        self.start_at = monotonic() + pause
        self.pause = min(max(pause * 2, BACKOFF_FIRST), BACKOFF_LAST)
        self.counters[self.index["restarts"]] += 1
        return pause

    def missed_beats(self) -> int:
        """How many of the supervisor's ticks in a row have seen no new heartbeat, this one too."""
        beat = self.counters[self.index["heartbeat"]]
        if not self.pid or beat != self.beat:
            self.alive = self.alive or bool(self.pid)
            self.beat, self.missed = beat, 0
        else:
            self.missed += 1
        return self.missed


def _die_with_parent(parent: int) -> None:
    """Asks the kernel for SIGTERM when the supervisor dies, where the kernel has that."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
