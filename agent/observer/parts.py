"""The parts of the observer, made of the settings and put together: its composition.

Rule: made once, before the loop serves; what each does is said in its own file.
"""

from __future__ import annotations

import logging
import math
import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from agent import __version__
from agent.config import Config
from agent.decode.images.light import METER
from agent.decode.rules.routes import routes_of
from agent.drift.collector import DriftCollector
from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.drift.state.sources import load_references
from agent.history.recorder import Recorder
from agent.ledger import OBSERVER, Ledger
from agent.load.collector import LoadCollector
from agent.load.monitor import Load
from agent.load.readings import Reader
from agent.observer.day import Day
from agent.observer.decodes import DecodeCollector, ImageCollector
from agent.observer.faults import Faults
from agent.observer.host import host_of, host_view
from agent.observer.keeping.day import DayKeeping
from agent.observer.keeping.load import LoadKeeping
from agent.observer.keeping.state_folder import trouble
from agent.observer.names.asking import naming_of
from agent.observer.names.naming import Naming
from agent.observer.outlets import Outlets
from agent.observer.pages.extras import Extras
from agent.observer.payload_log import PayloadLog
from agent.observer.pipeline import Pipeline
from agent.observer.redact import Redactor
from agent.observer.redactions import RedactionCollector
from agent.observer.shedding import Shedder
from agent.observer.telling.host_news import HostNews
from agent.quality.business import Business
from agent.quality.business import caveats as business_caveats
from agent.quality.collector import QualityCollector
from agent.quality.monitor import Quality
from agent.scrape.build import scraper_of
from agent.scrape.collector import ScrapeCollector
from agent.scrape.scraper import Scraper
from agent.settings.telemetry import Telemetry
from agent.ship import build
from agent.signals import metrics, selflog
from agent.signals.exemplars import Exemplars
from agent.signals.host.collector import HostCollector
from agent.signals.host.sampler import Host
from agent.signals.logs import LogFormatter
from agent.signals.sinks import SinkCollector

if TYPE_CHECKING:  # what is not configured is not loaded
    from agent.observer.alarms.alarming import Alarming


@dataclass(slots=True)
class Parts:
    """What lives as long as the observer."""

    config: Config
    ledger: Ledger
    started_ns: int
    log: logging.Logger
    service: str
    faults: Faults
    sinks: build.Sinks
    redactor: Redactor
    monitor: Monitor
    quality: Quality
    business: Business
    load: Load
    scraper: Scraper | None
    """None: the model server's own metrics are not read."""
    naming: Naming
    pipeline: Pipeline
    recorder: Recorder
    """The traffic of the last day."""
    day: Day
    """That, and what else is known of it."""
    day_keeping: DayKeeping
    load_keeping: LoadKeeping
    host: Host | None
    """None: it is not looked at."""
    host_news: HostNews | None
    registry: CollectorRegistry
    pusher: Any
    """Of OTLP metrics; None: they are not sent."""
    caveats: list[str] = field(default_factory=list)
    extras: Extras = field(default_factory=Extras)
    alarming: Alarming | None = None
    """Alerts of the sidecar's own; None: no destination is configured."""


def make(config: Config, telemetry: Telemetry, ledger: Ledger, scratch: Path | None) -> Parts:
    """All of them; `scratch` is where the monitor's evidence outlives it without a `state_dir`."""
    started_ns = time.time_ns()
    service = os.environ.get("OTEL_SERVICE_NAME") or "outrider"
    log = selflog.make(service, config.logs.level)
    faults = Faults(log)
    caveats = list(telemetry.warnings)
    resource: Any = None
    if telemetry.traces or telemetry.metrics:
        from agent.signals import resource as resources

        resource = resources.make(__version__)
        service = str(resource.attributes.get("service.name", service))
    sinks = _sinks(config, telemetry, log)
    redactor = _redactor(config)
    monitor = _monitor(config, ledger, redactor, scratch, caveats, log)
    quality, business = Quality(), Business()
    host = host_of(config, ledger, log)
    load = Load(Reader(ledger).read, host)
    load.server = scraper = scraper_of(config, redactor.title, log)
    for text in business_caveats(config):
        caveats.append(text)
        log.warning(text)
    naming = naming_of(config, monitor, redactor, faults)
    exemplars = Exemplars(ledger.layout.bounds["duration"])
    lines = bool(sinks.stdout or sinks.logs)
    pipeline = Pipeline(
        Outlets(
            exemplars=exemplars.update,
            spans=_spans(config, resource) if sinks.spans else None,
            span_senders=sinks.spans,
            lines=LogFormatter(service, config.logs.level) if lines else None,
            payload_log=_payload_log(config, redactor, log) if lines else None,
            stdout=sinks.stdout,
            log_senders=sinks.logs,
            drift=monitor.add,
            quality=quality.add,
            unseen=monitor.miss,
            strange=monitor.strange,
            values=business.add,
            rows=load.rows.add,
        ),
        redactor,
        Shedder(ledger.observer),
        log,
        routes_of(config),
        naming,
    )
    registry = metrics.make_registry(
        metrics.LedgerCollector(ledger, exemplars, __version__),
        SinkCollector(sinks.statuses, time.time_ns),
        DecodeCollector(pipeline.decoded.totals),
        ImageCollector(METER.counts),
        pipeline.generations,
        RedactionCollector(redactor.counts),
        DriftCollector(monitor, config.metrics.bin_columns),
        QualityCollector(quality),
        business,
        LoadCollector(load),
        *((HostCollector(host),) if host else ()),
        ScrapeCollector(scraper),
    )
    recorder = Recorder(ledger, rows=lambda: round(sum(load.rows.by_model.values())))
    folder = Path(config.state_dir) if config.state_dir else scratch
    day = Day(ledger, recorder, monitor, redactor)
    parts = Parts(
        config=config,
        ledger=ledger,
        started_ns=started_ns,
        log=log,
        service=service,
        faults=faults,
        sinks=sinks,
        redactor=redactor,
        monitor=monitor,
        quality=quality,
        business=business,
        load=load,
        scraper=scraper,
        naming=naming,
        pipeline=pipeline,
        recorder=recorder,
        day=day,
        day_keeping=DayKeeping(day, folder, log),
        load_keeping=LoadKeeping(load, folder, log),
        host=host,
        host_news=HostNews(host, day.note, redactor.name, log) if host else None,
        registry=registry,
        pusher=_pusher(telemetry, registry, resource, caveats, log),
        caveats=caveats,
        extras=Extras(load=load.overview, host=lambda: host_view(host, redactor, time.time())),
    )
    if config.alerts.to:  # else nothing of it is loaded
        from agent.observer.alarms.alarming import alarming_of

        parts.alarming = alarming_of(parts, scratch)
        parts.extras.alerts = parts.alarming.overview
    return parts


