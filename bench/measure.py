"""One load on one contestant, and the CPU that a request cost.

Start afresh, warm up, let it rest; read its CPU; load it; wait until all that it owes has arrived
and it rests again; read its CPU.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench import cpu, evidence, load
from bench.contestants import Contestant, Running, running
from bench.evidence import Evidence
from bench.load import Load
from bench.processes import BenchError
from bench.rig import Rig, say

PATIENCE = 12.0
"""Seconds to wait for what is owed; longer than any sink's usual interval."""

WARM = 8000
"""Requests before the measured ones: more than the rows that a reference is learned from."""

WARM_LIMIT = 3
"""Seconds to serve them in."""

LEARN_LIMIT = 15
"""The same for who learns a reference: before it has one its columns are not counted."""

WARM_CONNECTIONS = 16
"""Whatever the question: one alone would take long."""

STARVED = 4
"""Loads in a row without one answer until the contestant, not a busy machine, is to blame."""

NOISE = 0.05
"""Share of the contestant's core from which on others are worth a word, and another try."""


@dataclass(frozen=True)
class Measurement:
    """One load's outcome."""

    contestant: str
    load: Load
    parts: dict[str, float]
    """CPU seconds of each process, by `pid role`."""
    evidence: Evidence
    lacking: dict[str, int]
    others: float
    """Share of the contestant's core that others kept busy while it was loaded."""
    asked_rate: float | None = None
    """Requests a second that wrk was told to keep to, or None: as fast as it goes."""
    busy: float = 1.0
    """Share of its cores that the contestant itself used under load: below 1, something else was
    what held the rate back."""

    @property
    def us(self) -> float:
        """CPU µs a request."""
        return sum(self.parts.values()) * 1e6 / self.load.requests

    def us_of(self, role: str) -> float:
        """Of these, what processes of a role used."""
        mine = (used for name, used in self.parts.items() if name.split(" ", 1)[1] == role)
        return sum(mine) * 1e6 / self.load.requests

    @property
    def holds(self) -> bool:
        """Nothing dropped, nothing failed."""
        return not self.lacking and self.load.failed == 0


def warm(rig: Rig, one: Running) -> None:
    """Serve `WARM` requests, or what a slow contestant can in the time that it has."""
    served = 0
    for _ in range(LEARN_LIMIT if one.contestant.learns else WARM_LIMIT):
        served += load.wrk(
            one.launch.port,
            seconds=1,
            connections=WARM_CONNECTIONS,
            core=rig.settings.other_core,
            ids=rig.settings.ids,
        ).requests
        if served >= WARM:
            return


def _wait_for(rig: Rig, one: Running, before: Evidence, requests: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        lacking = evidence.outside(rig, one).since(before).lacking(one.contestant, requests)
        if not lacking.keys() - {"rows"}:
            return
        time.sleep(0.5)


def measure(rig: Rig, contestant: Contestant, rate: float | None = None) -> Measurement:
    """The first quiet one of a few loads. What is chosen by is the noise, never the figure."""
    tried: list[Measurement] = []
    while len(tried) < rig.settings.tries and all(one.others > NOISE for one in tried):
        tried.append(once(rig, contestant, rate))
    return min(tried, key=lambda one: one.others)


def once(rig: Rig, contestant: Contestant, rate: float | None = None) -> Measurement:
    """A fresh start of the contestant under load, closed (no rate) or at `rate` requests/s."""
    with running(rig, contestant) as one:
        if rig.settings.partial:
            say(f"{contestant.name} is process {one.process.pid}, port {one.launch.port}")
        warm(rig, one)
        return loaded(rig, one, rig.settings.connections, rate)


def _at_rest(rig: Rig, one: Running) -> Evidence:
    """What arrived so far, of a contestant that rests, also from being asked."""
    cpu.settle(one.process.pid)
    seen = evidence.complete(rig, one)
    if one.contestant.rows:
        cpu.settle(one.process.pid)
    return seen


@dataclass(frozen=True)
class _Driven:
    """A load that has just ended; CPU of each process before it, seconds of core by whom in it."""

    load: Load
    used: dict[str, float]
    own: float
    others: float


def _drive(rig: Rig, one: Running, connections: int, rate: float | None) -> _Driven:
    settings, pid = rig.settings, one.process.pid
    cores = settings.cores(one.contestant.workers)
    for _ in range(STARVED):
        used, busy = cpu.by_process(pid), sum(map(cpu.busy, cores))
        done = load.wrk(
            one.launch.port,
            seconds=settings.seconds,
            connections=connections,
            core=settings.other_core,
            rate=rate,
            ids=settings.ids,
        )
        own = cpu.seconds(pid) - sum(used.values())
        if done.requests:
            return _Driven(done, used, own, sum(map(cpu.busy, cores)) - busy - own)
    said = one.errors.read_text(errors="replace")[-2000:]
    raise BenchError(f"{one.contestant.name} answered nothing\n{said}")


def loaded(rig: Rig, one: Running, connections: int, rate: float | None = None) -> Measurement:
    """A load on a contestant that is up and warm. Raises BenchError if it answers nothing."""
    contestant, pid = one.contestant, one.process.pid
    before = _at_rest(rig, one)
    driven = _drive(rig, one, connections, rate)
    done, used = driven.load, driven.used
    _wait_for(rig, one, before, done.requests)
    cpu.settle(pid)
    parts = {name: after - used.get(name, 0.0) for name, after in cpu.by_process(pid).items()}
    arrived = evidence.complete(rig, one).since(before)
    capacity = done.seconds * len(rig.settings.cores(contestant.workers))
    result = Measurement(
        contestant.name,
        done,
        parts,
        arrived,
        arrived.lacking(contestant, done.requests),
        max(0.0, driven.others) / capacity,
        rate,
        min(1.0, driven.own / capacity),
    )
    _tell(result)
    return result


def _tell(result: Measurement) -> None:
    say(
        f"{result.contestant:18} {result.us:7.1f} µs/request  {result.load.rate:8.0f}/s"
        + "".join(f"  {role} {result.us_of(role):.1f}" for role in ("worker", "observer"))
        + (f"  others {result.others:.0%} of its core" if result.others > NOISE else "")
        + (f"  failed {result.load.failed}" if result.load.failed else "")
        + (f"  missing {result.lacking}" if result.lacking else "")
    )


def holding(rig: Rig, contestant: Contestant, rate: float | None) -> Measurement:
    """Like `measure`, but if something was dropped, at the highest rate at which nothing is.

    The rate is sought among the tenths of the one that failed; below a tenth the failure itself
    is returned.
    """
    failed = result = measure(rig, contestant, rate)
    if result.holds:
        return result
    low, high = 0, 10
    while high - low > 1:
        middle = (low + high) // 2
        trial = measure(rig, contestant, failed.load.rate * middle / 10)
        if trial.holds:
            low, result = middle, trial
        else:
            high = middle
    return result


def rounds(rig: Rig, field: list[Contestant]) -> dict[str, list[Measurement]]:
    """All contestants in turn, `settings.rounds` times; each keeps to the rate it held before."""
    results: dict[str, list[Measurement]] = {one.name: [] for one in field}
    rates: dict[str, float | None] = {}
    for turn in range(rig.settings.rounds):
        say(f"round {turn + 1} of {rig.settings.rounds}")
        for contestant in field:
            result = holding(rig, contestant, rates.get(contestant.name))
            rates[contestant.name] = result.asked_rate
            results[contestant.name].append(result)
    return results
