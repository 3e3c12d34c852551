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

import gc
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from time import monotonic
from types import FrameType
from typing import NoReturn

import httptools  # noqa: F401  loaded before the fork, so that every worker starts warm
import uvloop  # noqa: F401
from setproctitle import setproctitle

from agent import scratch
from agent.config import Config
from agent.ledger import CAPS, OBSERVER, WORKER, Layout, Ledger
from agent.orders import QUICK_STOP, SWITCH
from agent.proxy import worker
from agent.proxy.worker import Inherited
from agent.settings.telemetry import Telemetry
from agent.signals import selflog
from agent.supervision import preflight
from agent.supervision.child import Child
from agent.supervision.sockets import Ports, PortTaken, listen_local, open_ports, resolve, share
from agent.supervision.succession import Succession
from agent.supervision.takeover import Heir, Refused, claim

TICK = 1.0
"""Seconds."""
HUNG_TICKS = 10
STARTING_TICKS = 60
"""Ticks that a child has for its first heartbeat."""
PATIENCE = 30.0
"""Seconds, over the length of a drain, for a running one that is busy with another takeover."""
KILLED = 128


def run(config: Config, telemetry: Telemetry, takeover: bool = False) -> int:
    """Runs the sidecar until it is told to end, in the place of a running one if `takeover`.

    Gives the exit status: 2 if a port is taken or the takeover does not come about.
    """
    log = selflog.make(os.environ.get("OTEL_SERVICE_NAME", "outrider"), config.logs.level)
    try:
        preflight.check_files(config)
        heir = _claim(config, log) if takeover else None
        supervisor = Supervisor(config, telemetry, log, heir)
        return supervisor.run()
    except (PortTaken, Refused, OSError, ValueError) as error:
        print(f"outrider: {'--takeover: ' * isinstance(error, Refused)}{error}", file=sys.stderr)
        return 2


