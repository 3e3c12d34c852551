"""The metrics of the model server as our own page shows them, and how reading them goes.

Rule: shows, computes nothing. What is not read has no sample.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from agent.scrape.scraper import Scraper

_SAID = {
    "queue": (
        "outrider_load_server_queue_requests",
        "Requests waiting in the model server, as it says itself.",
    ),
    "running": (
        "outrider_load_server_running_requests",
        "Requests being worked at in the model server, as it says itself.",
    ),
    "kv_cache_usage": (
        "outrider_load_server_kv_cache_usage_ratio",
        "How full the model server's KV cache is, 0 to 1, as it says itself.",
    ),
}


class ScrapeCollector:
    """A collector for a prometheus_client registry; `scraper` is None where nothing is read."""

    def __init__(self, scraper: Scraper | None) -> None:
        self._scraper = scraper

    def describe(self) -> list[Metric]:
        """Nothing ahead of time: names of others are not known."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Our own families, those without samples too, then the model server's."""
        scraper = self._scraper
        yield from _own(scraper)
        said = scraper.said._asdict() if scraper is not None and scraper.said is not None else {}
        for what, (name, text) in _SAID.items():
            family = GaugeMetricFamily(name, text)
            if said.get(what) is not None:
                family.add_metric((), said[what])
            yield family
        if scraper is not None:
            yield from scraper.families


def _own(scraper: Scraper | None) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "outrider_scrape_up",
        "1 if the model server's metrics were read the last time, else 0.",
        labels=("job",),
    )
    seconds = GaugeMetricFamily(
        "outrider_scrape_duration_seconds", "How long that took.", labels=("job",)
    )
    samples = GaugeMetricFamily(
        "outrider_scrape_samples", "Samples of it that are shown.", labels=("job",)
    )
    dropped = CounterMetricFamily(
        "outrider_scrape_dropped",
        "Samples that were read and are not shown.",
        labels=("job", "reason"),
    )
    if scraper is not None and scraper.up is not None:
        up.add_metric((scraper.job,), float(scraper.up))
        seconds.add_metric((scraper.job,), scraper.seconds)
        samples.add_metric((scraper.job,), scraper.samples)
        for reason, count in scraper.dropped.items():
            dropped.add_metric((scraper.job, reason), count)
    yield from (up, seconds, samples, dropped)
