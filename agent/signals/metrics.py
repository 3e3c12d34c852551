"""The request metrics: the ledger, as Prometheus families.

Rule: nothing is counted here. Each scrape reads the ledger afresh, so the figures are exact
whatever the observer missed. A row of the ledger that never counted anything is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import accumulate
from typing import Protocol, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import ALLOWUTF8, UNDERSCORES
from prometheus_client.samples import Exemplar

from agent.ledger import (
    ABORTED_BY,
    OBSERVER,
    REASONS,
    WORKER,
    Histogram,
    Ledger,
    RouteKey,
    SeriesKey,
)
from agent.signals import catalog
from agent.signals.catalog import Spec
from agent.signals.exemplars import Exemplars

_K = TypeVar("_K", bound=tuple[str, ...])

DROPPED_BY_WORKER = ("full", "away", "killed")
DROPPED_BY_OBSERVER = ("failed", "lost")
SHED = ("sketches", "payload_logs", "logs", "spans")


class Collector(Protocol):
    """What a registry reads."""

    def collect(self) -> Iterable[Metric]:
        """Families of this moment."""


class LedgerCollector:
    """All metrics of the contract that need no payload."""

    def __init__(self, ledger: Ledger, exemplars: Exemplars | None, version: str) -> None:
        self._ledger = ledger
        self._exemplars = exemplars
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Families of this moment."""
        yield self._durations()
        yield from self._routes()
        yield self._failed()
        yield from self._records()
        yield from self._processes()
        yield gauge(catalog.BUILD, {(self._version,): 1})

    def _durations(self) -> Metric:
        family = catalog.DURATION.family()
        for key, histogram in self._ledger.series().items():
            add_histogram(family, catalog.DURATION, key, histogram, self._examples(key, histogram))
        return family

    def _examples(self, key: SeriesKey, histogram: Histogram) -> Mapping[int, Exemplar]:
        if self._exemplars is None:
            return {}
        found = {n: self._exemplars.get(key, n) for n, c in enumerate(histogram.counts) if c}
        return {n: exemplar for n, exemplar in found.items() if exemplar is not None}

    def _routes(self) -> Iterator[Metric]:
        ledger = self._ledger
        sizes = ledger.route_histograms("request_size")
        active = ledger.route_counts("active")
        used = {key for key, histogram in sizes.items() if any(histogram.counts) or active[key]}
        yield gauge(catalog.ACTIVE, {key: active[key] for key in used})
        yield histograms(catalog.REQUEST_SIZE, sizes)
        yield histograms(catalog.RESPONSE_SIZE, ledger.route_histograms("response_size"))
        for spec, name in (
            (catalog.CONNECT, "connect"),
            (catalog.UPSTREAM, "upstream"),
            (catalog.STREAM, "stream"),
            (catalog.OVERHEAD, "overhead"),
        ):
            yield histograms(spec, by_route(ledger.route_histograms(name)))
        yield from self._streams()

    def _streams(self) -> Iterator[Metric]:
        ledger = self._ledger
        first = ledger.route_histograms("first_event")
        yield histograms(catalog.FIRST_EVENT, first)
        yield histograms(catalog.GAP, ledger.route_histograms("gap"))
        stalls = ledger.route_counts("stalls")
        used = (key for key, histogram in first.items() if any(histogram.counts))
        yield counter(catalog.STALLS, {key: stalls[key] for key in used})
        aborted = {
            (by, *key): count
            for by in dict.fromkeys(ABORTED_BY.values())
            for key, count in ledger.route_counts(f"aborted_{by}").items()
            if count
        }
        yield counter(catalog.ABORTED, aborted)

    def _failed(self) -> Metric:
        counted = self._ledger.counter
        values = {
            ("client_protocol", "", ""): counted("unparsed"),
            ("limit", "", ""): counted("unparsed_limit") + counted("refused_connections"),
        }
        for reason in REASONS:
            for key, count in self._ledger.route_counts(reason).items():
                if count:
                    label = (reason, *key)
                    values[label] = values.get(label, 0) + count
        return counter(catalog.FAILED, values)

    def _records(self) -> Iterator[Metric]:
        worker, observer = self._ledger.counter, self._ledger.observer_counter
        yield counter(
            catalog.RECORDS,
            {
                ("observed",): worker("observed"),
                ("handed",): worker("handed"),
                ("received",): observer("received"),
                ("finished",): observer("finished"),
            },
        )
        dropped = {("worker", why): worker(f"dropped_{why}") for why in DROPPED_BY_WORKER}
        dropped |= {("observer", why): observer(why) for why in DROPPED_BY_OBSERVER}
        dropped |= {(what, "shed"): observer(f"shed_{what}") for what in SHED}
        yield counter(catalog.RECORDS_DROPPED, dropped)
        yield counter(
            catalog.UNSEEN,
            {("unsampled",): worker("unsampled"), ("budget",): worker("over_budget")},
        )
        yield gauge(catalog.SHED, {(): self._observer("shed")})
        yield gauge(catalog.CAPTURE, {(): worker("budget_used")})

    def _processes(self) -> Iterator[Metric]:
        ledger = self._ledger
        workers = [ledger.worker(n).counters for n in range(ledger.workers)]
        yield gauge(catalog.CONNECTIONS, {(): ledger.counter("connections")})
        yield counter(catalog.REFUSED, {(): ledger.counter("refused_connections")})
        yield gauge(
            catalog.UPSTREAM_UP,
            {(): int(all(counters[WORKER["upstream_up"]] for counters in workers))},
        )
        yield counter(
            catalog.RESTARTS,
            {
                ("worker",): ledger.counter("restarts"),
                ("observer",): ledger.observer_counter("restarts"),
            },
        )

    def _observer(self, name: str) -> int:
        return self._ledger.observer[OBSERVER[name]]


