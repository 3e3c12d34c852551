"""References that were learned from traffic, as lines of the log: from when on drift is judged.

Rule: one line for each reference; those of files are named when they are loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.drift.monitor import Monitor


class Learnt:
    """`name`: makes a text fit to be shown."""

    def __init__(self, monitor: Monitor, name: Callable[[str], str], log: logging.Logger) -> None:
        self._monitor = monitor
        self._name = name
        self._log = log
        self._told: dict[tuple[str, str], str] = {}
        """The hash of each version's reference."""

    def look(self) -> None:
        """Tells what is new; call it each second."""
        models = self._monitor.models
        self._told = {key: hashed for key, hashed in self._told.items() if key in models}
        for key, model in models.items():
            reference = model.original
            if reference is None or model.source != "learned":
                continue
            if self._told.get(key) != reference.short_hash:
                self._told[key] = reference.short_hash
                text = (
                    f"drift of {model.key.told()} is judged from now on, by a reference learned "
                    f"from {reference.rows} rows of its traffic ({reference.short_hash})"
                )
                self._log.info(self._name(text))
