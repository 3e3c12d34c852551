"""The metrics of alerts that the sidecar sends by itself.

Rule: shows, computes nothing; names of alerts and of destinations are those of the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from agent.alerts.alarms import Alarms


class AlertCollector:
    """A collector for a prometheus_client registry."""

    def __init__(self, alarms: Callable[[], Alarms | None]) -> None:
        """`alarms`: None before the first look."""
        self._alarms = alarms

    def describe(self) -> list[Metric]:
        """Nothing ahead of time: registering must not scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Both families, without samples before the first look."""
        alarms = self._alarms()
        firing = GaugeMetricFamily(
            "outrider_alerts_firing",
            "Alerts of the sidecar's own that fire now.",
            labels=("alertname", "severity"),
        )
        for labels, count in alarms.firing().items() if alarms is not None else ():
            firing.add_metric(labels, count)
        yield firing
        sent = CounterMetricFamily(
            "outrider_alerts_sent",
            "Messages to a destination by what became of them; retried counts tries.",
            labels=("destination", "outcome"),
        )
        for courier in alarms.couriers if alarms is not None else ():
            for outcome, count in courier.counts.items():
                sent.add_metric((courier.name, outcome), count)
        yield sent
