"""The body of /api/v1/status, from the ledger and what the observer knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from agent.ledger import OBSERVER, WORKER, Ledger


class SinkStatus(Protocol):
    """What is shown of a sink."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def outcomes(self) -> dict[str, int]: ...
    @property
    def records(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def oldest_ns(self) -> int | None: ...
    @property
    def away(self) -> str: ...


SHED = ("nothing", "sketches", "payload logs", "logs", "spans")


def status(
    ledger: Ledger,
    *,
    version: str,
    started_ns: int,
    now_ns: int,
    sinks: Iterable[SinkStatus],
    config: dict[str, Any],
    caveats: Sequence[str],
    decode: Sequence[dict[str, Any]],
    quality: dict[str, Any],
    business: Sequence[dict[str, Any]],
    names: Sequence[dict[str, Any]],
    load: dict[str, Any] | None = None,
    host: dict[str, Any] | None = None,
    alerts: dict[str, Any] | None = None,
    scrape: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Plain data; `config` as it may be shown, without secrets; `decode` has an item a route,
    `quality` findings and what the predictions are, `business` one a version of a model, `names`
    one a model: where those of its columns and its version are from. `load` is how busy the model
    is, `host` the last sample of the machine; None before anything is known. `alerts`: those that
    the sidecar sends by itself; None where it sends none. `scrape`: how reading the model
    server's metrics goes; None: they are not read.

    Times in ns since the epoch.
    """
    return {
        "version": version,
        "uptime_seconds": round((now_ns - started_ns) / 1e9, 3),
        "processes": processes(ledger),
        "requests": requests(ledger),
        "records": records(ledger),
        "decode": list(decode),
        "names": list(names),
        "quality": quality,
        "business": list(business),
        "load": load,
        "host": host,
        "alerts": alerts,
        "scrape": scrape,
        "sinks": [_sink(sink, now_ns) for sink in sinks],
        "caveats": list(caveats),
        "config": config,
    }


def processes(ledger: Ledger) -> list[dict[str, Any]]:
    """Workers, then the observer."""
    found: list[dict[str, Any]] = []
    for n in range(ledger.workers):
        counters = ledger.worker(n).counters
        names = ("pid", "ready", "draining", "heartbeat", "restarts", "connections", "upstream_up")
        found.append(
            {"role": "worker", "number": n} | {name: counters[WORKER[name]] for name in names}
        )
    own = ("pid", "ready", "heartbeat", "restarts")
    found.append({"role": "observer"} | {name: ledger.observer[OBSERVER[name]] for name in own})
    return found


def requests(ledger: Ledger) -> dict[str, Any]:
    """Counted exactly: in all, by status, and what failed."""
    by_status: dict[str, int] = {}
    for key, histogram in ledger.series().items():
        count = sum(histogram.counts)
        if count:
            by_status[key.status] = by_status.get(key.status, 0) + count
    return {
        "total": sum(by_status.values()),
        "by_status": dict(sorted(by_status.items())),
        "active": sum(ledger.route_counts("active").values()),
        "unparsed": ledger.counter("unparsed"),
    }


def records(ledger: Ledger) -> dict[str, Any]:
    """What was observed of them, and what was lost where."""
    observer = ledger.observer_counter
    return {
        "observed": ledger.counter("observed"),
        "handed": ledger.counter("handed"),
        "received": observer("received"),
        "finished": observer("finished"),
        "dropped": {
            "worker_full": ledger.counter("dropped_full"),
            "worker_away": ledger.counter("dropped_away"),
            "worker_killed": ledger.counter("dropped_killed"),
            "observer_failed": observer("failed"),
            "observer_lost": observer("lost"),
        },
        "unseen": {
            "unsampled": ledger.counter("unsampled"),
            "budget": ledger.counter("over_budget"),
        },
        "shed": SHED[min(ledger.observer[OBSERVER["shed"]], len(SHED) - 1)],
    }


def _sink(sink: SinkStatus, now_ns: int) -> dict[str, Any]:
    oldest = sink.oldest_ns
    return {
        "name": sink.name,
        "kind": sink.kind,
        "records": dict(sink.outcomes),
        "waiting": sink.records,
        "waiting_bytes": sink.bytes,
        "oldest_seconds": 0.0 if oldest is None else round((now_ns - oldest) / 1e9, 3),
        "away": sink.away,
    }
