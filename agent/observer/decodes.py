"""What became of payloads, as a Prometheus family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, Metric


class DecodeCollector:
    """Reads the pipeline's counts, by dialect and outcome."""

    def __init__(self, counts: Mapping[tuple[str, str], int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """`outrider_decode_total`."""
        family = CounterMetricFamily(
            "outrider_decode",
            "Sampled exchanges by dialect and by what became of their payload.",
            labels=("dialect", "outcome"),
        )
        for labels, count in sorted(self._counts.items()):
            family.add_metric(labels, count)
        yield family
