"""The metrics of findings and of confidence, read from `Quality` when scraped.

Rule: shows, computes nothing; label values are models, versions, outputs and findings, all bounded.
Each finding of each model is there from the model's first request on, so that an increase from
nothing is one. Where the traffic names no version there is no such label.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from agent.quality.confidence import EDGES, Histogram
from agent.quality.findings import CATALOG
from agent.quality.monitor import Quality
from agent.quality.watch import Watch

_HELP = {
    "confidence": "The greatest probability or score of a row.",
    "margin": "The greatest probability or score of a row less the second greatest.",
    "entropy": "Entropy of a row's probabilities; 0: sure, 1: all are equal.",
    "labels": "Labels of a row: scores of a half or more.",
}


class QualityCollector:
    """A collector for a prometheus_client registry."""

    def __init__(self, quality: Quality) -> None:
        self._quality = quality

    def describe(self) -> list[Metric]:
        """Nothing ahead of time: registering must not scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families, those without samples too."""
        watched = list(self._quality.watched.values())
        yield from _findings(watched)
        for measure in EDGES:
            yield _histograms(measure, watched)


def _version(watch: Watch) -> list[str]:
    return [watch.tally.version] if watch.tally.version else []


def _findings(watched: list[Watch]) -> Iterator[Metric]:
    labels = ("model", "finding", "version")
    total = CounterMetricFamily(
        "outrider_findings", "Requests of status 2xx that show a silent failure.", labels=labels
    )
    active = GaugeMetricFamily(
        "outrider_finding_active", "1 while a finding is so, else 0.", labels=labels
    )
    requests = CounterMetricFamily(
        "outrider_quality_requests",
        "Requests whose answers were looked at for findings.",
        labels=("model", "version"),
    )
    for watch in watched:
        requests.add_metric([watch.tally.model, *_version(watch)], watch.tally.requests)
        for finding in CATALOG:
            state = watch.tally.states.get(finding.name)
            values = [watch.tally.model, finding.name, *_version(watch)]
            total.add_metric(values, state.total if state is not None else 0)
            is_active = state is not None and state.since is not None
            active.add_metric(values, float(is_active))
    yield total
    yield active
    yield requests


def _histograms(measure: str, watched: list[Watch]) -> Metric:
    family = HistogramMetricFamily(
        f"outrider_prediction_{measure}", _HELP[measure], labels=("model", "output", "version")
    )
    for watch in watched:
        told: set[str] = set()
        for layout in watch.layouts.values():
            for output, histograms in layout.histograms.items():
                found = histograms.of.get(measure)
                if found is None or output in told:
                    continue
                told.add(output)
                labels = [watch.tally.model, output, *_version(watch)]
                family.add_metric(labels, _buckets(measure, found), found.sum)
    return family


def _buckets(measure: str, found: Histogram) -> list[tuple[str, float]]:
    """Cumulative counts."""
    counts = found.counts.cumsum().tolist()
    return list(zip([*map(str, EDGES[measure]), "+Inf"], counts, strict=True))
