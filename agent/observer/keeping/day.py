"""When the last day is written down, and how it is gone on from.

Rule: the loop makes the values, a thread packs and writes them; one write at a time. What cannot
be written or read is said once, and the history goes on in memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from agent.drift.reference.files import read_bounded, write_whole
from agent.drift.state.state import set_aside
from agent.observer.day import Day
from agent.observer.keeping.day_file import MAX_FILE, SavedDay, packed, unpacked

NAME = "history.bin"
EVERY, EVERY_LARGE = 60.0, 300.0
"""Seconds between writes; where the columns have more than LARGE bytes."""
LARGE = 1 << 20


class DayKeeping:
    """The file of one day in `folder`; without one it is in memory."""

    def __init__(self, day: Day, folder: Path | None, log: logging.Logger) -> None:
        self._day = day
        self._path = folder / NAME if folder is not None else None
        self._log = log
        self._writing: asyncio.Future[None] | None = None
        self._next = 0.0
        """When it is time again; 0: it was not written yet."""
        self._said = ""
        self.over = False
        """Whether the file is the next generation's now."""

    def begin(self) -> None:
        """Goes on from what was kept."""
        if self._path is None or not self._path.is_file():
            return
        try:
            self._day.resume(unpacked(read_bounded(self._path, MAX_FILE)))
        except OSError as problem:
            self._tell(f"the history cannot be read, and begins anew: {problem}")
        except Exception as problem:  # whatever it holds must not keep the observer from starting
            aside = set_aside(self._path)
            self._tell(f"the history begins anew: {self._path}: {problem}; it is kept as {aside}")

    def look(self) -> None:
        """Looks at the day, and begins to write if it is time; call it each second."""
        has_looked = self._day.look()
        if self._path is None or self.over or not (has_looked or self._next == 0):
            return
        now = self._day.recorder.read_at
        is_busy = self._writing is not None and not self._writing.done()
        if is_busy or self._next - EVERY_LARGE <= now < self._next:
            return
        self._next = now + (EVERY_LARGE if self._day.columns.nbytes > LARGE else EVERY)
        loop = asyncio.get_running_loop()
        saved = self._day.saved()
        self._writing = loop.run_in_executor(None, self._write, self._path, lambda: saved)

    async def end(self) -> None:
        """Writes what is known to the end."""
        if self._writing is not None:
            await self._writing
        if not self.over and self._path is not None:
            self._write(self._path, self._day.saved)

    def _write(self, path: Path, make: Callable[[], SavedDay]) -> None:
        """What goes wrong here must not keep anything else from ending well."""
        try:
            data = packed(make())
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data, sure=False)
            self._said = ""
        except Exception as problem:
            why = getattr(problem, "strerror", None) or problem
            self._tell(f"the history is kept in memory only: {path}: {why}")

    def _tell(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._log.warning(text)
