"""What alerts are judged by, read of real parts."""

from __future__ import annotations

import math
import random

import pytest

from agent.alerts.view import View
from agent.decode.payload import Payload
from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.drift.state.orders import parse
from agent.history.recorder import Recorder
from agent.ledger import OBSERVER, WORKER, Ledger, SeriesKey, observe
from agent.observer.alarms.view import Viewer
from agent.observer.redact import Redactor
from agent.quality.monitor import Quality
from agent.settings.alerting import Slo
from agent.settings.redaction import Redact, RedactRule
from agent.ship.sender import OUTCOMES, Status

EMAIL = "ann@example.com"


class Parts:
    """Those of an observer that alerts look at."""

    def __init__(self) -> None:
        self.now = 1e9
        self.ledger = Ledger(1)
        self.recorder = Recorder(self.ledger, clock=lambda: self.now)
        self.monitor = Monitor(
            Settings(window_rows=200, learn_rows=1000, false_alarms=1e-3), clock=lambda: self.now
        )
        self.quality = Quality(lambda: self.now)
        self.sinks: list[Status] = []
        redactor = Redactor(Redact(rules=(RedactRule(column="hush"),)), bytes(32))
        self.view = Viewer(
            Slo(), self.ledger, self.recorder, self.monitor, self.quality,
            lambda: self.sinks, redactor,
        )  # fmt: skip
        self._random = random.Random(1)

    def see(self, requests: int, shift: float = 0.0, missing: float = 0.0) -> None:
        """Payloads of ten rows each; an input, an e-mail address as a name, two probabilities."""
        for _ in range(requests):
            share = [self._random.random() for _ in range(10)]
            gauss, random_ = self._random.gauss, self._random.random
            inputs = {
                name: [None if random_() < missing else gauss(shift, 1) for _ in range(10)]
                for name in ("age", EMAIL)
            }
            outputs = {"p-0": share, "p-1": [1 - one for one in share]}
            self.add(inputs, outputs)
        self.tick()

    def add(self, inputs: dict[str, list[float | None]], outputs: dict[str, list[float]]) -> None:
        payload = Payload(
            model="m", version="2", id="r", inputs=inputs, outputs=outputs,
            rows=10, output_rows=10, left_out=0, first=(b"id-1", b""),
        )  # fmt: skip
        self.monitor.add(payload)
        self.quality.add(payload)

    def tick(self) -> View:
        self.now += 1
        self.monitor.tick()
        self.quality.tick()
        return self.view(self.now)


@pytest.fixture
def parts() -> Parts:
    made = Parts()
    made.see(150)
    made.see(100)
    return made


def test_columns_and_what_drifts(parts: Parts) -> None:
    view = parts.tick()
    assert {"age", "p-0", "p-1"} < {column.name for column in view.columns}
    assert EMAIL not in repr(view)
    assert not any(column.drifts for column in view.columns)
    assert {(column.model, column.version) for column in view.columns} == {("m", "2")}
    parts.see(100, shift=3.0)
    [age] = [column for column in parts.tick().columns if column.name == "age"]
    assert age.drifts
    assert age.excess > 1
    assert "rows" in age.how
    order = b'{"model": "m", "version": "2", "column": "age", "action": "mute", "until": "2h"}'
    parts.monitor.acknowledge(parse(order))
    [age] = [column for column in parts.tick().columns if column.name == "age"]
    assert (age.drifts, age.is_muted) == (False, True)


def test_missing_values_beside_the_reference(parts: Parts) -> None:
    parts.see(100, missing=0.5)
    [age] = [column for column in parts.tick().columns if column.name == "age"]
    assert age.missing == pytest.approx(0.5, abs=0.1)
    assert (age.usual_missing, age.rows) == (0.0, 200)
    assert age.usual_rows >= 1000


def test_a_column_is_not_read_anew_before_a_window_was_judged(parts: Parts) -> None:
    first = {column.name: column for column in parts.tick().columns}
    again = {column.name: column for column in parts.tick().columns}
    assert all(first[name] is again[name] for name in first)


def test_silent_failures_and_confidences(parts: Parts) -> None:
    [one] = {one.output for one in parts.tick().confidences}
    found = [c for c in parts.tick().confidences if c.output == one]
    assert found[0].rows > 1000
    assert 0.5 < found[0].sum / found[0].rows < 1
    parts.add({"age": [1.0] * 10}, {"p-0": [math.nan] * 10, "p-1": [math.nan] * 10})
    [silent] = [one for one in parts.tick().silent if one.finding == "nan_prediction"]
    assert (silent.is_active, silent.total, silent.requests) == (True, 1, 251)
    assert (silent.model, silent.version) == ("m", "2")


def test_rows_unseen(parts: Parts) -> None:
    parts.monitor.miss("m", "too_large", 500, "2")
    [unseen] = parts.tick().unseen
    assert (unseen.model, unseen.version, unseen.why) == ("m", "2", "too_large")
    assert unseen.share > 0.1


def test_traffic_sinks_and_overload() -> None:
    parts = Parts()
    worker = parts.ledger.worker(0)
    key = SeriesKey("POST", "/p", "500", "", "m")
    bounds = parts.ledger.layout.bounds["duration"]
    for _ in range(20):
        observe(worker.series, worker.series.row(key), bounds, 3.0)
    worker.counters[WORKER["observed"]] = 20
    parts.ledger.observer[OBSERVER["shed"]] = 2
    parts.now += 1
    outcomes = dict.fromkeys(OUTCOMES, 0) | {"sent": 90, "rejected": 3, "dropped_full": 7}
    oldest = int((parts.now - 400) * 1e9)
    parts.sinks = [Status("loki", "loki", outcomes, 5, 100, oldest, "status 503")]
    view = parts.view(parts.now)
    assert (view.shed, view.observed) == ("payload logs", 20)
    [sink] = view.sinks
    assert (sink.lost, sink.settled, round(sink.oldest)) == (10, 100, 400)
    last = view.window(300.0)
    assert (last.requests, last.server_errors) == (20, 20)
    assert view.window(300.0) is last, "one reading of the ledger for all conditions"
    minutes = view.minutes()
    assert minutes[-1] == 20
    assert minutes[0] is None
