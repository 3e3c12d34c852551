"""Clients that leave while they are not being read.

Rule: nothing is read here. A paused connection is not polled by the loop, so a reset or an end of
it would stay unseen for as long as the model server takes nothing; an epoll set of its own, itself
one file of the loop, tells of both. (An end behind bytes that do not fit into the kernel's buffers
has not arrived, and nobody can see it.)
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from contextlib import suppress

from agent.proxy.hop import Hop


class Departures:
    """One a worker. Sets `hop.departures`. Where there is no epoll it sees nothing."""

    def __init__(self, loop: asyncio.AbstractEventLoop, hop: Hop) -> None:
        hop.departures = self
        self._left: dict[int, Callable[[], None]] = {}
        if not hasattr(select, "epoll"):
            return
        self._epoll = select.epoll()
        end = 0 if hop.half_close else select.EPOLLRDHUP
        self._events = end | select.EPOLLHUP | select.EPOLLERR
        loop.add_reader(self._epoll.fileno(), self._look)

    def watch(self, transport: asyncio.Transport, left: Callable[[], None]) -> None:
        """Calls `left` once if the peer goes; `unwatch` before the transport is closed."""
        sock = transport.get_extra_info("socket")
        if sock is None or not hasattr(self, "_epoll"):
            return
        with suppress(OSError):
            self._epoll.register(sock.fileno(), self._events)
            self._left[sock.fileno()] = left

    def unwatch(self, transport: asyncio.Transport) -> None:
        sock = transport.get_extra_info("socket")
        if sock is not None and self._left.pop(sock.fileno(), None) is not None:
            self._epoll.unregister(sock.fileno())

    def _look(self) -> None:
        for fd, _ in self._epoll.poll(0):
            self._epoll.unregister(fd)
            self._left.pop(fd)()