def _sinks(config: Config, telemetry: Telemetry, log: logging.Logger) -> build.Sinks:
    observing = config.observe != "off"
    return build.make_sinks(
        os.environ,
        version=__version__,
        spans=telemetry.traces_protocol if telemetry.traces and observing else None,
        stdout=config.logs.stdout and observing,
        lokis=config.sinks if observing else {},
        log=log,
    )


def _spans(config: Config, made: Any) -> Any:
    from agent.signals import resource
    from agent.signals.span_parts import Upstream
    from agent.signals.traces import SpanEncoder

    bits = random.Random(os.urandom(32)).getrandbits
    return SpanEncoder(
        resource.serialize(made),
        __version__,
        Upstream.of(str(config.upstream)),
        "https" if config.tls.cert else "http",
        lambda: bits(64).to_bytes(8, "big"),
    )


def _redactor(config: Config) -> Redactor:
    file = config.redact.key_file
    return Redactor(config.redact, Path(file).read_bytes() if file else os.urandom(32))


def _payload_log(config: Config, redactor: Redactor, log: logging.Logger) -> PayloadLog | None:
    capture = config.capture
    if not capture.payload_log:
        return None
    log.warning(
        f"payload logging is on: log records keep the JSON bodies of "
        f"{capture.sample_ratio:.4g} of all requests and of their answers, "
        f"{capture.payload_log_bytes} of each at most, less what is redacted "
        f"({', '.join(redactor.rules)}); of other bodies kind and size"
    )
    return PayloadLog(redactor, capture.payload_log_bytes)


def _monitor(
    config: Config,
    ledger: Ledger,
    redactor: Redactor,
    scratch: Path | None,
    caveats: list[str],
    log: logging.Logger,
) -> Monitor:
    drift = config.drift
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
        hides=redactor.hides,
        learn_period=learn.period if learn and math.isfinite(learn.period) else None,
    )
    default = drift.reference if isinstance(drift.reference, str) else None
    state_dir = Path(config.state_dir) if config.state_dir else None
    if state_dir is not None and (text := trouble(state_dir)):
        caveats.append(text)
        log.warning(text)
    references = load_references(default, drift.references)
    lasting = state_dir is not None
    monitor = Monitor(settings, references, state_dir=state_dir or scratch, lasting=lasting)
    ledger.observer[OBSERVER["reference_refused"]] = int(bool(monitor.refused))
    for refusal in monitor.refused:
        text = f"the reference {refusal.source} is not used: {refusal.reason}"
        caveats.append(text)
        log.error(text)
    for refusal in monitor.set_aside:
        log.warning(f"{refusal.source} is not used: {refusal.reason}")
    if state_dir is None and learn is not None:
        log.info("what drift learns is lost when outrider ends; set state_dir to keep it")
    return monitor


def _pusher(
    telemetry: Telemetry,
    registry: CollectorRegistry,
    resource: Any,
    caveats: list[str],
    log: logging.Logger,
) -> Any:
    if not telemetry.metrics:
        return None
    from agent.ship import otlp_settings
    from agent.signals.otlp_metrics import make_pusher

    protocol = telemetry.metrics_protocol
    settings = otlp_settings.read(os.environ, "METRICS", protocol)
    caveats += settings.warnings
    for warning in settings.warnings:
        log.warning(warning)
    return make_pusher(
        registry,
        resource,
        __version__,
        os.environ,
        protocol,
        settings.timeout,
        log,
    )
