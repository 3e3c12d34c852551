"""Alerts that the sidecar sends by itself: when they are judged, and what of them is kept.

Rule: every EVERY seconds the parts are read as plain data (`view`), which `agent.alerts`
judges; it knows none of them. Without a destination in the settings none of this is made.

What was told is kept in a file, so that a restarted observer, or the next generation, tells nothing
twice. Only one generation judges: the older one until it is taken over.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import __version__
from agent.alerts.alarms import MAX_KEPT, Alarms, Kept, read
from agent.alerts.build import make_alarms
from agent.alerts.collector import AlertCollector
from agent.alerts.view import View
from agent.config import Config
from agent.drift.reference.files import read_bounded, write_whole
from agent.observer.alarms.view import Viewer

if TYPE_CHECKING:
    from agent.observer.parts import Parts

EVERY = 2.0
"""Seconds between two looks."""
FILE = "alerts.json"
MAX_SHOWN = 20
"""Alerts in the overview."""


def alarming_of(parts: Parts, scratch: Path | None) -> Alarming:
    """Made of the observer's parts; `scratch` is where what was told outlives it without a
    `state_dir`."""
    config = parts.config
    view = Viewer(
        config.alerts.slo,
        parts.ledger,
        parts.recorder,
        parts.monitor,
        parts.quality,
        parts.sinks.statuses,
        parts.redactor,
    )
    folder = Path(config.state_dir) if config.state_dir else scratch
    alarming = Alarming(config, parts.service, folder, view, parts.log)
    parts.registry.register(AlertCollector(lambda: alarming.alarms))
    return alarming


class Alarming:
    """Made before the loop serves, begins with the first tick."""

    def __init__(
        self,
        config: Config,
        service: str,
        folder: Path | None,
        view: Callable[[float], View],
        log: logging.Logger,
    ) -> None:
        """`folder`: where what was told is kept; None: in memory."""
        self._config, self._service, self._log = config, service, log
        self._path = folder / FILE if folder is not None else None
        self._view = view
        self._next = 0.0
        self._writing: asyncio.Future[None] | None = None
        self._trouble = ""
        self.alarms: Alarms | None = None
        self.over = False
        """Whether it is the next generation's now."""

    def tick(self) -> None:
        """Looks if it is time; call it each second, in the running loop."""
        if self.over or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        now = time.time()
        if self.alarms is None:
            self.alarms = self._begin(now)
        self.alarms.look(self._view(now))
        self._save()

    async def stop(self, deadline: float) -> None:
        """Tells what is left, for at most `deadline` seconds, and keeps what was told."""
        if self.alarms is None:
            return
        if not self.over:
            await self.alarms.stop(time.time(), deadline)
        if self._writing is not None:
            await self._writing
        data = self.alarms.unsaved() if self._path is not None and not self.over else None
        if self._path is not None and data is not None:
            self._keep(self._path, data)

    def status(self) -> dict[str, Any] | None:
        """For `/api/v1/status`; None before the first look."""
        if self.alarms is None:
            return None
        return {**self.alarms.status(), "kept_in": str(self._path or "memory")}

    def overview(self) -> dict[str, Any] | None:
        """For `/api/v1/overview`: the same, less what is long; at most MAX_SHOWN that fire."""
        page = self.status()
        if page is None:
            return None
        names = ("name", "severity", "summary", "since")
        firing = [{name: one[name] for name in names} for one in page["firing"][:MAX_SHOWN]]
        told = ("name", "type", "suppressed", "away")
        return {
            "firing": firing,
            "more": len(page["firing"]) - len(firing),
            "destinations": [{name: one[name] for name in told} for one in page["destinations"]],
        }

    def _save(self) -> None:
        """One write at a time; what is new meanwhile is written with the next look."""
        is_free = self._writing is None or self._writing.done()
        if self._path is None or self.alarms is None or not is_free or self.over:
            return
        data = self.alarms.unsaved()
        if data is not None:
            loop = asyncio.get_running_loop()
            self._writing = loop.run_in_executor(None, self._keep, self._path, data)

    def _begin(self, now: float) -> Alarms:
        config = self._config
        made = make_alarms(
            config.alerts,
            service=self._service,
            instance=f"{socket.gethostname()}:{config.admin.listen.port}",
            version=__version__,
            kept=self._kept(),
            now=now,
            log=self._log,
        )
        for courier in made.couriers:
            courier.settled = self._save
        return made

    def _kept(self) -> Kept | None:
        if self._path is None or not self._path.is_file():
            return None
        try:
            return read(read_bounded(self._path, MAX_KEPT))
        except (OSError, ValueError, RecursionError) as error:
            text = f"{self._path} is not used: {error}; alerts that fire are told anew"
            self._log.warning(text)
            return None

    def _keep(self, path: Path, data: bytes) -> None:
        try:
            write_whole(path, data, sure=False)
        except OSError as error:
            if not self._trouble:
                self._log.warning(f"what alerts were told is kept in memory only: {error}")
            self._trouble = str(error)
        else:
            self._trouble = ""
