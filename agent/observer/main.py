"""The observer process from its fork to its end: the composition of everything but the traffic."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import random
import signal
import socket
import time
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from agent import __version__
from agent import scratch as scratches
from agent.admin import server
from agent.admin.status import status
from agent.config import Config
from agent.decode.images.light import METER
from agent.decode.routes import routes_of
from agent.drift.collector import DriftCollector
from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.drift.state.sources import load_references
from agent.ledger import OBSERVER, WORKER, Ledger
from agent.observer import changes, desk, heap, kept_page, told
from agent.observer.asking import Asker, naming_of
from agent.observer.decodes import DecodeCollector, ImageCollector
from agent.observer.faults import Faults
from agent.observer.keeping import Keeping
from agent.observer.outlets import Outlets
from agent.observer.payload_log import PayloadLog
from agent.observer.pipeline import Pipeline
from agent.observer.receive import Receiver
from agent.observer.redact import Redactor
from agent.observer.redactions import RedactionCollector
from agent.observer.shedding import Shedder
from agent.orders import SWITCH, hear
from agent.quality import business
from agent.quality.collector import QualityCollector
from agent.quality.monitor import Quality
from agent.ship import build
from agent.shown import shown
from agent.signals import metrics, selflog
from agent.signals.exemplars import Exemplars
from agent.signals.logs import LogFormatter
from agent.signals.sinks import SinkCollector
from agent.telemetry import Telemetry

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
    uvloop.run(_Observer(config, telemetry, ledger, scratch).serve(bus, admin, waits))
    if os.getppid() != supervisor:
        scratches.remove(scratch)


async def _first(*events: asyncio.Event) -> None:
    """Waits for any of them."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


