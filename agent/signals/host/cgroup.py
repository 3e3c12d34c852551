"""CPU, memory, disk and throttling of a container, by its control group: v2, else v1.

Rule: what the kernel does not tell is None; "no limit" is None too. A limit is the least of the
group's own and of those above it that can be seen: in a container that is the container's, outside
it also those of slices.

Theory. /proc/PID/cgroup says which group, /proc/PID/mountinfo where groups can be read, and which
part of the tree a mount shows. Both name groups as whoever reads them sees them, so a path under
what the mount shows is cut by that. Another process's mounts are seen through /proc/PID/root, where
the process namespace is shared and we may look.

Sources: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/, cgroups(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from agent.signals.host.procfs import PROC, number, read, table

DEPTH = 32
"""Groups above one another that are asked for their limits."""
UNLIMITED = 1 << 60
"""Bytes; v1 writes "no limit" as a number near 2 to the 63rd."""


class Cgroup(NamedTuple):
    """Of one group, cumulative since it was made. Seconds, bytes, cores."""

    cpu_seconds: float | None = None
    cpu_limit: float | None = None
    periods: int | None = None
    """Of the limit's enforcement; of these, `throttled_periods` were cut short."""
    throttled_periods: int | None = None
    throttled_seconds: float | None = None
    """Summed over the threads that had to wait."""
    memory: int | None = None
    """With the page cache."""
    working_set: int | None = None
    """Less the cache that can be given up at once: what the limit kills for."""
    memory_limit: int | None = None
    oom_kills: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None


class Place(NamedTuple):
    """Where a group is read: folders from its own up to the mount's, by controller."""

    unified: tuple[str, ...]
    """v2; empty if there is none."""
    legacy: dict[str, tuple[str, ...]]
    """v1, by the name of the controller."""


def membership(text: str | None) -> dict[str, str]:
    """Paths of /proc/PID/cgroup by controller; that of v2 by an empty name."""
    found: dict[str, str] = {}
    for line in (text or "").splitlines():
        number_, _, rest = line.partition(":")
        names, colon, path = rest.partition(":")
        if colon and number_.isdigit() and path.startswith("/"):
            for name in names.split(","):
                found.setdefault(name, path)
    return found


def mounts(text: str | None) -> dict[str, tuple[str, str]]:
    """Of /proc/PID/mountinfo: what part of the tree is shown, and where; by controller."""
    found: dict[str, tuple[str, str]] = {}
    for line in (text or "").splitlines():
        before, dash, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if not dash or len(fields) < 6 or len(kind) < 3:
            continue
        shown, where = _unescaped(fields[3]), _unescaped(fields[4])
        if kind[0] == "cgroup2":
            found.setdefault("", (shown, where))
        elif kind[0] == "cgroup":
            for name in kind[2].split(","):
                found.setdefault(name, (shown, where))
    return found


