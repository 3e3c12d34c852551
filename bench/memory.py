"""Memory as the sum of PSS of all processes: at rest, after many requests, with idle connections.

The kernel shares pages between forks; PSS divides each page among those that map it, so the sum
is what ending the contestant would free.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Any

from bench import contestants as who
from bench import cpu, load
from bench.chart import Bars, Lines
from bench.contestants import Contestant, running
from bench.processes import BenchError
from bench.report import Table, write
from bench.rig import Rig, say

CONNECTIONS = (100, 1000, 5000)
ROLES = ("worker", "observer")
LIMIT = 1e-4
"""Seconds for each request that is asked for; then the slow ones have had enough."""
SLICE = 5.0
"""Seconds of load between two looks."""


@dataclass
class Reading:
    """PSS in MB: sum, and by process."""

    total: float
    parts: dict[str, float]

    @classmethod
    def of(cls, pid: int) -> Reading:
        """Now, of a contestant's processes."""
        parts = cpu.pss(pid)
        return cls(sum(parts.values()), parts)

    def of_role(self, role: str) -> float | None:
        """The largest process of that role, or None."""
        sizes = [size for name, size in self.parts.items() if name.split(" ", 1)[1] == role]
        return max(sizes, default=None)


def _grow(rig: Rig, contestant: Contestant) -> dict[str, Any]:
    """At rest, then along `settings.requests` requests in slices, at rest after each."""
    settings = rig.settings
    with running(rig, contestant) as one:
        cpu.settle(one.process.pid)
        readings = [(0, Reading.of(one.process.pid))]
        served, until = 0, time.monotonic() + LIMIT * settings.requests
        while served < settings.requests and time.monotonic() < until:
            done = load.wrk(
                one.launch.port,
                seconds=SLICE,
                connections=settings.connections,
                core=settings.other_core,
            )
            if not done.requests:
                raise BenchError(f"{contestant.name} answered nothing")
            served += done.requests
            rig.received()
            cpu.settle(one.process.pid)
            readings.append((served, Reading.of(one.process.pid)))
    first, last = readings[0][1], readings[-1][1]
    say(f"{contestant.name:18} {first.total:6.1f} MB at rest, {last.total:6.1f} after {served}")
    return {"readings": readings, "served": served}


def _connect(port: int, held: list[socket.socket], count: int) -> None:
    """Open connections until `count` are held; each has had an answer and is kept."""
    while len(held) < count:
        connection = socket.create_connection(("127.0.0.1", port), 30)
        held.append(connection)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: model\r\n\r\n")
        if not connection.recv(1 << 16).startswith(b"HTTP/1.1 200"):
            raise BenchError(f"connection {len(held)} was not answered with 200")


def _hold(rig: Rig, contestant: Contestant) -> dict[int, Reading]:
    """At rest, by the number of idle connections."""
    held: list[socket.socket] = []
    readings = {}
    with running(rig, contestant) as one:
        _connect(one.launch.port, held, 8)  # what is loaded once
        cpu.settle(one.process.pid)
        readings[0] = Reading.of(one.process.pid)
        for count in CONNECTIONS:
            _connect(one.launch.port, held, count)
            cpu.settle(one.process.pid, still=0.5)
            readings[count] = Reading.of(one.process.pid)
        for connection in held:
            connection.close()
    grown = readings[CONNECTIONS[-1]].total - readings[0].total
    say(f"{contestant.name:18} +{grown:.1f} MB with {CONNECTIONS[-1]} connections")
    return readings


def _kilobytes(held: dict[int, Reading], count: int) -> float:
    """Of PSS a connection."""
    return (held[count].total - held[0].total) * 1e3 / count


def _table(field: list[Contestant], grown: dict[str, Any], held: dict[str, Any]) -> Table:
    rows = []
    for one in field:
        readings = grown[one.name]["readings"]
        (_, rest), (_, warm), (served, last) = readings[0], readings[1], readings[-1]
        row = [one.title, f"{rest.total:.1f}", f"{warm.total:.1f}", f"{last.total:.1f}"]
        row += [f"{served}"]
        row += [f"{size:.1f}" if size else "–" for size in map(last.of_role, ROLES)]
        rows.append(row + [f"{_kilobytes(held[one.name], count):.1f}" for count in CONNECTIONS])
    columns = ["contestant", "at rest", f"after the first {SLICE:g} s", "after all", "requests"]
    columns += [*ROLES, *(f"kB a connection, {count} idle" for count in CONNECTIONS)]
    note = "Read at rest after each load. Who serves less than "
    notes = [f"{note}{1 / LIMIT:g} requests a second has had fewer of them, in the same time."]
    return Table("MB of PSS, all processes", columns, rows, notes)


def memory(rig: Rig) -> None:
    """All of it, one contestant after the other."""
    field = who.chosen(rig, who.STANDING)
    grown = {one.name: _grow(rig, one) for one in field}
    held = {one.name: _hold(rig, one) for one in field}
    after = {one.title: [grown[one.name]["readings"][-1][1].total] for one in field}
    lines = {
        one.title: [(count, [held[one.name][count].total]) for count in CONNECTIONS]
        for one in field
    }
    charts = [
        Bars("Memory after the requests, all processes", "MB of PSS", after, who.ENVOY.title),
        Lines("Memory with idle connections", "connections", "MB of PSS", lines),
    ]
    tables = [_table(field, grown, held)]
    data = {"grown": grown, "held": held}
    write(rig.settings, rig.envoy, "memory", "Memory", tables, data, charts)
