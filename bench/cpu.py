"""What the processes of a contestant have used: CPU seconds and memory, read from the kernel.

Rule: read only. A contestant is a process and everything below it, found anew at each reading.

CPU is user plus system time. The kernel's per-process clock has nanoseconds and keeps the time
of threads that ended; `/proc/PID/stat` has 10 ms steps but knows the time of children that were
reaped. So: the clock of each living process, plus `cutime` and `cstime` of each.
"""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

TICK = 1.0 / os.sysconf("SC_CLK_TCK")
"""Seconds in the unit of `/proc/PID/stat`."""

SCHED_CLOCK = 2
"""The kernel's CPUCLOCK_SCHED: user and system time of all threads of a process."""

PPID, CUTIME, CSTIME, START = 1, 13, 14, 19
"""Positions in `/proc/PID/stat` behind the command's closing bracket; see proc(5)."""


@dataclass(frozen=True, slots=True)
class Member:
    """A process: its number and when it started, which together name it for good."""

    pid: int
    started: int


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2 :].split()


def family(root: int) -> list[Member]:
    """The process `root` and all its descendants that live now; empty if it has ended."""
    children: dict[int, list[Member]] = defaultdict(list)
    members: list[Member] = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or (stat := _stat(int(entry))) is None:
            continue
        member = Member(int(entry), int(stat[START]))
        children[int(stat[PPID])].append(member)
        if member.pid == root:
            members.append(member)
    for member in members:
        members.extend(children[member.pid])
    return members


def alive(member: Member) -> bool:
    """Whether this very process still exists (and is no zombie)."""
    stat = _stat(member.pid)
    return stat is not None and stat[0] != "Z" and int(stat[START]) == member.started


def by_process(root: int) -> dict[str, float]:
    """CPU seconds so far of each process of the family, by `pid role`.

    The time of children that were reaped is counted to who reaped them.
    """
    used = {}
    for member in family(root):
        stat = _stat(member.pid)
        try:
            own = time.clock_gettime((~member.pid << 3) | SCHED_CLOCK)
        except OSError:
            continue
        reaped = (int(stat[CUTIME]) + int(stat[CSTIME])) * TICK if stat else 0.0
        used[named(member.pid)] = own + reaped
    return used


def seconds(root: int) -> float:
    """The sum of it."""
    return sum(by_process(root).values())


def busy(core: int) -> float:
    """Seconds that `core` has been busy since boot, whoever kept it so, a hypervisor too."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
            return (user + nice + system + irq + softirq + steal) * TICK
    raise ValueError(f"there is no core {core}")


def pss(root: int) -> dict[str, float]:
    """Proportional set size in MB (10⁶ bytes) of each process, by `pid role`."""
    sizes = {}
    for member in family(root):
        try:
            text = Path(f"/proc/{member.pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        if found:
            sizes[named(member.pid)] = int(found[1]) * 1024 / 1e6
    return sizes


def named(pid: int) -> str:
    """`pid role`, for people."""
    try:
        return f"{pid} {role(Path(f'/proc/{pid}/cmdline').read_bytes())}"
    except (FileNotFoundError, ProcessLookupError):
        return f"{pid} ?"


def role(command: bytes) -> str:
    """What a process is, as its command line says: "worker", "observer", "nginx: master" …"""
    words = command.replace(b"\0", b" ").decode(errors="replace").split()
    for word in words:
        if (name := word.strip(":()[]")) in ("supervisor", "worker", "observer", "master"):
            return name
    return Path(words[0]).name if words else "?"


def settle(root: int, still: float = 1.5, share: float = 0.01, limit: float = 20.0) -> float:
    """Wait until the family uses less than `share` of a core for `still` seconds.

    Returns its CPU seconds then, or at `limit` seconds if it never rests.
    """
    step = 0.25
    rested = 0.0
    now = seconds(root)
    for _ in range(int(limit / step)):
        if rested >= still:
            break
        time.sleep(step)
        before, now = now, seconds(root)
        rested = rested + step if now - before < share * step + 0.001 else 0.0
    return now
