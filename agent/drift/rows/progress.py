"""A bar on standard error while a large file is read, for a person at a terminal.

Rule: nothing is written where standard error is no terminal.
"""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 30
"""Characters of the bar."""
EVERY = 0.1
"""Seconds between two drawings, at least."""


class Progress:
    """Draws how far some passes over a file are; a context manager that clears the line."""

    def __init__(
        self,
        label: str,
        passes: int = 1,
        stream: TextIO | None = None,
        *,
        is_wanted: bool = True,
    ) -> None:
        """`is_wanted`: not where a terminal shows the lines of a result meanwhile."""
        self._stream = sys.stderr if stream is None else stream
        self._is_shown = is_wanted and self._stream.isatty()
        self._label = label
        self._passes = passes
        self._pass = 0
        self._last = 0.0
        self._drawn = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def __call__(self, share: float) -> None:
        """`share` of the present pass is done, 0 to 1; less than before begins the next."""
        if share < self._last:
            self._pass += 1
        self._last = share
        now = time.monotonic()
        if not self._is_shown or now - self._drawn < EVERY:
            return
        self._drawn = now
        done = min(1.0, (self._pass + share) / self._passes)
        bar = "#" * int(done * WIDTH)
        self._stream.write(f"\r{self._label} [{bar:{WIDTH}}] {done:4.0%}")
        self._stream.flush()
