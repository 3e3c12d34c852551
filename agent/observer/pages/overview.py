"""The page's first sight as plain data: `/api/v1/overview`, and what is sent live.

Rule: shows what the parts know; sums are the ledger's, exact. All names pass redaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from agent import __version__
from agent.admin.status import SHED
from agent.drift.traffic.model import ModelWatch
from agent.history.routes import RouteTotals
from agent.history.totals import Buckets, Totals
from agent.ledger import OBSERVER, WORKER
from agent.observer.faults import Faults
from agent.observer.pages.extras import Extra
from agent.observer.pages.next_step import next_step
from agent.observer.pages.unread import NOTHING, Reading, reading, unread
from agent.observer.parts import Parts
from agent.observer.redact import Redactor
from agent.quality.findings import BY_NAME

NOW, DAY = 60, 86400
"""Seconds."""
MAX_ROUTES = 20
MAX_UNREAD = 3


def overview(parts: Parts) -> dict[str, Any]:
    """Plain data; times in seconds since the epoch unless their name has a unit."""
    ledger, recorder, redactor = parts.ledger, parts.recorder, parts.redactor
    now = time.time()
    seconds, routes = parts.day.routes.last_hour()
    workers = [ledger.worker(n).counters for n in range(ledger.workers)]
    decode = parts.pipeline.decoded.status()
    readings = {route["route"]: reading(route) for route in decode}
    models = [_model(model, redactor.title) for model in parts.monitor.models.values()]
    return {
        "at": round(now, 3),
        "version": __version__,
        "uptime_seconds": round(now - parts.started_ns / 1e9, 3),
        "upstream": {
            "url": str(parts.config.upstream),
            "up": all(counters[WORKER["upstream_up"]] for counters in workers),
        },
        "now": _figures(recorder.window(NOW)) | {"active": recorder.reader.active()},
        "day": _figures(recorder.window(DAY)),
        "routes": [
            _route(totals, readings.get(totals.key.route, NOTHING), redactor)
            for totals in routes[:MAX_ROUTES]
        ],
        "routes_seconds": round(seconds, 1),
        "unread": redactor.page(unread(decode, now)[:MAX_UNREAD]),
        "shed": SHED[min(ledger.observer[OBSERVER["shed"]], len(SHED) - 1)],
        "sinks": [_sink(sink) for sink in parts.sinks.statuses()],
        "processes": {
            "workers": ledger.workers,
            "restarts": ledger.counter("restarts"),
            "observer_restarts": ledger.observer_counter("restarts"),
        },
        "models": models,
        "findings": list(_findings(parts)),
        "load": _extra("load", parts.extras.load, parts.faults),
        "host": _extra("host", parts.extras.host, parts.faults),
        "alerts": _extra("alerts", parts.extras.alerts, parts.faults),
        "next_step": next_step(
            parts.config,
            recorder.reader.requests(),
            redactor.page(decode),
            [*parts.monitor.models.values()],
        ),
    }


def live_overview(parts: Parts) -> dict[str, Any]:
    """The same for open pages, of which none may be told a fault: it is told once in the log."""
    try:
        return overview(parts)
    except Exception as error:
        parts.faults.tell("the overview", error, "open pages show nothing new")
        raise


def _extra(name: str, extra: Extra, faults: Faults) -> dict[str, Any] | None:
    try:
        return extra()
    except Exception as error:
        faults.tell(f"the {name}", error, "it is missing in the overview")
        return None


def _figures(totals: Totals) -> dict[str, Any]:
    times = {f"p{n}_ms": _in(totals.durations, n, 1e3) for n in (50, 90, 99)}
    own = {f"overhead_p{n}_us": _in(totals.overheads, n, 1e6) for n in (50, 99)}
    return {
        "seconds": round(totals.seconds, 1),
        "requests": totals.requests,
        "rate": round(totals.rate, 3),
        "error_ratio": totals.error_ratio,
        "client_error_ratio": totals.client_error_ratio,
        **times,
        **own,
    }


def _in(buckets: Buckets, percent: int, unit: float) -> float | None:
    found = buckets.percentile(percent / 100)
    return None if found is None else round(found * unit, 3)


def _route(totals: RouteTotals, read: Reading, redactor: Redactor) -> dict[str, Any]:
    return {
        "route": redactor.name(totals.key.route),
        "model": redactor.title(totals.key.model),
        "requests": totals.requests,
        "error_ratio": totals.errors / totals.requests,
        "p50_ms": _in(totals.durations, 50, 1e3),
        "p99_ms": _in(totals.durations, 99, 1e3),
        **read.shares(),
    }


def _sink(sink: Any) -> dict[str, Any]:
    outcomes = sink.outcomes
    dropped = sum(count for name, count in outcomes.items() if name.startswith("dropped"))
    return {
        "name": sink.name,
        "kind": sink.kind,
        "away": sink.away,
        "waiting": sink.records,
        "dropped": dropped,
        "failed": outcomes["failed"] + outcomes["rejected"],
    }


def _model(model: ModelWatch, title: Callable[[str], str]) -> dict[str, Any]:
    reference, of = model.reference, model.settings.learn_rows
    judged = model.judged
    drifted = [c for c in judged if c.state == "drift" and not model.is_muted(c)]
    derived = sum(column.is_derived for column in drifted)
    is_learning = model.phase == "learning"
    return {
        "model": title(model.name),
        "version": title(model.version),
        "phase": model.phase,
        "state": model.state(),
        "columns": len(model.columns),
        "drifted": len(drifted) - derived,
        "derived": len(judged) - len(model.columns),
        "derived_drifted": derived,
        "unseen": {
            "share": model.unseen.share(),
            "rows": model.unseen.by_reason.total(),
            "told": model.unseen.told(),
        },
        "learning": {"rows": model.inputs.rows, "of": of} if is_learning else None,
        "reference": reference
        and {"hash": reference.short_hash, "source": model.source, "rows": reference.rows},
        "last_seen": model.last_came,
    }


def _findings(parts: Parts) -> Iterator[dict[str, Any]]:
    """Those that are so now."""
    name, title = parts.redactor.name, parts.redactor.title
    for watch in parts.quality.watched.values():
        for kind, state in watch.tally.states.items():
            if state.since is not None:
                known = BY_NAME[kind]
                yield {
                    "model": title(watch.tally.model),
                    "version": title(watch.tally.version),
                    "output": name(state.where),
                    "kind": kind,
                    "text": f"{known.means}; {known.do}",
                    "since": state.since,
                }
