"""When the evidence of the monitor is written down: each minute, and when a verdict has changed.

Rule: the loop makes the bytes, a thread writes them; one write at a time.
"""

from __future__ import annotations

import asyncio
import time

from agent.drift.monitor import Monitor

SECONDS = 60.0
"""Between writes; sooner when a verdict has changed."""


class Keeping:
    """Looks once a second whether there is something to be kept."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._writing: asyncio.Future[None] | None = None
        self._last = time.monotonic()
        self.urgent = False
        """Whether it cannot wait for the minute."""
        self.over = False
        """Whether the files are the next generation's now."""

    def look(self) -> None:
        """Begins to write if it is time."""
        if self.over or (self._writing is not None and not self._writing.done()):
            return
        now = time.monotonic()
        if now - self._last < SECONDS and not self.urgent:
            return
        self._last, self.urgent = now, False
        files = self._monitor.unsaved()
        if files:
            loop = asyncio.get_running_loop()
            self._writing = loop.run_in_executor(None, self._monitor.save, files)

    async def end(self) -> None:
        """Writes what is left."""
        if self._writing is not None:
            await self._writing
        if not self.over:
            self._monitor.save(self._monitor.unsaved(at_end=True))
