"""Batch requests through the monitor: what rows of one request have in common raises no alarm."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from numpy.random import Generator

from agent.drift.engine.verdict import State
from agent.drift.monitor import Monitor, References
from agent.drift.settings import Settings
from tests.drift.charts import cat3
from tests.drift.test_monitor import Clock, payload, reference, scraped

ROWS = 1000
COMMON = 0.3
"""What the rows of a request have in common, as a part of their standard deviation."""


def batch(rng: Generator, common: float = COMMON, shift: float = 0.0) -> dict[str, list]:
    """One request: three numbers that vary together within it, and a mix of categories."""
    columns = {
        f"n{i}": (
            shift * (i == 0)
            + common * rng.normal()
            + np.sqrt(1 - common**2) * rng.normal(size=ROWS)
        ).tolist()
        for i in range(3)
    }
    mix = cat3(rng, ROWS)
    return {**columns, "c": np.where(rng.random(ROWS) < common * rng.random(), "b", mix).tolist()}


def typical(rng: Generator, common: float = COMMON, requests: int = 400) -> References:
    """A reference of so many requests, one row of each: no two are of one request."""
    parts = [batch(rng, common) for _ in range(requests)]
    rows = {name: [part[name][i] for part in parts for i in range(50)] for name in parts[0]}
    return References(reference(rows))


def run(monitor: Monitor, clock: Clock, batches) -> list[dict[str, State]]:
    """The states of the columns after each request."""
    states = []
    for columns in batches:
        clock.now += 300
        monitor.add(payload(columns))
        (model,) = monitor.models.values()
        states.append({column.base.column.name: column.state for column in model.columns})
    return states


def site(references: References) -> tuple[Monitor, Clock]:
    clock = Clock()
    return Monitor(Settings(min_effect=0.0), references, clock=clock), clock


def test_what_rows_of_a_request_have_in_common_is_no_drift(monkeypatch):
    rng = np.random.default_rng(0)
    references = typical(rng)
    batches = [batch(rng) for _ in range(300)]
    assert all("drift" not in states.values() for states in run(*site(references), batches))

    def as_single_rows(self, columns, rows, sizes, at):
        return None

    monkeypatch.setattr("agent.drift.traffic.batches.Batches.add", as_single_rows)
    alarms = [list(states.values()).count("drift") for states in run(*site(references), batches)]
    print(f"taken for single rows, {np.mean(alarms) / 4:.0%} of verdicts are false alarms")
    assert np.mean(alarms) > 1


def test_a_shift_of_independent_rows_is_found_at_once_in_batches_too():
    rng = np.random.default_rng(1)
    monitor, clock = site(typical(rng, 0.0))
    before = run(monitor, clock, (batch(rng, 0.0) for _ in range(100)))
    assert all("drift" not in states.values() for states in before)
    after = run(monitor, clock, (batch(rng, 0.0, 0.2) for _ in range(4)))
    assert after[-1] == {"n0": "drift", "n1": "stable", "n2": "stable", "c": "stable"}


def test_a_shift_beyond_what_requests_differ_by_is_found():
    rng = np.random.default_rng(2)
    monitor, clock = site(typical(rng))
    run(monitor, clock, (batch(rng) for _ in range(100)))
    after = run(monitor, clock, (batch(rng, shift=0.8) for _ in range(20)))
    assert after[-1]["n0"] == "drift"
    assert "drift" not in {after[-1]["n1"], after[-1]["n2"]}


def test_one_odd_request_is_one_observation():
    """A thousand rows of one value, once: a client's mistake, not a drift."""
    rng = np.random.default_rng(3)
    monitor, clock = site(typical(rng, 0.0))
    run(monitor, clock, (batch(rng, 0.0) for _ in range(50)))
    odd = {**batch(rng, 0.0), "n1": [0.0] * ROWS}
    assert set(run(monitor, clock, [odd])[0].values()) == {"stable"}
    went_on = run(monitor, clock, [{**batch(rng, 0.0), "n1": [0.0] * ROWS} for _ in range(12)])
    assert went_on[-1]["n1"] == "drift"


def test_outputs_are_clusters_of_their_own_requests():
    """The answers' rows and names may differ from the inputs'."""
    rng = np.random.default_rng(4)
    normal = rng.normal(size=5000).tolist()
    clock = Clock()
    references = References(reference({"a": normal, "price": normal}, ("price",)))
    monitor = Monitor(Settings(min_effect=0.0), references, clock=clock)
    for _ in range(400):
        clock.now += 300
        level = rng.normal()
        answers = (0.8 * level + 0.6 * rng.normal(size=200)).tolist()
        monitor.add(payload({"a": rng.normal(size=500).tolist()}, {"predictions": answers}))
    chart = monitor.models["m", ""].chart
    assert chart is not None
    inputs, outputs = (chart.requests.clusters[side].rho()[0] for side in ("input", "output"))
    assert inputs < 0.02
    assert outputs == pytest.approx(0.64, abs=0.15)
    extra = chart.spans.blocks[0].extra[chart.spans.blocks[0].last(1)[0]].tolist()
    assert extra == [2 * 500 * 499, 2 * 200 * 199]  # two requests a window
    assert scraped(monitor)  # verdicts can be told


def test_what_is_decoded_together_is_told_apart():
    """A payload may hold many requests: of one row each, or of several."""
    rng = np.random.default_rng(5)
    references = typical(rng, requests=20)

    def seen(sizes: list[int] | None) -> tuple[int, set[int]]:
        """What forty such payloads add, and the sizes of requests that were looked at."""
        monitor, clock = site(references)
        for _ in range(40):
            clock.now += 300
            rows = {name: values[:50] for name, values in batch(rng, 0.0).items()}
            monitor.add(msgspec.structs.replace(payload(rows), sizes=(sizes, None)))
        model = monitor.models["m", ""]
        assert model.windows == 2
        assert model.chart is not None
        clusters = model.chart.requests.clusters.get("input")
        looked_at = set() if clusters is None else set(clusters.last_rows.astype(int).tolist())
        return int(model.chart.spans.blocks[0].extra[:, 0].sum()), looked_at - {0}

    assert seen([]) == (0, set())
    assert seen(None) == (40 * 50 * 49, {50})
    extra, looked_at = seen([3, 1, 40, 1, 5])
    assert extra == 40 * (3 * 2 + 40 * 39 + 5 * 4)
    assert 40 in looked_at
