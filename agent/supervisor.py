"""The supervisor: opens sockets and ledger, forks the workers and the observer, keeps them alive.

Rule: one thread, no event loop, nothing heavy loaded when it forks. Whatever it does not do
cannot fail: it serves no request and reads no payload.

Theory. A child that dies is started again, at once the first time and then with growing pauses.
A child whose heartbeat in the ledger has not moved for ten of the supervisor's own ticks is hung
and killed; ticks are counted, not seconds, so that a throttled pod is not mistaken for a hung
one. SIGTERM: the workers drain and end, then the observer sends what is left and ends. A second
SIGTERM ends all at once.
"""

from __future__ import annotations

import logging
import os
import resource
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import FrameType

import httptools  # noqa: F401  loaded before the fork, so that every worker starts warm
import uvloop  # noqa: F401
from setproctitle import setproctitle

from agent.config import Config
from agent.ledger import OBSERVER, WORKER, Ledger
from agent.proxy import worker
from agent.proxy.worker import QUICK_STOP, Inherited
from agent.signals import selflog
from agent.sockets import PortTaken, listen, listen_local
from agent.telemetry import Telemetry

TICK = 1.0
"""Seconds."""
HUNG_TICKS = 10
STARTING_TICKS = 60
"""Ticks that a child has for its first heartbeat."""
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 10.0
"""Seconds before a child that died again is started again."""
SETTLED = 30.0
"""Seconds of life after which a death counts as the first."""
KILLED = 128
FILES = 1 << 16
"""Descriptors that a process may open, if the hard limit lets it."""
PR_SET_PDEATHSIG = 1


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

    def count(self, name: str) -> None:
        self.counters[self.index[name]] += 1


