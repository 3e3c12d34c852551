"""A fault inside the observer costs its own records and no request: nothing fails, no byte changes.

Every stage in turn raises, every other time, whatever Python can raise (`faulty.FAULTS`), or
stands still.
"""

from __future__ import annotations

import contextlib
import http.client
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.faults.load import ANSWER_BODY, REQUEST, Load, counting_model
from tests.harness import Metrics, Outrider, eventually, free_ports, get

pytestmark = pytest.mark.slow

FAULTY = (sys.executable, "-m", "tests.faults.faulty")
TOTAL = 2000
COUNT = "http_server_request_duration_seconds_count"
STAGES = [
    "agent.observer.pipeline:read",
    "agent.signals.exemplars:Exemplars.update",
    "agent.signals.traces:SpanEncoder.encode",
    "agent.signals.logs:LogFormatter.records",
    "agent.drift.monitor:Monitor.add",
    "agent.drift.monitor:Monitor.tick",
    "agent.drift.monitor:Monitor.take_changes",
    "agent.ship.otlp_http:OtlpHttp.push",
    "agent.ship.loki:Loki.push",
    "agent.ship.stdout:Stdout.push",
    "agent.observer.receive:decode",
    "agent.observer.shedding:Shedder.level",
    "agent.signals.metrics:LedgerCollector.collect",
    "agent.drift.collector:DriftCollector.collect",
    "agent.observer.pages.views:status",
    "agent.observer.pages.views:live_overview",
    "agent.observer.day:Day.look",
    "agent.signals.host.machine:sample",
]


@pytest.fixture(scope="module")
def model():
    with counting_model() as model:
        yield model


def settings():
    """With every stage in use; its sinks are away."""
    url = f"http://127.0.0.1:{free_ports(1)[0]}/loki/api/v1/push"
    return {
        "sinks": {"loki": {"type": "loki", "url": url}},
        "drift": {"reference": {"learn": {"rows": 500}}, "window": {"rows": 100}},
        "drain": {"delay": "0s", "flush": "0.1s"},
    }


def started(start, model, place: str, **env: str) -> Outrider:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "FAULTY_PLACE": place, **env}
    return start(model.url, settings(), env=env, program=FAULTY, tracebacks=True)


@contextlib.contextmanager
def reading(proxy: Outrider) -> Iterator[None]:
    """Somebody looks at the admin pages all the while."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.05):
            for path in ("/metrics", "/api/v1/status", "/api/v1/drift", "/api/v1/overview"):
                with contextlib.suppress(OSError, http.client.HTTPException):
                    get(proxy.admin, path)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def balanced(scrape: Metrics) -> bool:
    """All are counted, and each record was finished or is counted as lost where it was."""
    made = scrape.value("outrider_records_total", stage="observed")
    return scrape.value(COUNT) >= TOTAL and made == scrape.accounted()


def scraped(proxy: Outrider) -> bool:
    """A scrape may be what fails: then the next one has it."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        answer = get(proxy.admin, "/metrics")
        return answer.status == 200 and balanced(Metrics(answer.body.decode()))
    return False


def accounted(proxy: Outrider) -> None:
    """A frame that could not be read shows as a gap when the next one is: so one more is sent."""
    for _ in range(5):
        with proxy.connect() as client:
            client.send(REQUEST)
            assert client.response().body == ANSWER_BODY
        with contextlib.suppress(AssertionError):
            eventually(lambda: scraped(proxy), "every request and record accounted for", 2)
            return
    raise AssertionError(f"not accounted for\n{proxy.metrics().text}")


@pytest.mark.parametrize("place", STAGES, ids=lambda place: place.rpartition(":")[2])
def test_a_stage_that_raises_costs_its_own_records(start, model, place):
    before = model.count()
    proxy = started(start, model, place)
    with reading(proxy), Load(proxy.address, TOTAL) as load:
        pass
    assert (load.answered, load.lost, load.refused, load.errors) == (TOTAL, 0, 0, {})
    assert model.count() - before == TOTAL
    assert {proxy.probe("/healthz"), proxy.probe("/readyz")} == {200}
    accounted(proxy)
    said = [line for line in proxy.stderr().splitlines() if line.startswith("{")]
    assert len(said) < 40, proxy.report()


def test_a_stage_that_stands_still_holds_up_nobody(start, model):
    """The hang is longer than the load; what came meanwhile waits for it, or is counted."""
    proxy = started(start, model, STAGES[0], FAULTY_HANG="3")
    with Load(proxy.address, TOTAL) as load:
        eventually(lambda: load.done == TOTAL, "the load to be over")
    assert (load.answered, load.lost, load.refused, load.errors) == (TOTAL, 0, 0, {})
    eventually(lambda: scraped(proxy), "every request and record accounted for", 30)
