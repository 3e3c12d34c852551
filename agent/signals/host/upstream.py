"""Which processes are the model server: those that listen at the upstream, and their children.

Rule: only of an upstream on this machine, by its own addresses or by a Unix socket; another one is
never looked for. Not found is no fault: in most pods each container sees its own processes alone.

Theory. A listening socket has an inode in /proc/net, and whoever holds it shows that inode among
its descriptors. Servers with several workers share the socket, or their parent holds it, so the
whole family counts: those who hold it, and all their descendants. Ours are none of them, though
whoever started both may be our ancestor, and the model server may be our supervisor's child: it is
where a script starts it and then becomes Outrider.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import NamedTuple

from agent.settings.units import Upstream
from agent.signals.host.procfs import (
    PROC,
    Ip,
    Stat,
    lines,
    listeners,
    owners,
    pids,
    stat_of,
    unix_listeners,
)

MOST = 1024
"""Processes of a family that are counted."""
FORWARDERS = frozenset(
    (
        "docker-proxy",
        "gvproxy",
        "kubectl",
        "pasta",
        "pasta.avx2",
        "rootlessport",
        "slirp4netns",
        "socat",
        "ssh",
        "systemd",
        "systemd-socket-",
    )
)
"""Names of processes that listen for a server elsewhere, or for one that is not started yet."""


class Family(NamedTuple):
    """The model server's processes, with what tells each from a later one of the same pid."""

    roots: dict[int, int]
    """Those who hold the socket and have no parent that does: start by pid."""
    members: dict[int, int]
    """All of them, the roots too."""
    name: str
    """Of the first root, as the kernel has it: 15 bytes at most."""


Pids = Callable[[], Iterable[int]]


class NotHere(Exception):
    """The upstream is on another machine, or in another network namespace."""


def find(upstream: Upstream, ours: Pids, proc: str = PROC) -> Family | None:
    """The family; None if there is none that we may see. `ours` gives the pids of
    Outrider's own processes.

    Blocks: it reads /proc as a whole, and may ask the name service. Raises `NotHere`, and OSError
    where the name service cannot answer.
    """
    inodes = _unix(upstream.socket, proc) if upstream.socket else _tcp(upstream, proc)
    return family(owners(inodes, proc), ours, proc) if inodes else None


def _unix(path: str, proc: str) -> set[str]:
    table, names = f"{proc}/self/net/unix", {path, os.path.realpath(path)}
    return {inode for name in names for inode in unix_listeners(lines(table), name)}


def _tcp(upstream: Upstream, proc: str) -> set[str]:
    wanted = own_addresses(upstream.host, upstream.port)
    if not wanted:
        raise NotHere(f"{upstream.host} is no address of this machine")
    found: dict[Ip, set[str]] = {}
    for name in ("tcp", "tcp6"):
        for address, inode in listeners(lines(f"{proc}/self/net/{name}"), upstream.port):
            found.setdefault(address, set()).add(inode)
    exact = set().union(*(inodes for address, inodes in found.items() if address in wanted))
    every = set().union(*(inodes for address, inodes in found.items() if address.is_unspecified))
    return exact or every


def own_addresses(host: str, port: int) -> set[Ip]:
    """Those addresses of `host` that are this machine's. Raises OSError for an unknown name."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = {ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers}
    if any(address.is_unspecified for address in addresses):
        return {ip_address("127.0.0.1"), ip_address("::1"), *addresses}
    return {address for address in addresses if address.is_loopback or _is_own(address)}


def _is_own(address: Ip) -> bool:
    """Only to an address of its own can a machine bind."""
    kind = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(kind, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def family(holders: Iterable[int], ours: Pids, proc: str = PROC) -> Family | None:
    """The holders of a socket and their descendants, without our own processes."""
    stats = {pid: found for pid in pids(proc) if (found := stat_of(pid, proc))}
    children: dict[int, list[int]] = {}
    for pid, found in stats.items():
        children.setdefault(found.parent, []).append(pid)
    own = frozenset(ours())
    holding = {
        pid: stats[pid]
        for pid in holders
        if pid in stats and pid not in own and stats[pid].name not in FORWARDERS
    }
    roots = [pid for pid in sorted(holding) if not _has_ancestor(pid, holding, stats)]
    if not roots:
        return None
    members = [pid for pid in _descendants(roots, children, own) if pid in stats][:MOST]
    return Family(
        roots={pid: stats[pid].start for pid in roots},
        members={pid: stats[pid].start for pid in members},
        name=stats[roots[0]].name,
    )


def _descendants(
    roots: Iterable[int], children: dict[int, list[int]], without: Iterable[int] = ()
) -> dict[int, None]:
    """`roots` and all below them, in that order."""
    skipped = set(without)
    found: dict[int, None] = {}
    waiting = [*roots]
    while waiting:
        pid = waiting.pop(0)
        if pid not in found and pid not in skipped:
            found[pid] = None
            waiting += children.get(pid, ())
    return found


def _has_ancestor(pid: int, among: dict[int, Stat], stats: dict[int, Stat]) -> bool:
    seen = {pid}
    above = stats[pid].parent
    while above in stats and above not in seen:
        if above in among:
            return True
        seen.add(above)
        above = stats[above].parent
    return False
