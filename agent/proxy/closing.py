"""Ends of a connection that say: this was not the whole.

Rule: an orderly end (FIN) waits in the kernel behind the bytes that the peer has not taken, and a
peer that takes none never sees it; a reset gets there at once, and no peer takes it for a close.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from contextlib import suppress

_RESET = struct.pack("ii", 1, 0)


def reset(transport: asyncio.Transport) -> None:
    """Ends the connection at once by a reset (RFC 9293 section 3.10.5); a Unix socket just ends."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def unsent(transport: asyncio.Transport) -> int:
    """Bytes written that the peer has not acknowledged, or 0 where the kernel does not say."""
    return transport.get_write_buffer_size() or _queued(transport, termios.TIOCOUTQ)


def has_input(transport: asyncio.Transport) -> bool:
    """Whether the kernel holds bytes that were not read yet: the next request, say."""
    return _queued(transport, termios.FIONREAD) > 0


def _queued(transport: asyncio.Transport, which: int) -> int:
    sock = transport.get_extra_info("socket")
    if sock is None:
        return 0
    try:
        return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), which, bytes(4)))[0])
    except (OSError, ValueError):
        return 0