class _Observer:
    def __init__(
        self, config: Config, telemetry: Telemetry, ledger: Ledger, scratch: Path | None
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._started_ns = time.time_ns()
        service = os.environ.get("OTEL_SERVICE_NAME") or "outrider"
        self._log = selflog.make(service, config.logs.level)
        self._faults = Faults(self._log)
        self._told = ""
        self._caveats = list(telemetry.warnings)
        self._resource: Any = None
        if telemetry.traces or telemetry.metrics:
            from agent.signals import resource

            self._resource = resource.make(__version__)
            service = str(self._resource.attributes.get("service.name", service))
        self._service = service
        self._sinks = self._make_sinks(telemetry)
        self._redactor = self._make_redactor()
        self._monitor = self._make_monitor(scratch)
        self._quality = Quality()
        self._keeping = Keeping(self._monitor)
        self._business = business.Business()
        for text in business.caveats(config):
            self._caveats.append(text)
            self._log.warning(text)
        self._naming = naming_of(config, self._monitor, self._redactor, self._faults)
        exemplars = Exemplars(ledger.layout.bounds["duration"])
        lines = bool(self._sinks.stdout or self._sinks.logs)
        self._pipeline = Pipeline(
            Outlets(
                exemplars=exemplars.update,
                spans=self._make_spans(config) if self._sinks.spans else None,
                span_senders=self._sinks.spans,
                lines=LogFormatter(service, config.logs.level) if lines else None,
                payload_log=self._make_payload_log(self._redactor) if lines else None,
                stdout=self._sinks.stdout,
                log_senders=self._sinks.logs,
                drift=self._monitor.add,
                quality=self._quality.add,
                unseen=self._monitor.miss,
                strange=self._monitor.strange,
                values=self._business.add,
            ),
            self._redactor,
            Shedder(ledger.observer),
            self._log,
            routes_of(config),
            self._naming,
        )
        self._registry = metrics.make_registry(
            metrics.LedgerCollector(ledger, exemplars, __version__),
            SinkCollector(self._sinks.statuses, time.time_ns),
            DecodeCollector(self._pipeline.decoded.totals),
            ImageCollector(METER.counts),
            self._pipeline.generations,
            RedactionCollector(self._redactor.counts),
            DriftCollector(self._monitor, config.metrics.bin_columns),
            QualityCollector(self._quality),
            self._business,
        )
        self._pusher = self._make_pusher(telemetry)
        self._stop = asyncio.Event()
        self._switched = asyncio.Event()
        self._links: set[Receiver] = set()

    # ---- the parts

    def _make_sinks(self, telemetry: Telemetry) -> build.Sinks:
        config = self._config
        observing = config.observe != "off"
        return build.make_sinks(
            os.environ,
            version=__version__,
            spans=telemetry.traces_protocol if telemetry.traces and observing else None,
            stdout=config.logs.stdout and observing,
            lokis=config.sinks if observing else {},
            log=self._log,
        )

    def _make_spans(self, config: Config) -> Any:
        from agent.signals import resource
        from agent.signals.span_parts import Upstream
        from agent.signals.traces import SpanEncoder

        bits = random.Random(os.urandom(32)).getrandbits
        return SpanEncoder(
            resource.serialize(self._resource),
            __version__,
            Upstream.of(str(config.upstream)),
            "https" if config.tls.cert else "http",
            lambda: bits(64).to_bytes(8, "big"),
        )

    def _make_redactor(self) -> Redactor:
        file = self._config.redact.key_file
        return Redactor(self._config.redact, Path(file).read_bytes() if file else os.urandom(32))

    def _make_payload_log(self, redactor: Redactor) -> PayloadLog | None:
        capture = self._config.capture
        if not capture.payload_log:
            return None
        self._log.warning(
            f"payload logging is on: log records keep the JSON bodies of "
            f"{capture.sample_ratio:.4g} of all requests and of their answers, "
            f"{capture.payload_log_bytes} of each at most, less what is redacted "
            f"({', '.join(redactor.rules)}); of other bodies kind and size"
        )
        return PayloadLog(redactor, capture.payload_log_bytes)

    def _make_monitor(self, scratch: Path | None) -> Monitor:
        drift = self._config.drift
        learn = None if isinstance(drift.reference, str) else drift.reference.learn
        settings = Settings(
            window_rows=drift.window.rows,
            window_seconds=float(drift.window.seconds),
            false_alarms=drift.false_alarms.per_second,
            replicas=drift.replicas,
            min_effect=drift.min_effect,
            mode=drift.mode,
            natural_variation=drift.natural_variation,
            learn_rows=learn.rows if learn else None,
            hides=self._redactor.hides,
            learn_period=learn.period if learn and math.isfinite(learn.period) else None,
        )
        default = drift.reference if isinstance(drift.reference, str) else None
        state_dir = Path(self._config.state_dir) if self._config.state_dir else None
        references = load_references(default, drift.references)
        lasting = state_dir is not None
        monitor = Monitor(settings, references, state_dir=state_dir or scratch, lasting=lasting)
        self._ledger.observer[OBSERVER["reference_refused"]] = int(bool(monitor.refused))
        for refusal in monitor.refused:
            text = f"the reference {refusal.source} is not used: {refusal.reason}"
            self._caveats.append(text)
            self._log.error(text)
        for refusal in monitor.set_aside:
            self._log.warning(f"{refusal.source} is not used: {refusal.reason}")
        if state_dir is None and learn is not None:
            self._log.info("what drift learns is lost when outrider ends; set state_dir to keep it")
        return monitor

    def _make_pusher(self, telemetry: Telemetry) -> Any:
        if not telemetry.metrics:
            return None
        from agent.ship import otlp_settings
        from agent.signals.otlp_metrics import make_pusher

        protocol = telemetry.metrics_protocol
        settings = otlp_settings.read(os.environ, "METRICS", protocol)
        self._caveats += settings.warnings
        for warning in settings.warnings:
            self._log.warning(warning)
        return make_pusher(
            self._registry,
            self._resource,
            __version__,
            os.environ,
            protocol,
            settings.timeout,
            self._log,
        )

    # ---- the life of the process

    async def serve(self, bus: socket.socket, admin: socket.socket, waits: bool) -> None:
        """Serves until told to end."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(SWITCH, self._switched.set)
        hear()
        counters = self._ledger.observer
        counters[OBSERVER["pid"]] = os.getpid()
        gc.freeze()  # what lives for ever: a full collection would look at it for 20 ms
        for sender in self._sinks.all():
            sender.start()
        if self._pusher is not None:
            self._pusher.start()
        receivers = await loop.create_unix_server(self._receiver, sock=bus)
        if waits:
            counters[OBSERVER["ready"]] = 1
            await _first(self._switched, self._stop)
            self._switched.clear()
        pages = await self._serve_pages(admin)
        counters[OBSERVER["ready"]] = 1
        leaving = loop.create_task(self._leave_pages(pages))
        asking = loop.create_task(Asker(self._config, self._naming, self._faults).run())
        await self._tick()
        asking.cancel()
        await self._end(receivers)
        leaving.cancel()
        await pages.cleanup()

    def _receiver(self) -> Receiver:
        return Receiver(self._ledger, self._pipeline.handle, self._is_worker, self._links)

    async def _leave_pages(self, pages: web.AppRunner) -> None:
        """Once another generation has taken over: who asks the port must find that one."""
        await self._switched.wait()
        self._keeping.over = True
        await pages.cleanup()

    async def _tick(self) -> None:
        counters = self._ledger.observer
        trim = heap.trimmer()
        while not self._stop.is_set():
            counters[OBSERVER["heartbeat"]] += 1
            if counters[OBSERVER["heartbeat"]] % TRIM_TICKS == 0:
                trim()
            for step, look in (
                ("names", self._naming.tick),
                ("drift", self._monitor.tick),
                ("quality", self._quality.tick),
                ("drift", self._tell_changes),
                ("drift", self._keeping.look),
            ):
                try:
                    look()
                except Exception as error:
                    self._faults.tell(step, error, "verdicts may be late")
            try:
                await asyncio.wait_for(self._stop.wait(), TICK)
            except TimeoutError:
                continue

    async def _end(self, receivers: asyncio.Server) -> None:
        """The workers have ended: what they sent is read to its end, then the sinks are emptied."""
        flush = self._config.drain.flush
        await asyncio.sleep(LAST_CONNECTIONS)
        receivers.close()
        until = time.monotonic() + flush
        while self._links and time.monotonic() < until:
            await asyncio.sleep(0.01)
        self._naming.end()
        await self._keeping.end()
        ends = [sender.stop(flush) for sender in self._sinks.all()]
        if self._pusher is not None:
            ends.append(asyncio.to_thread(self._pusher.stop, flush))
        await asyncio.gather(*ends)

    def _tell_changes(self) -> None:
        if self._monitor.last_error != self._told:
            self._told = self._monitor.last_error
            if self._told:
                self._log.warning(f"what drift learned is kept in memory only: {self._told}")
            else:
                self._log.info("what drift learned is kept on disk again")
        for note in self._monitor.take_notes():
            self._log.warning(note)
        found = [*changes.lines(self._monitor.take_changes())]
        found += told.lines(self._quality.take_news(), self._redactor.name)
        changes.tell(found, self._log)
        records = changes.records(found, self._service, time.time_ns())
        for sender in self._sinks.logs if records else ():
            sender.put(records)
        self._keeping.urgent |= bool(found)

    def _is_worker(self, pid: int) -> bool:
        ledger = self._ledger
        return any(ledger.worker(n).counters[WORKER["pid"]] == pid for n in range(ledger.workers))

    # ---- what people and Prometheus see

    async def _serve_pages(self, sock: socket.socket) -> web.AppRunner:
        views = server.Views(
            metrics=lambda accept: metrics.render(self._registry, accept),
            health=lambda: (True, {"status": "ok"}),
            ready=self._ready,
            status=self._status,
            exchanges=lambda query: kept_page.page(self._pipeline.kept, self._redactor, query),
            drift=lambda: desk.drift_page(self._monitor, self._ledger),
            orders=desk.orders(self._monitor, self._log),
        )
        return await server.start(views, sock, self._config.admin.token, self._log)

    def _ready(self) -> tuple[bool, dict[str, Any]]:
        ledger = self._ledger
        workers = [ledger.worker(n).counters for n in range(ledger.workers)]
        up = all(counters[WORKER["upstream_up"]] for counters in workers)
        draining = any(counters[WORKER["draining"]] for counters in workers)
        serving = all(counters[WORKER["ready"]] for counters in workers)
        ready = up and serving and not draining
        body: dict[str, Any] = {
            "status": "ready" if ready else "not ready",
            "upstream": "ok" if up else "unreachable",
            "draining": draining,
            "observer": "ok",
        }
        if self._monitor.refused:
            body["reference"] = [refusal._asdict() for refusal in self._monitor.refused]
        return ready, body

    def _status(self) -> dict[str, Any]:
        return status(
            self._ledger,
            version=__version__,
            started_ns=self._started_ns,
            now_ns=time.time_ns(),
            sinks=self._sinks.statuses(),
            config=shown(self._config),
            caveats=self._caveats,
            decode=self._redactor.page(self._pipeline.decoded.status()),
            quality=self._redactor.page(self._quality.status()),
            business=self._redactor.page(self._business.status()),
            names=self._redactor.page(
                self._naming.status({name for name, _ in self._monitor.models})
            ),
        )