def run(config: Config, telemetry: Telemetry) -> int:
    """Runs the sidecar until it is told to end. Gives the exit status: 2 if a port is taken."""
    try:
        supervisor = Supervisor(config, telemetry)
    except PortTaken as taken:
        print(f"outrider: {taken}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"outrider: {error}", file=sys.stderr)
        return 2
    return supervisor.run()


class Supervisor:
    """See the module."""

    def __init__(self, config: Config, telemetry: Telemetry) -> None:
        self._config = config
        _check_files(config)
        self._listeners = listen("listen", config.listen, config.workers)
        self._health = listen("health", config.health, config.workers)
        self._admin = listen("admin", config.admin.listen, 1)[0]
        self._bus, address = listen_local()
        self._ledger = Ledger(config.workers, config.metrics.buckets)
        self._children: list[Child] = []
        for number in range(config.workers):
            inherited = Inherited(
                number, self._listeners[number], self._health[number], address, self._ledger
            )
            region = self._ledger.worker(number)
            self._children.append(
                Child(
                    "worker",
                    number,
                    lambda i=inherited: worker.run(config, telemetry, i),  # type: ignore[misc]
                    region.counters,
                    WORKER,
                )
            )
        self._children.append(
            Child("observer", 0, self._observe(telemetry), self._ledger.observer, OBSERVER)
        )
        self._log = selflog.make(os.environ.get("OTEL_SERVICE_NAME", "outrider"), config.logs.level)
        self._wake, self._woken = socket.socketpair()
        self._asked: list[int] = []
        self._ticked = monotonic()
        self._stopping_since = 0.0
        self._quick = False

    def _observe(self, telemetry: Telemetry) -> Callable[[], None]:
        def main() -> None:
            from agent.observer import main as observer

            observer.run(self._config, telemetry, self._ledger, self._bus, self._admin)

        return main

    def _say(self, level: str, message: str, **fields: object) -> None:
        self._log.log(getattr(logging, level.upper()), message, extra=fields)

    # ---- the loop

    def run(self) -> int:
        """Until told to end; 0 after a drain, 128 + signal if ended at once."""
        setproctitle("outrider: supervisor")
        _raise_file_limit()
        self._catch_signals()
        self._say(
            "info", "outrider starts", upstream=str(self._config.upstream), **self._addresses()
        )
        self._tell_fewer_connections()
        while True:
            self._start_due()
            self._wait()
            self._reap()
            if self._asked:
                number = self._asked.pop(0)
                if self._stopping_since:
                    return self._end_at_once(number)
                self._stop(number)
            if self._stopping_since and self._stopped():
                self._say("info", "outrider has ended")
                return 0
            self._watch()

    def _tell_fewer_connections(self) -> None:
        wanted = self._config.limits.connections
        fit = worker.connections_that_fit(wanted)
        if fit < wanted * 0.95:  # a few less than the default are not worth a line
            files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            self._say(
                "warning",
                f"limits.connections = {wanted}, but with {files} open files at most (ulimit -n, "
                f"LimitNOFILE) a worker takes {fit}: raise that limit, or lower this setting",
            )

    def _addresses(self) -> dict[str, str]:
        shown = {"listen": self._listeners[0], "admin": self._admin, "health": self._health[0]}
        return {name: _shown(*sock.getsockname()[:2]) for name, sock in shown.items()}

    def _catch_signals(self) -> None:
        for sock in (self._wake, self._woken):
            sock.setblocking(False)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked.append(number)

    def _wait(self) -> None:
        if self._asked:
            return
        due = [c.start_at - monotonic() for c in self._children if not c.pid and not c.stopped]
        timeout = max(min([TICK, *due]), 0.0)
        if self._stopping_since:
            timeout = min(timeout, 0.05)
        try:
            select.select([self._wake], [], [], timeout)
            self._wake.recv(4096)
        except (BlockingIOError, InterruptedError):
            pass

    # ---- children

    def _start_due(self) -> None:
        if self._stopping_since:
            return
        for child in self._children:
            if not child.pid and child.start_at <= monotonic():
                self._fork(child)

    def _fork(self, child: Child) -> None:
        child.beat, child.missed = child.counters[child.index["heartbeat"]], 0
        child.alive = False
        child.started = monotonic()
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            pid = os.fork()
        except OSError as error:
            pid = -1
            child.start_at = monotonic() + BACKOFF_LAST
            self._say("error", f"the {child.name} cannot be started: {error}")
        if pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            child.pid = max(pid, 0)
            return
        status = 1
        try:
            self._become(child, parent)
            child.main()
            status = 0
        except BaseException:  # a child must never return into the supervisor
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _become(self, child: Child, parent: int) -> None:
        """In the child: signals and sockets that are not its own are let go."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        _die_with_parent(parent)
        setproctitle(f"outrider: {child.name}")
        self._wake.close()
        self._woken.close()
        mine = {self._bus, self._admin}
        if child.role == "worker":
            mine = {self._listeners[child.number], self._health[child.number]}
        for sock in (*self._listeners, *self._health, self._admin, self._bus):
            if sock not in mine:
                sock.close()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for child in self._children:
                if child.pid == pid:
                    self._died(child, os.waitstatus_to_exitcode(status))

    def _died(self, child: Child, code: int) -> None:
        child.pid = 0
        for gauge in ("ready", "draining"):
            if gauge in child.index:
                child.counters[child.index[gauge]] = 0
        if self._stopping_since:
            child.stopped = True
            if code:
                self._say("warning", f"the {child.name} ended with status {code}")
            return
        if child.role == "worker":
            self._ledger.worker(child.number).zero_gauges()
        if monotonic() - child.started > SETTLED:
            child.pause = 0.0
        child.start_at = monotonic() + child.pause
        self._say(
            "error",
            f"the {child.name} died ({_cause(code)}); it is started again",
            pause_s=child.pause,
        )
        child.pause = min(max(child.pause * 2, BACKOFF_FIRST), BACKOFF_LAST)
        child.count("restarts")

    def _watch(self) -> None:
        """Counts missed heartbeats, once a tick of ours; kills what is hung."""
        if monotonic() - self._ticked < TICK:
            return
        self._ticked = monotonic()
        for child in self._children:
            beat = child.counters[child.index["heartbeat"]]
            if not child.pid or beat != child.beat:
                child.alive = child.alive or bool(child.pid)
                child.beat, child.missed = beat, 0
                continue
            child.missed += 1
            if child.missed >= (HUNG_TICKS if child.alive else STARTING_TICKS):
                self._say("error", f"the {child.name} is hung; it is killed", ticks=child.missed)
                child.missed = 0
                os.kill(child.pid, signal.SIGKILL)

    # ---- the end

    def _stop(self, number: int) -> None:
        self._stopping_since = monotonic()
        self._quick = number == signal.SIGINT
        self._say("info", "outrider drains: not ready, serving on", delay_s=self._delay())
        for sock in self._listeners:
            sock.close()
        for child in self._children:
            child.stopped = child.stopped or not child.pid
        self._signal("worker", QUICK_STOP if self._quick else signal.SIGTERM)

    def _delay(self) -> float:
        return 0.0 if self._quick else self._config.drain.delay

    def _signal(self, role: str, number: int) -> None:
        for child in self._children:
            if child.pid and child.role == role:
                os.kill(child.pid, number)

    def _stopped(self) -> bool:
        """Whether all have ended; tells the observer when the workers have."""
        drain = self._config.drain
        workers = [c for c in self._children if c.role == "worker" and not c.stopped]
        late = monotonic() - self._stopping_since - self._delay() - drain.grace
        if workers:
            if late > drain.flush + 2:
                self._signal("worker", signal.SIGKILL)
            return False
        observers = [c for c in self._children if c.role == "observer" and not c.stopped]
        for child in observers:
            if not child.told:
                child.told = monotonic()
                os.kill(child.pid, signal.SIGTERM)
            elif monotonic() - child.told > drain.flush + 2:
                os.kill(child.pid, signal.SIGKILL)
        return not observers

    def _end_at_once(self, number: int) -> int:
        self._say("warning", "told to end again: ending at once")
        for role in ("worker", "observer"):
            self._signal(role, signal.SIGKILL)
        for child in self._children:
            if child.pid:
                os.waitpid(child.pid, 0)
        return KILLED + number


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _raise_file_limit() -> None:
    """A connection is two descriptors; the soft limit is often 1,024 for old programs' sake."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _cause(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"status {code}"


def _check_files(config: Config) -> None:
    """Certificates are read once before anything starts, so that a bad one is told at once."""
    try:
        worker.client_tls(config)
    except OSError as error:
        raise OSError(f"tls: {config.tls.cert}, {config.tls.key}: {error}") from None
    try:
        worker.upstream_tls(config)
    except OSError as error:
        raise OSError(f"upstream_tls: {error}") from None


def _die_with_parent(parent: int) -> None:
    """Asks the kernel for SIGTERM when the supervisor dies, where the kernel has that."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
