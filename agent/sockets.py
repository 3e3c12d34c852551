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

from agent.units import Address

BACKLOG = 4096


class PortTaken(Exception):
    """`name` is the setting, `address` where it wanted to listen, `why` what the kernel said."""

    def __init__(self, name: str, address: Address, why: str) -> None:
        super().__init__(f"{name}: cannot listen on {address}: {why}; set --{name} HOST:PORT")
        self.name = name
        self.address = address


def reserve(name: str, address: Address) -> tuple[int, int, tuple[object, ...]]:
    """Family, type and socket address to bind to, after a plain bind showed that it is free.

    With port 0 the kernel's choice is in the address. Raises PortTaken.
    """
    host = address.host or ("::" if socket.has_dualstack_ipv6() else "0.0.0.0")
    try:
        found = socket.getaddrinfo(
            host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, _, _, where = min(found, key=lambda info: info[0] != socket.AF_INET)
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
    opened = []
    for _ in range(count):
        sock = socket.socket(family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and not address.host:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            sock.bind(where)
            sock.listen(BACKLOG)
        except OSError as error:
            raise PortTaken(name, address, error.strerror or str(error)) from None
        sock.setblocking(False)
        opened.append(sock)
    return opened


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
