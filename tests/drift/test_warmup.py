"""A reference is learned from rows that agree among themselves, or says that they did not."""

from __future__ import annotations

import numpy as np
import pytest

from agent.decode.payload import Columns, Payload
from agent.drift.monitor import Monitor
from agent.drift.settings import Settings
from agent.drift.status import MAX_LISTED
from agent.drift.traffic.caveats import caveats_of
from agent.drift.traffic.warmup import MAX_DROPPED, differs

ROWS = 2000


def send(monitor: Monitor, inputs: Columns, outputs: Columns) -> None:
    rows = len(next(iter(inputs.values())))
    monitor.add(Payload("m", "", "", inputs, outputs, rows, rows, 0))


def rows_of(rng: np.random.Generator, mean: float, rows: int = 100) -> tuple[Columns, Columns]:
    steady = rng.normal(size=rows)
    return {"a": rng.normal(mean, size=rows).tolist(), "b": steady.tolist()}, {
        "y": (2 * steady + rng.normal(size=rows)).tolist()
    }


def learning(rng: np.random.Generator, means: list[float]) -> Monitor:
    monitor = Monitor(Settings(learn_rows=ROWS))
    for mean in means:
        send(monitor, *rows_of(rng, mean))
    return monitor


def test_steady_traffic_is_learned_from_at_once():
    model = learning(np.random.default_rng(0), [0.0] * 20).models["m", ""]
    assert (model.phase, model.warmup.dropped, model.warmup.told()) == ("watching", 0, "")


def test_what_was_before_a_change_is_not_in_the_reference():
    rng = np.random.default_rng(1)
    monitor = learning(rng, [3.0] * 10 + [0.0] * 10)
    model = monitor.models["m", ""]
    assert model.phase == "learning"
    assert monitor.status()["models"][0]["learning"] == {
        "rows": ROWS // 2,
        "of": ROWS,
        "left_out": ROWS // 2,
        "told": "the first rows differ from those after them, in a: learned without them",
        "columns": [
            {"name": "a", "side": "input"},
            {"name": "b", "side": "input"},
            {"name": "y", "side": "output"},
        ],
    }
    (note,) = monitor.take_notes()
    assert "in a" in note
    assert monitor.take_notes() == []
    for _ in range(10):
        send(monitor, *rows_of(rng, 0.0))
    assert model.phase == "watching"
    assert model.reference is not None
    column = next(c for c in model.reference.columns if c.name == "a")
    assert column.moments is not None
    assert abs(column.moments.mean) < 0.1
    assert column.rows == model.reference.rows == ROWS
    derived = model.reference.derived
    assert derived is not None
    assert derived.importance, "inputs and predictions are still paired"
    assert not any("learned" in caveat for caveat in caveats_of(model))


def test_the_first_request_shows_the_columns_and_of_a_vector_the_first_of_them():
    monitor = Monitor(Settings(learn_rows=ROWS))
    wide: Columns = {f"emb-{n}": [0.5] for n in range(2 * MAX_LISTED)}
    send(monitor, wide, {"y": [1.0]})
    (model,) = monitor.status()["models"]
    names = [(column["side"], column["name"]) for column in model["learning"]["columns"]]
    assert names == [*(("input", f"emb-{n}") for n in range(MAX_LISTED)), ("output", "y")]


def test_traffic_that_never_settles_is_learned_from_with_a_caveat():
    rng = np.random.default_rng(2)
    monitor = Monitor(Settings(learn_rows=ROWS))
    sent = 0
    while monitor.models.get(("m", "")) is None or monitor.models["m", ""].phase == "learning":
        send(monitor, *rows_of(rng, sent / 10))
        sent += 1
        assert sent <= 20 + 10 * MAX_DROPPED
    model = monitor.models["m", ""]
    assert (model.warmup.times, model.warmup.dropped) == (MAX_DROPPED, MAX_DROPPED * ROWS // 2)
    assert any("changed meanwhile, in a" in caveat for caveat in caveats_of(model))
    assert len(monitor.take_notes()) == MAX_DROPPED + 1


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.9, 0.09, 0.01], [0.05] * 20, [0.999, 0.001]])
def test_halves_of_one_distribution_seldom_differ(shares):
    rng = np.random.default_rng(3)
    found = sum(
        differs(rng.multinomial(1000, shares), rng.multinomial(1000, shares), 0.01)
        for _ in range(2000)
    )
    assert found <= 37  # of 20 expected at most: 1 in 5,000 by chance


def test_halves_without_rows_or_bins_do_not_differ():
    none, some = np.zeros(3, dtype=np.int64), np.array([5, 0, 0])
    assert not differs(none, some, 0.5)
    assert not differs(some, some, 0.5)
    assert differs(np.array([50, 0]), np.array([0, 50]), 0.01)
