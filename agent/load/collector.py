"""The metrics of the load on the model.

Rule: shows, computes nothing; what is not known has no sample.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from agent.load.monitor import Load

_GAUGES = {
    "concurrency": "Mean number of requests in flight, of the last minute, by Little's law.",
    "concurrency_limit": "Requests at once beyond which throughput was not seen to rise.",
    "saturation_ratio": "outrider_load_concurrency by outrider_load_concurrency_limit.",
    "queue_requests": "Requests in flight above outrider_load_concurrency_limit.",
    "cpu_seconds_per_prediction": "CPU time of the model server by predictions, last minute.",
    "gpu_seconds_per_prediction": "GPU time of the model server by predictions, last minute.",
}


class LoadCollector:
    """A collector for a prometheus_client registry."""

    def __init__(self, load: Load) -> None:
        self._load = load

    def describe(self) -> list[Metric]:
        """Nothing ahead of time: registering must not look."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families, those without samples too."""
        view = self._load.view()
        values: dict[str, float | None] = {}
        if view is not None:
            values = {
                "concurrency": view.span.concurrency if view.span is not None else None,
                "concurrency_limit": view.limit,
                "saturation_ratio": view.saturation,
                "queue_requests": view.queue,
                "cpu_seconds_per_prediction": view.cpu_seconds,
                "gpu_seconds_per_prediction": view.gpu_seconds,
            }
        for name, text in _GAUGES.items():
            family = GaugeMetricFamily(f"outrider_load_{name}", text)
            value = values.get(name)
            if value is not None:
                family.add_metric((), value)
            yield family
        rows = CounterMetricFamily(
            "outrider_load_rows",
            "Rows of decoded answers, each a prediction.",
            labels=("model",),
        )
        for model, count in self._load.rows.by_model.items():
            rows.add_metric((model,), count)
        yield rows
