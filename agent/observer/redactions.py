"""What was hidden, as a Prometheus family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, Metric


class RedactionCollector:
    """Reads the redactor's counts, by rule."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """`outrider_redactions_total`."""
        family = CounterMetricFamily(
            "outrider_redactions",
            "What was hidden where it would have been shown.",
            labels=("rule",),
        )
        for rule, count in sorted(self._counts.items()):
            family.add_metric((rule,), count)
        yield family
