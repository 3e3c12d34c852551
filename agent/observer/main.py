"""The observer process from its fork to its end: the life of its parts."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import time
from pathlib import Path

import uvloop
from aiohttp import web

from agent import scratch as scratches
from agent.admin import server
from agent.config import Config
from agent.ledger import OBSERVER, WORKER, Ledger
from agent.observer import heap
from agent.observer.keeping.evidence import Keeping
from agent.observer.names.asking import Asker
from agent.observer.pages.views import views_of
from agent.observer.parts import Parts, make
from agent.observer.receive import Receiver
from agent.observer.telling import changes, told
from agent.observer.telling.learnt import Learnt
from agent.orders import SWITCH, hear
from agent.settings.telemetry import Telemetry

TICK = 1.0
"""Seconds between heartbeats, and between looks at windows whose time is over."""
TRIM_TICKS = 2
"""Between hand-backs of free memory."""
LAST_CONNECTIONS = 0.05
"""Seconds for what waits in the bus's queue to be taken."""


def run(
    config: Config,
    telemetry: Telemetry,
    ledger: Ledger,
    bus: socket.socket,
    admin: socket.socket,
    waits: bool,
    scratch: Path | None,
) -> None:
    """Observes until SIGTERM, then sends what is left for at most `drain.flush` seconds.

    If it `waits`, it is ready but does not serve its port before SWITCH. `scratch` is a folder
    that the next observer will find too, if there is no `state_dir`.
    """
    supervisor = os.getppid()
    uvloop.run(_Observer(make(config, telemetry, ledger, scratch)).serve(bus, admin, waits))
    if os.getppid() != supervisor:
        scratches.remove(scratch)


async def _first(*events: asyncio.Event) -> None:
    """Waits for any of them."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


class _Observer:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._told = ""
        self._keeping = Keeping(parts.monitor)
        self._learnt = Learnt(parts.monitor, parts.redactor.name, parts.log)
        self._stop = asyncio.Event()
        self._switched = asyncio.Event()
        self._links: set[Receiver] = set()

    async def serve(self, bus: socket.socket, admin: socket.socket, waits: bool) -> None:
        """Serves until told to end."""
        parts = self._parts
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(SWITCH, self._switched.set)
        hear()
        counters = parts.ledger.observer
        counters[OBSERVER["pid"]] = os.getpid()
        gc.freeze()  # what lives for ever: a full collection would look at it for 20 ms
        for sender in parts.sinks.all():
            sender.start()
        if parts.pusher is not None:
            parts.pusher.start()
        if parts.host is not None:
            parts.host.start()
        receivers = await loop.create_unix_server(self._receiver, sock=bus)
        if waits:
            counters[OBSERVER["ready"]] = 1
            await _first(self._switched, self._stop)
            self._switched.clear()
        parts.day_keeping.begin()
        parts.load_keeping.begin()
        pages = await server.start(views_of(parts), admin, parts.config.admin.token, parts.log)
        counters[OBSERVER["ready"]] = 1
        leaving = loop.create_task(self._leave_pages(pages))
        asking = [loop.create_task(Asker(parts.config, parts.naming, parts.faults).run())]
        if parts.scraper is not None:
            asking.append(loop.create_task(parts.scraper.run()))
        await self._tick()
        for task in asking:
            task.cancel()
        await self._end(receivers)
        leaving.cancel()
        await pages.cleanup()

    def _receiver(self) -> Receiver:
        parts = self._parts
        return Receiver(parts.ledger, parts.pipeline.handle, self._is_worker, self._links)

    async def _leave_pages(self, pages: web.AppRunner) -> None:
        """Once another generation has taken over: who asks the port must find that one."""
        await self._switched.wait()
        self._keeping.over = self._parts.day_keeping.over = True
        self._parts.load_keeping.over = True
        if self._parts.alarming is not None:
            self._parts.alarming.over = True
        await pages.cleanup()

    async def _tick(self) -> None:
        parts = self._parts
        counters = parts.ledger.observer
        trim = heap.trimmer()
        while not self._stop.is_set():
            counters[OBSERVER["heartbeat"]] += 1
            if counters[OBSERVER["heartbeat"]] % TRIM_TICKS == 0:
                trim()
            for step, look in (
                ("names", parts.naming.tick),
                ("drift", parts.monitor.tick),
                ("quality", parts.quality.tick),
                ("load", lambda: parts.load.tick(time.monotonic())),
                ("drift", self._tell_changes),
                ("drift", self._keeping.look),
                ("drift", self._learnt.look),
                ("host", parts.host_news.look if parts.host_news else int),
                ("history", parts.day_keeping.look),
                ("load", parts.load_keeping.look),
                ("alerts", parts.alarming.tick if parts.alarming else int),
            ):
                try:
                    look()
                except Exception as error:
                    parts.faults.tell(step, error, "verdicts, history and alerts may be late")
            try:
                await asyncio.wait_for(self._stop.wait(), TICK)
            except TimeoutError:
                continue

    async def _end(self, receivers: asyncio.Server) -> None:
        """The workers have ended: what they sent is read to its end, then the sinks are emptied."""
        parts = self._parts
        flush = parts.config.drain.flush
        await asyncio.sleep(LAST_CONNECTIONS)
        receivers.close()
        until = time.monotonic() + flush
        while self._links and time.monotonic() < until:
            await asyncio.sleep(0.01)
        parts.naming.end()
        if parts.host is not None:
            parts.host.stop()
        await self._keeping.end()
        await parts.day_keeping.end()
        await parts.load_keeping.end()
        ends = [sender.stop(flush) for sender in parts.sinks.all()]
        if parts.pusher is not None:
            ends.append(asyncio.to_thread(parts.pusher.stop, flush))
        if parts.alarming is not None:
            ends.append(parts.alarming.stop(flush))
        await asyncio.gather(*ends)

    def _tell_changes(self) -> None:
        parts = self._parts
        if parts.monitor.last_error != self._told:
            self._told = parts.monitor.last_error
            if self._told:
                parts.log.warning(f"what drift learned is kept in memory only: {self._told}")
            else:
                parts.log.info("what drift learned is kept on disk again")
        for note in parts.monitor.take_notes():
            parts.log.warning(note)
        found = [*changes.lines(parts.monitor.take_changes())]
        found += told.lines(parts.quality.take_news(), parts.redactor.name)
        changes.tell(found, parts.log)
        parts.day.tell(found)
        records = changes.records(found, parts.service, time.time_ns())
        for sender in parts.sinks.logs if records else ():
            sender.put(records)
        self._keeping.urgent |= bool(found)

    def _is_worker(self, pid: int) -> bool:
        ledger = self._parts.ledger
        return any(ledger.worker(n).counters[WORKER["pid"]] == pid for n in range(ledger.workers))
