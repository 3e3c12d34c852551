"""The pages of drift: what is in no model's verdict is told of all; categories are redacted."""

from __future__ import annotations

import json

import numpy as np

from agent.decode.payload import Payload
from agent.drift.learning.build import build_profile
from agent.drift.monitor import Monitor, References
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings
from agent.drift.traffic.versions import MAX_LEARNING, MAX_VERSIONS
from agent.ledger import Ledger
from agent.observer.pages.desk import column_page, drift_page
from agent.observer.redact import Redactor
from agent.settings.redaction import Redact, RedactRule
from agent.settings.selectors import Regex

NAMES = [f"EMP-{n}" for n in range(4)]


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


def test_categories_are_redacted_in_all_that_names_them() -> None:
    random = np.random.default_rng(1)

    def rows(count: int, first: float) -> dict[str, list[str]]:
        shares = [first, *[(1 - first) / 3] * 3]
        return {"who": random.choice(NAMES, size=count, p=shares).tolist()}

    batch = Batch(rows(4000, 0.25), 4000)
    profile = build_profile(lambda: iter([batch]), model="m")
    settings = Settings(window_rows=500, window_seconds=60.0)
    now = 1.8e9
    monitor = Monitor(settings, References(None, {"m": [profile]}), clock=lambda: now)
    for _ in range(10):
        now += 10
        for n in range(10):
            first = b"request%d" % n, b""
            monitor.add(Payload("m", "", "", rows(50, 0.7), {}, 50, 0, 0, first))
        monitor.tick()
    redactor = Redactor(Redact(rules=(RedactRule(pattern=Regex("EMP-[0-9]")),)), b"key")
    page = drift_page(monitor, Ledger(1), redactor)
    [column] = page["models"][0]["columns"]
    assert column["examples"]
    assert column["moved"]
    shown = json.dumps([page, column_page(monitor, redactor, {"name": "who"})])
    assert not [name for name in NAMES if name in shown]
