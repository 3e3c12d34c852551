"""What /metrics says is what the ledger has counted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from agent.ledger import OBSERVER, REASONS, Caps, Ledger, RouteKey, SeriesKey
from agent.observer.generations import Generations
from agent.ship.sender import OUTCOMES, Status
from agent.signals import catalog
from agent.signals.exemplars import LIMIT, Exemplars
from agent.signals.metrics import LedgerCollector, make_registry, render
from agent.signals.sinks import SinkCollector
from tests.signals.factory import USUAL
from tests.signals.ledgers import KEY, ROUTE, count, set_counter

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
SINK = Status("otlp", "grpc", {**dict.fromkeys(OUTCOMES, 0), "sent": 7}, 3, 900, 10**9, "")


def registry(ledger: Ledger, exemplars: Exemplars | None = None) -> CollectorRegistry:
    return make_registry(
        LedgerCollector(ledger, exemplars, "1.2.3"),
        SinkCollector(lambda: [SINK], lambda: 3 * 10**9),
        Generations(),
    )


def samples(ledger: Ledger, exemplars: Exemplars | None = None) -> list[Sample]:
    text, _ = render(registry(ledger, exemplars), "")
    return [s for family in parse_text(text.decode()) for s in family.samples]


def value(found: list[Sample], name: str, **labels: str) -> float:
    values = [s.value for s in found if s.name == name and labels.items() <= s.labels.items()]
    assert len(values) == 1, (name, labels, values)
    return values[0]


def test_counts_are_summed_over_the_workers() -> None:
    ledger = Ledger(2)
    count(ledger, 0, times=3)
    count(ledger, 1, times=4)
    found = samples(ledger)
    name = "http_server_request_duration_seconds"
    labels = dict(zip(catalog.DURATION.labels, KEY, strict=True))
    assert value(found, name + "_count", **labels) == 7
    assert value(found, name + "_sum", **labels) == pytest.approx(7 * 0.0125)
    assert value(found, name + "_bucket", le="0.01", **labels) == 0
    assert value(found, name + "_bucket", le="0.025", **labels) == 7
    assert value(found, name + "_bucket", le="+Inf", **labels) == 7


def test_figures_of_a_route_are_summed_over_its_models() -> None:
    ledger = Ledger(1)
    count(ledger, key=KEY)
    count(ledger, key=KEY._replace(model="other"), times=2)
    found = samples(ledger)
    assert value(found, "outrider_overhead_seconds_count", http_route=ROUTE) == 3
    assert value(found, "http_server_request_body_size_bytes_count", model="iris") == 1


def test_failures_by_reason() -> None:
    ledger = Ledger(1)
    for reason in REASONS:
        count(ledger, key=KEY._replace(status="502", error=reason))
    set_counter(ledger, "unparsed", 5)
    found = samples(ledger)
    failed = "outrider_requests_failed_total"
    for reason in REASONS:
        assert value(found, failed, reason=reason, http_route=ROUTE, model="iris") == 1
    assert value(found, failed, reason="client_protocol", http_route="", model="") == 5


def test_active_requests_are_shown_when_none_is_finished_yet() -> None:
    ledger = Ledger(1)
    region = ledger.worker(0)
    region.routes.words[region.routes.row(RouteKey(ROUTE, "iris"))] = 2
    assert value(samples(ledger), "http_server_active_requests", model="iris") == 2


def test_rows_without_a_count_are_left_out() -> None:
    found = samples(Ledger(1))
    assert not [s for s in found if s.labels.get("http_route")]


def test_losses_of_records_by_stage_and_reason() -> None:
    ledger = Ledger(2)
    set_counter(ledger, "dropped_full", 1, worker=0)
    set_counter(ledger, "dropped_full", 2, worker=1)
    set_counter(ledger, "dropped_away", 4)
    set_counter(ledger, "dropped_killed", 5)
    set_counter(ledger, "unsampled", 6)
    set_counter(ledger, "over_budget", 7)
    ledger.observer[OBSERVER["lost"]] = 8
    ledger.observer[OBSERVER["failed"]] = 9
    ledger.observer[OBSERVER["shed"]] = 2
    found = samples(ledger)
    dropped = "outrider_records_dropped_total"
    assert value(found, dropped, stage="worker", reason="full") == 3
    assert value(found, dropped, stage="worker", reason="away") == 4
    assert value(found, dropped, stage="worker", reason="killed") == 5
    assert value(found, dropped, stage="observer", reason="lost") == 8
    assert value(found, dropped, stage="observer", reason="failed") == 9
    assert value(found, "outrider_rows_unseen_total", reason="unsampled") == 6
    assert value(found, "outrider_rows_unseen_total", reason="budget") == 7
    assert value(found, "outrider_shed_level") == 2


def test_sinks() -> None:
    found = samples(Ledger(1))
    assert value(found, "outrider_sink_records_total", sink="otlp", outcome="sent") == 7
    assert value(found, "outrider_spool_records", sink="otlp") == 3
    assert value(found, "outrider_spool_bytes", sink="otlp") == 900
    assert value(found, "outrider_spool_oldest_seconds", sink="otlp") == 2


def test_build_and_process() -> None:
    found = samples(Ledger(1))
    assert value(found, "outrider_build_info", version="1.2.3") == 1
    assert value(found, "process_resident_memory_bytes") > 0


def exemplars_of(text: str) -> Iterator[Sample]:
    for family in parse_openmetrics(text):
        yield from (s for s in family.samples if s.exemplar)


def test_exemplar_of_a_bucket_is_its_last_sampled_trace() -> None:
    ledger, exemplars = Ledger(1), Exemplars()
    count(ledger, duration=0.0125, times=2)
    count(ledger, duration=2.0)
    assert USUAL.trace is not None
    last = USUAL._replace(trace=(b"\xaa" * 16, *USUAL.trace[1:]), duration=0.02)
    unsampled = USUAL._replace(trace=None, duration=2.0)
    exemplars.update([USUAL, last, unsampled])
    text, content_type = render(registry(ledger, exemplars), OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    [sample] = exemplars_of(text.decode())
    assert sample.labels["le"] == "0.025"
    assert sample.exemplar is not None
    assert sample.exemplar.labels == {"trace_id": "aa" * 16}
    assert sample.exemplar.value == 0.02


def test_no_exemplars_in_the_plain_text() -> None:
    ledger, exemplars = Ledger(1), Exemplars()
    count(ledger)
    exemplars.update([USUAL])
    text, content_type = render(registry(ledger, exemplars), "text/plain")
    assert content_type.startswith("text/plain")
    assert b"trace_id" not in text


def test_exemplars_are_bounded() -> None:
    exemplars = Exemplars()
    exemplars.update([USUAL._replace(route=str(n)) for n in range(LIMIT + 10)])
    assert exemplars.get(KEY._replace(route="0"), 5) is not None
    assert exemplars.get(KEY._replace(route=str(LIMIT)), 5) is None


@given(st.binary(max_size=12))
def test_an_unknown_method_is_other(method: bytes) -> None:
    exemplars = Exemplars()
    exemplars.update([USUAL._replace(method=method + b"X")])
    assert exemplars.get(KEY._replace(method="_OTHER"), 5) is not None


def test_rows_of_other_have_no_exemplar() -> None:
    ledger, exemplars = Ledger(1, caps=Caps(series=1, routes=1)), Exemplars()
    count(ledger)
    exemplars.update([USUAL])
    text, _ = render(registry(ledger, exemplars), OPENMETRICS)
    assert not list(exemplars_of(text.decode()))
    assert b'http_server_request_duration_seconds_count{error_type="",' in text


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("accept", ["", "text/plain; version=0.0.4"])
def test_promtool_has_nothing_to_say(accept: str) -> None:
    ledger = Ledger(2)
    count(ledger)
    for reason in REASONS:
        count(ledger, key=SeriesKey("POST", ROUTE, "502", reason, "iris"))
    text, _ = render(registry(ledger), accept)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_every_metric_is_declared_in_the_catalog() -> None:
    ledger = Ledger(1)
    count(ledger)
    names = {family.name for family in registry(ledger).collect()}
    assert {n for n in names if not n.startswith("process_")} == set(catalog.BY_NAME)
