"""Faults of ours: said once each, so that a line a request is not an outage of its own."""

from __future__ import annotations

import logging


class Faults:
    """Remembers what was said, by step and kind of error."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._told: set[str] = set()

    def tell(self, step: str, error: Exception, cost: str) -> None:
        """Logs the error with its traceback and what it costs, the first time."""
        name = f"{step}: {type(error).__name__}"
        if name not in self._told:
            self._told.add(name)
            self._log.error(f"a fault in {name}; {cost}", exc_info=error)