def make_registry(*collectors: Collector) -> CollectorRegistry:
    """A registry of these collectors and of this process's own figures (`process_*`)."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    for collector in collectors:
        registry.register(collector)
    return registry


def render(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The exposition and its content type: Prometheus text, or OpenMetrics where Accept asks.

    All names have the characters that Prometheus always knew, so that none needs escaping. The
    library would escape a colon, as the model server's names have them, in OpenMetrics' samples
    though not in their metadata.
    """
    encode, content_type = choose_encoder(accept)
    if isinstance(encode, partial) and encode.keywords.get("escaping") == UNDERSCORES:
        encode = partial(encode, escaping=ALLOWUTF8)
    return encode(registry), content_type


def by_route(found: Mapping[RouteKey, Histogram]) -> dict[tuple[str], Histogram]:
    """The same histograms summed over the models of a route."""
    out: dict[tuple[str], Histogram] = {}
    for key, histogram in found.items():
        known = out.get((key.route,))
        out[(key.route,)] = histogram if known is None else _sum(known, histogram)
    return out


def _sum(a: Histogram, b: Histogram) -> Histogram:
    counts = [x + y for x, y in zip(a.counts, b.counts, strict=True)]
    return Histogram(a.bounds, counts, a.sum + b.sum)


def counter(spec: Spec, values: Mapping[_K, float]) -> Metric:
    """A family of counters by their label values."""
    family = spec.family()
    for key, value in values.items():
        family.add_sample(spec.name + "_total", dict(zip(spec.labels, key, strict=True)), value)
    return family


def gauge(spec: Spec, values: Mapping[_K, float]) -> Metric:
    """A family of gauges by their label values."""
    family = spec.family()
    for key, value in values.items():
        family.add_sample(spec.name, dict(zip(spec.labels, key, strict=True)), value)
    return family


def histograms(spec: Spec, found: Mapping[_K, Histogram]) -> Metric:
    """A family of histograms by their label values; empty ones are left out."""
    family = spec.family()
    for key, histogram in found.items():
        add_histogram(family, spec, key, histogram, {})
    return family


def add_histogram(
    family: Metric,
    spec: Spec,
    key: tuple[str, ...],
    histogram: Histogram,
    exemplars: Mapping[int, Exemplar],
) -> None:
    """Adds one histogram, unless it is empty; `exemplars` are by the index of their bucket."""
    cumulative = list(accumulate(histogram.counts))
    if not cumulative[-1]:
        return
    labels = dict(zip(spec.labels, key, strict=True))
    edges = [*map(str, histogram.bounds), "+Inf"]
    for n, (edge, count) in enumerate(zip(edges, cumulative, strict=True)):
        family.add_sample(
            spec.name + "_bucket", {**labels, "le": edge}, count, exemplar=exemplars.get(n)
        )
    family.add_sample(spec.name + "_count", labels, cumulative[-1])
    family.add_sample(spec.name + "_sum", labels, histogram.sum)