class Supervisor:
    """See the module."""

    def __init__(
        self, config: Config, telemetry: Telemetry, log: logging.Logger, heir: Heir | None
    ) -> None:
        self._config = config
        self._log = log
        estate = heir.estate if heir else None
        given = Ports(estate.listen, estate.health, estate.admin) if estate else None
        workers = config.workers
        self._ports = open_ports(config.listen, config.health, config.admin.listen, workers, given)
        self._ledger = Ledger(
            workers,
            config.metrics.buckets,
            fd=estate.ledger if estate else None,
            running=estate.place if estate else None,
        )
        self._succession = Succession(heir, self._ports, self._ledger, self._say)
        self._scratch = None if config.state_dir else scratch.make()
        self._bus, address = listen_local()
        self._children: list[Child] = []
        for number in range(workers):
            inherited = Inherited(
                number,
                share(self._ports.listen, number, workers),
                share(self._ports.health, number, workers),
                address,
                self._ledger,
            )
            region = self._ledger.worker(number)
            main = self._work(telemetry, inherited)
            self._children.append(Child("worker", number, main, region.counters, WORKER))
        self._children.append(
            Child("observer", 0, self._observe(telemetry), self._ledger.observer, OBSERVER)
        )
        self._wake, self._woken = socket.socketpair()
        self._asked: list[int] = []
        self._ticked = monotonic()
        self._stopping_since = 0.0
        self._told = False
        self._quick = self._replaced = False

    def _work(self, telemetry: Telemetry, inherited: Inherited) -> Callable[[], None]:
        def main() -> None:
            worker.run(self._config, telemetry, inherited, self._succession.waits)

        return main

    def _observe(self, telemetry: Telemetry) -> Callable[[], None]:
        def main() -> None:
            from agent.observer import main as observer

            waits = self._succession.waits
            admin, folder = self._ports.admin, self._scratch
            observer.run(self._config, telemetry, self._ledger, self._bus, admin, waits, folder)

        return main

    def _say(self, level: str, message: str, **fields: object) -> None:
        self._log.log(getattr(logging, level.upper()), message, extra=fields)

    # ---- the loop

    def run(self) -> int:
        """Until told to end; 0 after a drain, 128 + signal if ended at once.

        Raises Refused if the takeover does not come about; no process is left then.
        """
        try:
            return self._run()
        finally:
            scratch.remove(self._scratch)

    def _run(self) -> int:
        setproctitle("outrider: supervisor")
        preflight.raise_file_limit()
        self._catch_signals()
        self._say(
            "info", "outrider starts", upstream=str(self._config.upstream), **self._ports.shown()
        )
        if told := preflight.fewer_connections(self._config.limits.connections):
            self._say("warning", told)
        # Children share the pages that they inherit until somebody writes to them, and a collector
        # writes to all that it looks at: 4 MB less of 86 in all, with every sink on.
        gc.collect()
        gc.freeze()
        while True:
            self._start_due()
            self._wait()
            self._reap()
            if self._asked:
                number = self._asked.pop(0)
                if self._told:
                    return self._end_at_once(number)
                self._told = True
                self._stop(number)
            if self._stopping_since:
                if self._stopped():
                    self._say("info", "outrider has ended")
                    return 0
            elif self._succession.waits:
                self._take_over()
            elif self._succession.look():
                self._hand_over()
            self._watch()

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
        if self._stopping_since or self._succession.waits:
            timeout = min(timeout, 0.05)
        try:
            select.select([self._wake, *self._succession.watched()], [], [], timeout)
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
        try:
            child.fork(lambda: self._let_go(child))
        except OSError as error:
            self._say("error", f"the {child.name} cannot be started: {error}")

    def _let_go(self, child: Child) -> None:
        """In the child: sockets that are not its own are closed."""
        mine = {self._bus, self._ports.admin}
        if child.role == "worker":
            number, workers = child.number, self._config.workers
            mine = {*share(self._ports.listen, number, workers)}
            mine |= {*share(self._ports.health, number, workers)}
        for sock in (self._wake, self._woken, self._bus, *self._ports.all()):
            if sock not in mine:
                sock.close()
        self._succession.let_go()

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
        if self._succession.waits:
            self._give_up(f"the {child.name} died ({_cause(code)}); the running one serves on")
        if child.role == "worker":
            self._ledger.worker(child.number).zero_gauges()
        pause = child.died()
        self._say(
            "error",
            f"the {child.name} died ({_cause(code)}); it is started again",
            pause_s=pause,
        )

    def _watch(self) -> None:
        """Counts missed heartbeats, once a tick of ours; kills what is hung."""
        if monotonic() - self._ticked < TICK:
            return
        self._ticked = monotonic()
        for child in self._children:
            missed = child.missed_beats()
            if missed >= (HUNG_TICKS if child.alive else STARTING_TICKS):
                self._say("error", f"the {child.name} is hung; it is killed", ticks=missed)
                child.missed = 0
                os.kill(child.pid, signal.SIGKILL)

    # ---- one generation after another: see `agent.supervision.takeover`

    def _take_over(self) -> None:
        """Once all are ready they serve, and the generation before is told. Raises Refused."""
        if not all(child.ready for child in self._children):
            return
        try:
            self._succession.agree()
        except Refused as refused:
            self._give_up(str(refused))
        for role in ("worker", "observer"):
            self._signal(role, SWITCH)
        self._succession.commit()

    def _give_up(self, why: str) -> NoReturn:
        self._kill()
        raise Refused(why)

    def _hand_over(self) -> None:
        """The next generation serves: no new connections, and the end of those there are."""
        self._replaced = True
        self._begin_end("outrider is replaced: it ends what is in flight")
        for role in ("worker", "observer"):
            self._signal(role, SWITCH)

    # ---- the end

    def _stop(self, number: int) -> None:
        if self._stopping_since:  # replaced, and draining already
            return
        self._quick = number == signal.SIGINT
        self._begin_end("outrider drains: not ready, serving on")
        self._signal("worker", QUICK_STOP if self._quick else signal.SIGTERM)

    def _begin_end(self, why: str) -> None:
        self._stopping_since = monotonic()
        self._say("info", why, delay_s=self._delay())
        self._succession.end()
        for sock in self._ports.all():
            sock.close()
        for child in self._children:
            child.stopped = child.stopped or not child.pid

    def _delay(self) -> float:
        if self._replaced:
            return max(self._config.drain.delay, worker.KEPT)
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
        self._kill()
        return KILLED + number

    def _kill(self) -> None:
        for role in ("worker", "observer"):
            self._signal(role, signal.SIGKILL)
        for child in self._children:
            if child.pid:
                os.waitpid(child.pid, 0)


def _claim(config: Config, log: logging.Logger) -> Heir | None:
    """What the running one hands over; None if none runs. Raises Refused."""
    data_port = resolve(config.listen)[2]
    if not data_port[1]:
        raise Refused("listen has port 0: give the port of the running one")
    drain = config.drain
    layout = Layout(config.metrics.buckets, CAPS).digest
    heir = claim(
        data_port,
        layout,
        drain.delay + drain.grace + drain.flush + PATIENCE,
        lambda level, text: log.log(getattr(logging, level.upper()), text),
    )
    if heir is None:
        log.info(f"no outrider serves {config.listen}, so there is none to take over from")
    return heir


def _cause(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"status {code}"
