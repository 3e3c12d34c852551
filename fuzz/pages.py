"""What the model server's own metrics may do to ours."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.scrape import known
from agent.scrape.exposition import OPENMETRICS, parse
from agent.scrape.fetch import Page, Unread
from agent.scrape.shaping import OURS, shaped
from agent.signals.metrics import render
from agent.signals.otlp_metrics import metrics_data

MOST = 100
"""Series."""
_READERS = (("", parse_text), (f"{OPENMETRICS}; version=1.0.0", parse_openmetrics))


class _Families:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(data: bytes) -> None:
    """Any page is refused, or families that our page can hold: every sample of them is read again
    in both of its forms, none has a name of ours, and OTLP takes them.

    The first byte says whether it is text or OpenMetrics.
    """
    kind = OPENMETRICS if data[:1] == b"o" else "text/plain"
    try:
        parsed = parse(Page(data[1:], kind), (), known.NAMES, MOST)
    except Unread:
        return
    known.said(None, known.reading(parsed.known), 1.0)
    made = shaped(parsed.shown, "m", lambda text: text, parsed.dropped)
    samples = [sample for family in made for sample in family.samples]
    assert len(samples) <= MOST
    assert not any(family.name.startswith(OURS) for family in made)
    wanted = sorted((s.name, sorted(s.labels.items())) for s in samples)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(made))
    for accept, read in _READERS:
        page, _ = render(registry, accept)
        again = [sample for family in read(page.decode()) for sample in family.samples]
        assert sorted((s.name, sorted(s.labels.items())) for s in again) == wanted, accept
    encode_metrics(metrics_data(made, Resource({}), InstrumentationScope("o", "1"), 5, 9))
