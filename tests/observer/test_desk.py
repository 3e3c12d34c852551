"""The page of drift: what is in no model's verdict is told of all."""

from __future__ import annotations

from agent.redaction import Redact

from agent.decode.payload import Payload
from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.drift.traffic.versions import MAX_LEARNING, MAX_VERSIONS
from agent.ledger import Ledger
from agent.observer.desk import drift_page
from agent.observer.redact import Redactor


def told(monitor: Monitor) -> list[str]:
    found: list[str] = drift_page(monitor, Ledger(1), Redactor(Redact(), b"key"))["caveats"]
    return found


def add(monitor: Monitor, model: str, version: str) -> None:
    monitor.add(Payload(model, version, "", {"a": [1.0, 2.0]}, {}, 2, 0, 0))


def test_models_that_are_not_watched_are_told() -> None:
    monitor = Monitor(Settings(learn_rows=1000))
    for n in range(MAX_LEARNING):
        add(monitor, f"m{n}", "")
    assert told(monitor) == []
    add(monitor, "one more", "")
    [caveat] = told(monitor)
    assert caveat.startswith("2 rows were of models that are not watched")


def test_versions_that_are_not_watched_are_told() -> None:
    monitor = Monitor(Settings(learn_rows=None))
    for n in range(MAX_VERSIONS + 1):
        add(monitor, "m", str(n))
    [caveat] = told(monitor)
    assert caveat.startswith("2 rows were of versions that are not watched")
