"""What was seen of the model server's limit, kept for the next observer or the next Outrider.

Rule: a few kilobytes, written each minute in a thread; what cannot be written or read is said once,
and the limit is found anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.drift.reference.files import read_bounded, write_whole
from agent.drift.state.state import set_aside
from agent.load.limit import SavedLevel
from agent.load.monitor import Load

NAME = "load.json"
EVERY = 60.0
"""Seconds between writes."""
MAX_FILE = 64 << 10


class Saved(Struct, forbid_unknown_fields=True):
    """The file."""

    at: float
    """Seconds since the epoch."""
    levels: list[SavedLevel]


class LoadKeeping:
    """The file of one table in `folder`; without one it is in memory."""

    def __init__(
        self,
        load: Load,
        folder: Path | None,
        log: logging.Logger,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._load = load
        self._path = folder / NAME if folder is not None else None
        self._log = log
        self._clock = clock
        self._writing: asyncio.Future[None] | None = None
        self._written = clock()
        self._said = ""
        self.over = False
        """Whether the file is the next generation's now."""

    def begin(self) -> None:
        """Goes on from what was kept."""
        if self._path is None or not self._path.is_file():
            return
        try:
            saved = msgspec.json.decode(read_bounded(self._path, MAX_FILE), type=Saved)
            self._load.table.resume(saved.levels, max(self._clock() - saved.at, 0.0))
        except OSError as problem:
            self._tell(f"what was seen of the load cannot be read: {problem}")
        except ValueError as problem:
            aside = set_aside(self._path)
            self._tell(f"the load begins anew: {self._path}: {problem}; it is kept as {aside}")

    def look(self) -> None:
        """Begins to write if it is time; call it each second."""
        now = self._clock()
        is_busy = self._writing is not None and not self._writing.done()
        if self._path is None or self.over or is_busy or 0 <= now - self._written < EVERY:
            return
        self._written = now
        self._writing = asyncio.get_running_loop().run_in_executor(
            None, self._write, self._path, self._data(now)
        )

    async def end(self) -> None:
        """Writes what is known to the end."""
        if self._writing is not None:
            await self._writing
        if self._path is not None and not self.over:
            self._write(self._path, self._data(self._clock()))

    def _data(self, now: float) -> bytes:
        return msgspec.json.encode(Saved(now, self._load.table.saved()))

    def _write(self, path: Path, data: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data, sure=False)
            self._said = ""
        except OSError as problem:
            why = problem.strerror or problem
            self._tell(f"what was seen of the load is kept in memory only: {path}: {why}")

    def _tell(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._log.warning(text)
