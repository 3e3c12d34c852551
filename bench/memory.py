"""Memory as the sum of PSS of all processes: at rest, after many requests, with many streams.

The kernel shares pages between forks; PSS divides each page among those that map it, so the sum
is what ending the contestant would free.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from bench import contestants as who
from bench import cpu, load
from bench.contestants import Contestant, running
from bench.processes import BenchError
from bench.report import Table, write
from bench.rig import Rig, say

FIELD = (who.NGINX, who.ENVOY, who.ENVOY_OBSERVED, who.OFF, who.ALL, who.ALL_SINKS)
STREAMING = (who.NGINX_STREAMING, *FIELD[1:])
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
        served = 0
        while served < settings.requests:
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


async def _read_events(port: int, path: str, enough: int) -> asyncio.StreamWriter:
    """A stream that has delivered `enough` events, still open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: model\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    for _ in range(enough):
        await reader.readuntil(b"data:")
    asyncio.get_running_loop().create_task(_discard(reader))
    return writer


async def _discard(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(1 << 16):
            pass
    except OSError:
        return


async def _hold_streams(rig: Rig, port: int, pid: int) -> Reading:
    openings = (_read_events(port, "/events/1", 3) for _ in range(rig.settings.streams))
    writers = await asyncio.wait_for(asyncio.gather(*openings), 60)
    reading = Reading.of(pid)
    for writer in writers:
        writer.close()
    return reading


def _streams(rig: Rig, contestant: Contestant) -> dict[str, Any]:
    """Before and while all streams are open and each has delivered three events."""
    with running(rig, contestant, rig.large) as one:
        pid = one.process.pid
        asyncio.run(_hold_streams(_few(rig), one.launch.port, pid))
        cpu.settle(pid)
        before = Reading.of(pid)
        during = asyncio.run(_hold_streams(rig, one.launch.port, pid))
    more = during.total - before.total
    say(f"{contestant.name:18} {rig.settings.streams} streams: +{more:.1f} MB")
    return {"before": before, "during": during}


def _few(rig: Rig) -> Rig:
    """The same surroundings for a first handful of streams, which load what is loaded once."""
    return replace(rig, settings=replace(rig.settings, streams=8))


def memory(rig: Rig) -> None:
    """All of it, one contestant after the other."""
    field = who.chosen(rig, FIELD)
    grown = {one.name: _grow(rig, one) for one in field}
    streams = {one.name: _streams(rig, one) for one in who.chosen(rig, STREAMING)}
    rows = []
    for one in field:
        readings = grown[one.name]["readings"]
        (_, rest), (_, warm), (served, last) = readings[0], readings[1], readings[-1]
        worker, observer = last.of_role("worker"), last.of_role("observer")
        row = [one.title, f"{rest.total:.1f}", f"{warm.total:.1f}", f"{last.total:.1f}"]
        row += [f"{served}"]
        row += [f"{size:.1f}" if size else "–" for size in (worker, observer)]
        held = streams[one.name]
        row += [f"{held['during'].total - held['before'].total:.1f}"]
        rows.append(row)
    columns = ["contestant", "at rest", f"after the first {SLICE:g} s", "after all", "requests"]
    columns += ["worker", "observer", f"growth with {rig.settings.streams} event streams"]
    table = Table(
        "MB of PSS, all processes",
        columns,
        rows,
        ["Read at rest after each load; nginx unbuffered for the streams."],
    )
    data = {"grown": grown, "streams": streams}
    write(rig.settings, rig.envoy, "memory", "Memory", [table], data)
