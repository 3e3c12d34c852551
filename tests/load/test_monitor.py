"""What is told of the load, from looks that are a second apart."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from agent.ledger import RouteKey
from agent.load.collector import LoadCollector
from agent.load.monitor import KEPT, Load
from agent.load.readings import Flow, Reading
from agent.load.rows import MAX_MODELS, OTHER, Rows

ROUTE = RouteKey("/predict", "m")


class Payload:
    def __init__(self, model: str, rows: int, output_rows: int) -> None:
        self.model, self.rows, self.output_rows = model, rows, output_rows


class Traffic:
    """So many clients that each ask again once they have their answer, second by second."""

    def __init__(self, slots: int, service: float) -> None:
        self.slots, self.service = slots, service
        self.reading = Reading(0.0, {ROUTE: Flow(0, 0.0, 0)}, 0, 0, 0)
        self.cpu: float | None = 100.0
        self.burns = True
        self.load = Load(lambda now: self.reading._replace(at=now), self)
        self.load.tick(0.0)

    def cpu_seconds(self) -> float | None:
        return self.cpu

    def gpu_seconds(self) -> float | None:
        return None

    def go(self, clients: int, seconds: int, rows: int = 0, read_share: float = 1.0) -> None:
        for _ in range(seconds):
            was = self.reading
            done = round(min(clients, self.slots) / self.service)
            then = was.flows[ROUTE]
            flow = Flow(then.requests + done, then.seconds + clients, clients)
            self.reading = Reading(
                was.at + 1,
                {ROUTE: flow},
                was.answered + done,
                was.observed + done,
                was.unread + round(done * (1 - read_share)),
            )
            for _ in range(round(done * read_share) if rows else 0):
                self.load.rows.add(Payload("m", 1, rows))  # type: ignore[arg-type]
            if self.cpu is not None and self.burns:
                self.cpu += min(clients, self.slots) / self.slots
            self.load.tick(self.reading.at)


def test_before_anything_is_known_nothing_is_told() -> None:
    load = Load(lambda now: Reading(now, {}, 0, 0, 0))
    assert (load.view(), load.status(), load.overview()) == (None, None, None)
    load.tick(0.0)
    assert load.overview() is None
    told = load.status()
    assert told is not None
    assert (told["in_flight"], told["concurrency"], told["saturation"]) == (0, None, None)


def test_a_full_server_is_saturated_and_has_a_queue() -> None:
    traffic = Traffic(slots=4, service=0.05)
    for clients in (1, 4, 10):
        traffic.go(clients, 10)
    told = traffic.load.status()
    assert told is not None
    assert told["concurrency_limit"] == pytest.approx(4, rel=0.1)
    assert told["in_flight"] == 10
    assert told["queue"] == pytest.approx(6, rel=0.1)
    assert told["concurrency"] == pytest.approx(5, rel=0.05), "of half a minute"
    traffic.go(10, 60)
    view = traffic.load.view()
    assert view is not None
    assert view.saturation == pytest.approx(2.5, rel=0.1)
    traffic.go(1, 60)
    view = traffic.load.view()
    assert view is not None
    assert view.queue == 0
    assert view.saturation == pytest.approx(0.25, rel=0.1)


def test_an_unknown_limit_is_absent_with_its_reason() -> None:
    traffic = Traffic(slots=4, service=0.05)
    traffic.go(2, 20)
    told = traffic.load.status()
    assert told is not None
    assert told["concurrency_limit"] is None
    assert told["saturation"] is None
    assert told["queue"] is None
    assert "throughput still rose" in told["concurrency_limit_unknown"]
    names = {
        sample.name for family in LoadCollector(traffic.load).collect() for sample in family.samples
    }
    assert names == {"outrider_load_concurrency", "outrider_load_cpu_seconds_per_prediction"}


def test_cost_is_of_all_predictions_though_some_were_not_looked_at() -> None:
    traffic = Traffic(slots=2, service=0.02)
    traffic.go(2, 30, rows=5, read_share=0.5)
    view = traffic.load.view()
    assert view is not None
    assert view.predictions is not None
    assert view.predictions == (pytest.approx(100 * 5 * 30), "rows")
    assert view.cpu_seconds == pytest.approx(1 / 500)
    assert view.gpu_seconds is None
    assert view.rows_per_second == {"m": pytest.approx(250)}


def test_where_nothing_is_decoded_an_answered_request_is_a_prediction() -> None:
    traffic = Traffic(slots=2, service=0.02)
    traffic.go(2, 30)
    told = traffic.load.status()
    assert told is not None
    assert told["predictions_counted"] == "requests"
    assert told["cpu_seconds_per_prediction"] == pytest.approx(0.01)


def cost(traffic: Traffic) -> float | None:
    view = traffic.load.view()
    assert view is not None
    return view.cpu_seconds


def test_a_model_server_that_began_anew_has_the_cost_of_the_new_one() -> None:
    traffic = Traffic(slots=2, service=0.02)
    traffic.go(2, 10)
    traffic.cpu = 0.0
    traffic.go(2, 1)
    assert cost(traffic) is None
    traffic.go(2, 10)
    assert cost(traffic) == pytest.approx(0.01)
    traffic.cpu = None
    traffic.go(2, 1)
    assert cost(traffic) is None


def test_what_is_sampled_seldom_goes_with_the_predictions_of_that_time() -> None:
    """Each tenth second is known, and 1 s of CPU makes 100 predictions, of traffic that grows."""
    traffic = Traffic(slots=40, service=0.02)
    traffic.burns = False
    used = 0.0
    for second in range(1, 46):
        used += 50 * min(second, 40) / 100
        if second % 10 == 0:
            traffic.cpu = 100 + used
        traffic.go(second, 1)
    assert cost(traffic) == pytest.approx(0.01)


def test_what_was_known_long_ago_is_not_told() -> None:
    traffic = Traffic(slots=2, service=0.02)
    traffic.go(2, 10)
    assert cost(traffic) == pytest.approx(0.01)
    traffic.burns = False
    traffic.go(0, 200)
    assert cost(traffic) is None


def test_looks_are_bounded_however_often_it_ticks() -> None:
    load = Load(lambda now: Reading(now, {}, 0, 0, 0))
    for n in range(500):
        load.tick(n / 100)
    assert len(load._looks) == KEPT
    view = load.view()
    assert view is not None
    assert view.span is not None
    assert view.span.seconds < 60


def test_models_beyond_the_bound_are_counted_together() -> None:
    rows = Rows()
    for n in range(MAX_MODELS + 10):
        rows.add(Payload(f"m{n}", 2, 0))  # type: ignore[arg-type]
    rows.add(Payload("m0", 2, 3))  # type: ignore[arg-type]
    assert len(rows.by_model) == MAX_MODELS + 1
    assert rows.by_model["m0"] == 5
    assert rows.by_model[OTHER] == 20


def test_registering_looks_at_nothing() -> None:
    registry = CollectorRegistry()
    load: Any = None
    registry.register(LoadCollector(load))
