"""What people and Prometheus see of the observer: the admin port's views, made of its parts."""

from __future__ import annotations

import time
from typing import Any

from agent import __version__
from agent.admin import live, server
from agent.admin.status import status
from agent.ledger import WORKER
from agent.observer.pages import desk, exchanges, history
from agent.observer.pages.overview import live_overview
from agent.observer.parts import Parts
from agent.settings.shown import shown
from agent.signals import metrics


def views_of(parts: Parts) -> server.Views:
    """Each reads the parts when it is asked for."""
    return server.Views(
        metrics=lambda accept: metrics.render(parts.registry, accept),
        health=lambda: (True, {"status": "ok"}),
        ready=lambda: _ready(parts),
        status=lambda: _status(parts),
        exchanges=lambda query: exchanges.page(parts.pipeline.kept, parts.redactor, query),
        drift=lambda: desk.drift_page(parts.monitor, parts.ledger, parts.redactor),
        orders=desk.orders(parts.monitor, parts.log),
        queried={
            "/api/v1/drift/column": lambda query: desk.column_page(
                parts.monitor, parts.redactor, query
            ),
            "/api/v1/predictions": lambda _: desk.predictions_page(
                parts.monitor, parts.quality, parts.redactor
            ),
        },
        pages=live.Pages(
            overview=lambda: live_overview(parts),
            history=lambda query: history.page(parts.day, query),
        ),
    )


def _ready(parts: Parts) -> tuple[bool, dict[str, Any]]:
    ledger = parts.ledger
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
    if parts.monitor.refused:
        body["reference"] = [refusal._asdict() for refusal in parts.monitor.refused]
    return ready, body


def _status(parts: Parts) -> dict[str, Any]:
    return status(
        parts.ledger,
        version=__version__,
        started_ns=parts.started_ns,
        now_ns=time.time_ns(),
        sinks=parts.sinks.statuses(),
        config=shown(parts.config),
        caveats=[*parts.caveats, *(parts.host.caveats() if parts.host else ())],
        decode=parts.redactor.page(parts.pipeline.decoded.status()),
        quality=parts.redactor.page(parts.quality.status()),
        business=parts.redactor.page(parts.business.status()),
        load=parts.redactor.page(parts.load.status()),
        host=parts.extras.host(),
        alerts=parts.redactor.page(parts.alarming.status() if parts.alarming else None),
        scrape=parts.scraper.status() if parts.scraper is not None else None,
        names=parts.redactor.page(parts.naming.status({name for name, _ in parts.monitor.models})),
    )