def _unescaped(text: str) -> str:
    """Spaces and the like are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)


def place(pid: int | str = "self", proc: str = PROC, root: str = "") -> Place:
    """Where the group of a process is read; `root` is the folder that its mounts are under."""
    where = mounts(read(f"{proc}/{pid}/mountinfo"))
    paths = membership(read(f"{proc}/{pid}/cgroup"))
    folders = {
        name: _folders(paths[name], *where[name], root) for name in where.keys() & paths.keys()
    }
    if paths.get("cpuacct") != paths.get("cpu"):
        folders.pop("cpuacct", None)  # time of another group than the limit's
    return Place(folders.pop("", ()), folders)


def place_of_other(pid: int, proc: str = PROC) -> Place:
    """Of a process that may be in another container."""
    return place(pid, proc, f"{proc}/{pid}/root")


def _folders(path: str, shown: str, where: str, root: str) -> tuple[str, ...]:
    inside = path
    if shown != "/":
        inside = path[len(shown) :] if f"{path}/".startswith(f"{shown}/") else ""
    parts = [part for part in inside.split("/") if part]
    if ".." in parts:  # outside what is shown to us: the mount itself is the nearest that is
        parts = []
    base = root + where
    return tuple("/".join((base, *parts[:count])) for count in range(len(parts), -1, -1))[:DEPTH]


def sample(found: Place) -> Cgroup | None:
    """The figures of this moment; None if there are none."""
    unified, legacy = _unified(found.unified), _legacy(found.legacy)
    if "cpu" in found.legacy:
        unified = unified._replace(cpu_seconds=None, cpu_limit=None)
    group = _join(unified, legacy)
    return None if group == Cgroup() else group


def _join(first: Cgroup, second: Cgroup) -> Cgroup:
    """Where both hierarchies are mounted, each controller is in one of them."""
    return Cgroup._make(b if a is None else a for a, b in zip(first, second, strict=True))


def _unified(folders: tuple[str, ...]) -> Cgroup:
    if not folders:
        return Cgroup()
    own = folders[0]
    cpu = table(read(f"{own}/cpu.stat"))
    memory = number(read(f"{own}/memory.current"))
    cache = table(read(f"{own}/memory.stat")).get("inactive_file") if memory else None
    disk = io_stat(read(f"{own}/io.stat"))
    return Cgroup(
        cpu_seconds=_scaled(cpu.get("usage_usec"), 1e6) if "usage_usec" in cpu else None,
        cpu_limit=_least(cpu_max(read(f"{folder}/cpu.max")) for folder in folders),
        periods=cpu.get("nr_periods"),
        throttled_periods=cpu.get("nr_throttled"),
        throttled_seconds=_scaled(cpu.get("throttled_usec"), 1e6),
        memory=memory,
        working_set=_working_set(memory, cache),
        memory_limit=_least_bytes(number(read(f"{folder}/memory.max")) for folder in folders),
        oom_kills=table(read(f"{own}/memory.events")).get("oom_kill"),
        read_bytes=disk[0] if disk else None,
        written_bytes=disk[1] if disk else None,
    )


def _legacy(folders: dict[str, tuple[str, ...]]) -> Cgroup:
    cpu, memory = folders.get("cpu", ()), folders.get("memory", ())
    account, disk = folders.get("cpuacct", ()), folders.get("blkio", ())
    stat = table(read(f"{cpu[0]}/cpu.stat")) if cpu else {}
    used = number(read(f"{memory[0]}/memory.usage_in_bytes")) if memory else None
    cache = None
    if used is not None:
        cache = table(read(f"{memory[0]}/memory.stat")).get("total_inactive_file")
    bytes_ = blkio(read(f"{disk[0]}/blkio.throttle.io_service_bytes")) if disk else None
    return Cgroup(
        cpu_seconds=_scaled(number(read(f"{account[0]}/cpuacct.usage")), 1e9) if account else None,
        cpu_limit=_least(_quota(folder) for folder in cpu),
        periods=stat.get("nr_periods"),
        throttled_periods=stat.get("nr_throttled"),
        throttled_seconds=_scaled(stat.get("throttled_time"), 1e9),
        memory=used,
        working_set=_working_set(used, cache),
        memory_limit=_least_bytes(number(read(f"{f}/memory.limit_in_bytes")) for f in memory),
        oom_kills=table(read(f"{memory[0]}/memory.oom_control")).get("oom_kill")
        if memory
        else None,
        read_bytes=bytes_[0] if bytes_ else None,
        written_bytes=bytes_[1] if bytes_ else None,
    )


def cpu_max(text: str | None) -> float | None:
    """Cores, of v2's cpu.max: a quota, or "max", and the period, in microseconds."""
    quota, _, period = (text or "").strip().partition(" ")
    allowed, every = number(quota), number(period)
    return allowed / every if allowed and every else None


def io_stat(text: str | None) -> tuple[int, int] | None:
    """Bytes read and written, summed over the devices of v2's io.stat; None without any."""
    found = re.findall(r"\b([rw])bytes=(\d{1,20})\b", text or "", re.ASCII)
    if not found:
        return None
    read_ = sum(int(count) for which, count in found if which == "r")
    return read_, sum(int(count) for which, count in found if which == "w")


def blkio(text: str | None) -> tuple[int, int] | None:
    """The same of v1's blkio.throttle.io_service_bytes."""
    found = re.findall(r"^\d+:\d+ (Read|Write) (\d{1,20})$", text or "", re.MULTILINE | re.ASCII)
    if not found:
        return None
    read_ = sum(int(count) for which, count in found if which == "Read")
    return read_, sum(int(count) for which, count in found if which == "Write")


def _quota(folder: str) -> float | None:
    """v1 writes a quota of -1 where there is no limit."""
    allowed = number(read(f"{folder}/cpu.cfs_quota_us"))
    every = number(read(f"{folder}/cpu.cfs_period_us"))
    return allowed / every if allowed and every else None


def _scaled(count: int | None, unit: float) -> float | None:
    return None if count is None else count / unit


def _working_set(memory: int | None, cache: int | None) -> int | None:
    return None if memory is None or cache is None else max(0, memory - cache)


def _least(limits: Iterable[float | None]) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _least_bytes(limits: Iterable[int | None]) -> int | None:
    return min((limit for limit in limits if limit is not None and limit < UNLIMITED), default=None)
