"""CPU, memory, disks, network and file systems of the machine, as psutil reads them.

Rule: of the machine that the container runs on, for the kernel tells no other: only the network is
the pod's own. What cannot be read is empty. Bounded: a few interfaces, a few file systems. psutil
is imported where it is used: it costs nothing where nobody looks, and no start waits for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

INTERFACES = 8
"""Of the network, those that are shown at most."""
VIRTUAL = ("lo", "br-", "cali", "cni", "docker", "dummy", "flannel", "ifb", "lxc", "veth", "virbr")
"""How names of interfaces begin that come and go, or whose traffic passes another one too."""
MODES = {
    "user": "user",
    "system": "system",
    "nice": "nice",
    "idle": "idle",
    "iowait": "iowait",
    "interrupt": "irq",
    "steal": "steal",
}
"""OpenTelemetry's names of what a CPU does, by psutil's."""


class Interface(NamedTuple):
    """Of the network, cumulative."""

    name: str
    received: int
    sent: int
    received_errors: int
    sent_errors: int
    received_dropped: int
    sent_dropped: int


class FileSystem(NamedTuple):
    """Bytes. `free` is what we may use; what is kept for root is in neither."""

    path: str
    total: int
    used: int
    free: int


class Machine(NamedTuple):
    """Figures of one moment."""

    cpus: int
    cpu: dict[str, float]
    """Seconds since boot, summed over all CPUs, by what they did."""
    memory: dict[str, int]
    """Bytes by state; their sum is `memory_total`."""
    memory_total: int
    memory_available: int
    disks: tuple[int, int] | None
    """Bytes read and written."""
    interfaces: tuple[Interface, ...]
    file_systems: tuple[FileSystem, ...]


def sample(paths: Iterable[str]) -> Machine:
    """Figures of this moment; of the file systems those that `paths` are on."""
    import psutil

    cpu, memory = psutil.cpu_times(), psutil.virtual_memory()
    busy = {mode: float(getattr(cpu, name, 0.0)) for mode, name in MODES.items()}
    busy["interrupt"] += float(getattr(cpu, "softirq", 0.0))
    cached, buffers = getattr(memory, "cached", 0), getattr(memory, "buffers", 0)
    states = {"free": memory.free, "cached": cached, "buffers": buffers}
    states["used"] = max(0, memory.total - sum(states.values()))
    return Machine(
        cpus=os.cpu_count() or 1,
        cpu=busy,
        memory=states,
        memory_total=memory.total,
        memory_available=memory.available,
        disks=_disks(),
        interfaces=_interfaces(),
        file_systems=_file_systems(paths),
    )


def _disks() -> tuple[int, int] | None:
    """Bytes read and written, summed over whole disks; None where there are none to be seen."""
    import psutil

    try:
        found = psutil.disk_io_counters(nowrap=False)
    except (OSError, ValueError, NotImplementedError):
        return None
    return (found.read_bytes, found.write_bytes) if found else None


def _interfaces() -> tuple[Interface, ...]:
    import psutil

    try:
        found = psutil.net_io_counters(pernic=True, nowrap=False)
    except (OSError, ValueError):
        return ()
    names = [name for name in found if not name.startswith(VIRTUAL)][:INTERFACES]
    return tuple(
        Interface(
            _text(name),
            one.bytes_recv,
            one.bytes_sent,
            one.errin,
            one.errout,
            one.dropin,
            one.dropout,
        )
        for name, one in ((name, found[name]) for name in names)
    )


def _text(name: str) -> str:
    """Names of the kernel's may be any bytes; a label must be text."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _file_systems(paths: Iterable[str]) -> tuple[FileSystem, ...]:
    """Of several paths on one file system the first names it."""
    found: dict[int, FileSystem] = {}
    for path in paths:
        try:
            device = os.stat(path).st_dev
            if device not in found:
                space = os.statvfs(path)
                size = space.f_frsize
                free, used = space.f_bavail * size, (space.f_blocks - space.f_bfree) * size
                found[device] = FileSystem(_text(path), space.f_blocks * size, used, free)
        except OSError:
            continue
    return tuple(found.values())
