"""Lines to a file descriptor: one write a batch.

Rule: a reader that does not read must not hold up the loop. Where the descriptor can be opened
anew (a pipe, a terminal) that is done without blocking, so that the flag is not shared with other
processes; elsewhere a pipe is written in pieces of PIPE_BUF, which never block once it is
writable. While it is not, the sender waits and its queue drops the oldest.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
from collections.abc import Sequence

from agent.ship.outcome import OK, Outcome, reject
from agent.ship.queue import Record

NEWLINE = 10
LOOK_AGAIN = 0.002
"""Seconds between looks at a full pipe that is not ours to open: 32 MB/s, if it is read so fast."""


class Stdout:
    """Sink of one descriptor, which stays the caller's."""

    def __init__(self, fd: int = 1) -> None:
        self._fd, self._piece = _open(fd)
        self._cut = False
        """The last write ended inside a line."""

    async def push(self, batch: Sequence[Record]) -> Outcome:
        """Writes one batch; waits while the reader does not read."""
        lines = [record.data for record in batch]
        if self._cut:
            lines.insert(0, b"")
        data = memoryview(b"\n".join([*lines, b""]))
        while data:
            if self._piece and not _writable(self._fd):
                await self._until_writable()
            try:
                written = os.write(self._fd, data[: self._piece] if self._piece else data)
            except BlockingIOError:
                await self._until_writable()
                continue
            except OSError as error:
                return reject(error.strerror or "error")
            self._cut = data[written - 1] != NEWLINE
            data = data[written:]
        return OK

    async def close(self) -> None:
        """Closes our own copy of the descriptor."""
        os.close(self._fd)

    async def _until_writable(self) -> None:
        if self._piece:
            # To wait for it in the loop would make the descriptor non-blocking for everyone
            # who shares it: uvloop sets the flag on whatever it polls.
            while not _writable(self._fd):
                await asyncio.sleep(LOOK_AGAIN)
            return
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._fd)


def _open(fd: int) -> tuple[int, int]:
    """A descriptor of our own, and the largest piece to write at once (0: any)."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return os.dup(fd), 0
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        try:
            return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), 0
        except OSError:
            pass  # not ours to open (a container's pipe of another user), or no /proc
    return os.dup(fd), select.PIPE_BUF


def _writable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))
