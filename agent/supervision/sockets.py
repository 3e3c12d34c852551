"""Listening sockets, opened once by the supervisor and inherited by its children.

Rule: a port that somebody else has is found out before anything starts, by a plain bind; then
each worker gets a socket of its own on the same port (SO_REUSEPORT), which the supervisor keeps,
so that connections to a dead worker wait for its successor instead of being refused.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from agent.settings.units import Address

BACKLOG = 4096


class PortTaken(Exception):
    """`name` is the setting, `address` where it wanted to listen, `why` what the kernel said."""

    def __init__(self, name: str, address: Address, why: str) -> None:
        super().__init__(f"{name}: cannot listen on {address}: {why}; set --{name} HOST:PORT")
        self.name = name
        self.address = address


class Ports(NamedTuple):
    """All listening sockets; those of the data and the health port by worker (see `share`)."""

    listen: Sequence[socket.socket]
    health: Sequence[socket.socket]
    admin: socket.socket

    @property
    def data_port(self) -> tuple[str, int]:
        host, port = self.listen[0].getsockname()[:2]
        return str(host), int(port)

    def all(self) -> tuple[socket.socket, ...]:
        return *self.listen, *self.health, self.admin

    def shown(self) -> dict[str, str]:
        """Setting and address, for people."""
        firsts = {"listen": self.listen[0], "admin": self.admin, "health": self.health[0]}
        return {name: _shown(*sock.getsockname()[:2]) for name, sock in firsts.items()}


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def open_ports(
    listen: Address, health: Address, admin: Address, workers: int, given: Ports | None = None
) -> Ports:
    """Sockets on these addresses, at least one a worker. Raises PortTaken.

    Those of `given`, which another generation has too, are used where the address is the same.
    """
    opened: list[socket.socket] = []
    try:
        for name, address, count, socks in (
            ("listen", listen, workers, given.listen if given else ()),
            ("health", health, workers, given.health if given else ()),
            ("admin", admin, 1, (given.admin,) if given else ()),
        ):
            opened += _open(name, address, count, socks)
            if name == "listen":
                middle = len(opened)
    except PortTaken:
        for sock in opened:
            sock.close()
        raise
    return Ports(opened[:middle], opened[middle:-1], opened[-1])


def _open(
    name: str, address: Address, count: int, given: Sequence[socket.socket]
) -> Sequence[socket.socket]:
    try:
        if given and resolve(address)[2] == given[0].getsockname()[:2]:
            return widen(given, count)
    except OSError as error:
        raise PortTaken(name, address, error.strerror or str(error)) from None
    for sock in given:
        sock.close()
    return listen(name, address, count)


def share(socks: Sequence[socket.socket], worker: int, workers: int) -> Sequence[socket.socket]:
    """One worker's sockets: none is left out, or connections would wait in it for ever."""
    return socks[worker::workers]


def resolve(address: Address) -> tuple[int, int, tuple[str, int]]:
    """Family, type and where to bind (host and port). Raises OSError."""
    host = address.host or ("::" if socket.has_dualstack_ipv6() else "0.0.0.0")
    found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, _, _, where = min(found, key=lambda info: info[0] != socket.AF_INET)
    return family, kind, (str(where[0]), int(where[1]))


def reserve(name: str, address: Address) -> tuple[int, int, tuple[object, ...]]:
    """Family, type and socket address to bind to, after a plain bind showed that it is free.

    With port 0 the kernel's choice is in the address. Raises PortTaken.
    """
    try:
        family, kind, where = resolve(address)
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if not address.host and family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            probe.bind(where)
            return family, kind, probe.getsockname()
    except OSError as error:
        raise PortTaken(name, address, error.strerror or str(error)) from None


def listen(name: str, address: Address, count: int) -> list[socket.socket]:
    """`count` sockets listening on one address. Raises PortTaken."""
    family, kind, where = reserve(name, address)
    both = family == socket.AF_INET6 and not address.host
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            opened.append(_bound(family, kind, where, both))
            opened[-1].listen(BACKLOG)
    except OSError as error:
        for sock in opened:
            sock.close()
        raise PortTaken(name, address, error.strerror or str(error)) from None
    return opened


def widen(socks: Sequence[socket.socket], count: int) -> list[socket.socket]:
    """The same sockets, and as many more on their address as `count` wants.

    Those are bound but do not listen: the kernel gives them connections once somebody is there
    to take them, and calls `listen`. Raises OSError.
    """
    first = socks[0]
    both = False
    if first.family == socket.AF_INET6:
        both = not first.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    where = first.getsockname()
    more = [_bound(first.family, socket.SOCK_STREAM, where, both) for _ in range(len(socks), count)]
    return [*socks, *more]


def _bound(family: int, kind: int, where: tuple[object, ...], both: bool) -> socket.socket:
    """Bound, and never blocking; `both`: of IPv6, but for IPv4 too. Closed if that fails."""
    sock = socket.socket(family, kind)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if both:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(where)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def listen_local() -> tuple[socket.socket, str]:
    """The bus: a listening Unix socket and its address.

    On Linux it has an abstract name and needs no file system; who connects is checked by the
    kernel's word (see `observer.receive`). Elsewhere it is a file in a directory of its own.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if sys.platform == "linux":
        address = f"\0outrider-{os.getpid()}-{os.urandom(8).hex()}"
    else:
        address = os.path.join(tempfile.mkdtemp(prefix="outrider-"), "bus")
    sock.bind(address)
    sock.listen(64)
    sock.setblocking(False)
    return sock, address
