"""Does something again and again in a thread of its own, for what may block.

Rule: one call at a time, so that a call that never comes back costs one thread and no more; the
thread is a daemon, which does not keep the process from its end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable


class Periodic:
    """`look` gives the seconds until it is wanted again, or None for never. A fault is told once,
    and does not end it."""

    def __init__(
        self, name: str, look: Callable[[], float | None], pause: float, log: logging.Logger
    ) -> None:
        self._name = name
        self._look = look
        self._pause = pause
        self._log = log
        self._told = ""
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begins; the first look is at once."""
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def stop(self) -> None:
        """No more looks. A look that is under way is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        pause: float | None = 0.0
        while pause is not None and not self._stopped.wait(pause):
            try:
                pause = self._look()
            except Exception as error:
                pause = self._pause
                if self._told != type(error).__name__:
                    self._told = type(error).__name__
                    self._log.error(f"a fault in {self._name}; its figures are old", exc_info=error)
