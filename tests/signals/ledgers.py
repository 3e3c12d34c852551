"""A ledger that has counted some requests."""

from __future__ import annotations

from agent.ledger import (
    ROUTE_FIELDS,
    ROUTE_HISTOGRAMS,
    WORKER,
    Ledger,
    RouteKey,
    SeriesKey,
    observe,
)

ROUTE = "/v1/models/{model}:predict"
KEY = SeriesKey("POST", ROUTE, "200", "", "iris")


def count(
    ledger: Ledger, worker: int = 0, key: SeriesKey = KEY, duration: float = 0.0125, times: int = 1
) -> None:
    """What a worker does for one request, `times` times."""
    region = ledger.worker(worker)
    series = region.series.row(key)
    route = region.routes.row(RouteKey(key.route, key.model))
    layout = ledger.layout
    for _ in range(times):
        observe(region.series, series, layout.bounds["duration"], duration)
        for name in ROUTE_HISTOGRAMS:
            at = route + layout.histogram_at[name]
            observe(region.routes, at, layout.bounds[name], 100.0 if "size" in name else 0.001)
        if key.error:
            region.routes.words[route + ROUTE_FIELDS.index(key.error)] += 1


def set_counter(ledger: Ledger, name: str, value: int, worker: int = 0) -> None:
    ledger.worker(worker).counters[WORKER[name]] = value
