"""What the kernel says in its text files, read and parsed.

Rule: bounded reads that cannot block on a file that is none of the kernel's, as another container's
folder may hold anything; what cannot be read or understood is None, never an error.

Sources: proc_pid_stat(5), proc_pid_net(5), the kernel's Documentation/networking/proc_net_tcp.rst.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

PROC = "/proc"
MOST = 256 << 10
"""Bytes that are read of a usual file."""
MOST_SOCKETS = 32 << 20
"""Bytes that are read of a table of sockets: about 200,000 of them."""
MANY = 1000
"""Descriptors that are not counted one by one."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

Ip = IPv4Address | IPv6Address


def read(path: str, most: int = MOST) -> str | None:
    """The beginning of a file as text; None if it cannot be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    pieces: list[bytes] = []
    try:
        while most > 0 and (piece := os.read(file, min(most, 1 << 16))):
            pieces.append(piece)
            most -= len(piece)
    except OSError:
        return None
    finally:
        os.close(file)
    return b"".join(pieces).decode("utf-8", "replace")


def lines(path: str) -> Iterator[bytes]:
    """Of a table of sockets, one at a time, as it may be long; none if it cannot be read."""
    left = MOST_SOCKETS
    with suppress(OSError), open(path, "rb") as file:
        for line in file:
            left -= len(line)
            if left < 0:
                return
            yield line


def number(text: str | None) -> int | None:
    """The whole number that a file holds, if that is what it holds."""
    text = "" if text is None else text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None


def table(text: str | None) -> dict[str, int]:
    """Lines of a name and a number, such as those of cpu.stat; others are left out."""
    found: dict[str, int] = {}
    for line in (text or "").splitlines():
        name, _, value = line.partition(" ")
        count = number(value)
        if count is not None:
            found[name] = count
    return found


class Stat(NamedTuple):
    """Of a process, by /proc/PID/stat. Times in clock ticks."""

    name: str
    state: str
    parent: int
    cpu: int
    """User and system time of all its threads."""
    children_cpu: int
    """The same of its children that ended and that it waited for."""
    threads: int
    start: int
    """Since boot. With the pid it tells a process from all others."""
    memory: int
    """Resident, in bytes."""


def stat(text: str | None) -> Stat | None:
    """Parses /proc/PID/stat; a name may hold spaces, brackets and line ends."""
    head, bracket, rest = (text or "").rpartition(")")
    fields = rest.split()
    if not bracket or len(fields) < 22:
        return None
    try:
        numbers = [int(field) for field in fields[1:22]]
    except ValueError:
        return None
    return Stat(
        name=head.partition("(")[2],
        state=fields[0],
        parent=numbers[0],
        cpu=numbers[10] + numbers[11],
        children_cpu=numbers[12] + numbers[13],
        threads=numbers[16],
        start=numbers[18],
        memory=numbers[20] * PAGE,
    )


def stat_of(pid: int, proc: str = PROC) -> Stat | None:
    """Of a process that lives; None of one that is gone or has ended (a zombie)."""
    found = stat(read(f"{proc}/{pid}/stat"))
    return None if found is None or found.state in "ZX" else found


def pids(proc: str = PROC) -> list[int]:
    """Of all processes that can be seen."""
    try:
        return [int(name) for name in os.listdir(proc) if name.isascii() and name.isdigit()]
    except OSError:
        return []


def listeners(table: Iterable[bytes], port: int) -> Iterator[tuple[Ip, str]]:
    """Address and inode of each socket that listens on `port`, of /proc/net/tcp or tcp6."""
    suffix = b":%04X" % port
    for line in table:
        if suffix not in line:
            continue
        fields = line.split()
        if len(fields) < 10 or fields[3] != b"0A" or not fields[1].endswith(suffix):
            continue
        address = _address(fields[1][: -len(suffix)])
        if address is not None and fields[9].isdigit() and fields[9] != b"0":
            yield address, fields[9].decode()


def _address(digits: bytes) -> Ip | None:
    """Words of 32 bits in the machine's byte order, in hexadecimal digits."""
    try:
        raw = bytes.fromhex(digits.decode())
    except ValueError:
        return None
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    if len(raw) == 4:
        return IPv4Address(raw)
    if len(raw) != 16:
        return None
    long = IPv6Address(raw)
    return long.ipv4_mapped or long


def unix_listeners(table: Iterable[bytes], path: str) -> Iterator[str]:
    """Inode of each Unix socket that listens at `path`, of /proc/net/unix."""
    wanted = os.fsencode(path)
    for line in table:
        fields = line.rstrip(b"\n").split(maxsplit=7)
        if len(fields) == 8 and fields[7] == wanted and fields[3] == b"00010000":
            yield fields[6].decode("ascii", "replace")


def owners(inodes: set[str], proc: str = PROC) -> list[int]:
    """Processes that hold one of these sockets open; those whose files we may not see are left
    out."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return [pid for pid in pids(proc) if _holds(f"{proc}/{pid}/fd", wanted)]


def _holds(folder: str, wanted: set[str]) -> bool:
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(f"{folder}/{name}") in wanted:
                return True
        except OSError:
            continue
    return False


def open_files(pid: int, proc: str = PROC) -> int | None:
    """How many descriptors it has; None if that may not be seen.

    Since Linux 6.2 the size of the folder is their number, with those that are only reserved, as
    for a connection that is waited for: near enough where there are many.
    """
    folder = f"{proc}/{pid}/fd"
    try:
        size = os.stat(folder).st_size
        return size if size > MANY else len(os.listdir(folder))
    except OSError:
        return None
