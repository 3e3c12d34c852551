"""Vectors in a reference that is learned from traffic."""

from __future__ import annotations

import numpy as np
import pytest

from agent.decode.payload import Columns, Payload
from agent.drift.settings import Settings
from agent.drift.traffic.columns import Side
from agent.drift.traffic.model import ModelWatch
from agent.drift.traffic.warmup import LEARNING_CELLS
from agent.drift.vectors.learn import Packed, pack
from tests.drift.vectors.rows import SIZE, Source, columns_of

ROWS = 1000


def model(rows: int = ROWS) -> ModelWatch:
    return ModelWatch("m", Settings(learn_rows=rows, window_rows=500), None, 0.0)


def send(watch: ModelWatch, inputs: Columns, outputs: Columns | None = None, now: float = 1.0):
    rows = len(next(iter(inputs.values())))
    out = outputs or {}
    payload = Payload("m", "", "", inputs, out, rows, rows if out else 0, 0, sizes=((), ()))
    if watch.add(payload):
        watch.complete(now)


def test_vectors_are_learned_and_judged():
    watch, source = model(), Source(1)
    for at in range(3):
        send(watch, columns_of(source.draw(ROWS)) | {"age": [float(at)] * ROWS}, now=at)
    assert watch.phase == "watching"
    (vector,) = watch.reference.vectors
    assert (vector.name, vector.shape, vector.mean.rows) == ("emb", [SIZE], ROWS // 2)
    rows = {column.kind: column.rows for column in watch.reference.columns}
    assert rows == {"vector": ROWS, "view": ROWS // 2, "numeric": ROWS}
    send(watch, columns_of(source.draw(ROWS) * 1.3) | {"age": [1.0] * ROWS}, now=9.0)
    assert watch.inputs.columns["(distance) emb"].state == "drift"


def test_rows_of_another_size_are_no_vectors():
    watch, source = model(), Source(1)
    send(watch, columns_of(source.draw(1)))
    send(watch, columns_of(source.draw(7)[:, : SIZE // 2]))
    send(watch, columns_of(np.concatenate([source.draw(1), source.draw(1)[:, :9]], axis=1)))
    send(watch, {"other": ["x"] * 3})
    send(watch, columns_of(source.draw(ROWS)))
    norm = next(column for column in watch.reference.columns if column.kind == "vector")
    assert (norm.rows, norm.missing, norm.invalid) == (ROWS + 12, 3, 8)
    assert {column.name for column in watch.reference.columns if column.kind != "view"} == {
        "emb",
        "other",
    }


def test_chances_stay_what_they_are():
    watch = model()
    chances = np.random.default_rng(0).dirichlet(np.ones(70), size=ROWS)
    send(watch, {"x": [1.0, 2.0] * (ROWS // 2)}, columns_of(chances, "p"))
    assert watch.reference.vectors == []
    assert len(watch.reference.columns) == 72


def test_wide_rows_are_packed_and_so_as_many_are_learned_as_are_wanted():
    size, rows = 700, 2000
    rng = np.random.default_rng(0)
    watch = model(rows)
    most = 0
    for _ in range(rows // 50):
        send(watch, columns_of(rng.normal(size=(50, size))) | {"s": ["x"] * 50})
        most = max(most, watch.cells)
    assert watch.reference.rows == rows
    assert most < LEARNING_CELLS + 50 * (size + 1)
    assert next(c for c in watch.reference.columns if c.kind == "vector").missing == 0


@pytest.mark.parametrize("wrong", [None, "x", 1e300, 10**400, float("nan")])
def test_what_does_not_fit_a_packed_column_is_missing(wrong: object):
    side = Side("input")
    side.add(columns_of(Source().draw(40)), 40)
    assert pack(side) == 40 // 8 * SIZE
    side.add(dict.fromkeys(columns_of(Source().draw(1)), (wrong, 2.0)), 2)
    column = side.buffers["emb-0"]
    assert isinstance(column, Packed)
    assert not np.isfinite(column[40])
    assert column[41] == 2.0
    side.add({"s": ["x"]}, 1)
    assert len(column) == 43
    assert side.drop_older_half() == 21
    assert len(side.buffers["emb-0"]) == 22


def test_halves_that_differ_are_not_learned_together():
    watch, source = model(), Source(1)
    send(watch, columns_of(source.draw(ROWS // 2)))
    send(watch, columns_of(source.draw(ROWS // 2) * 1.5))
    assert watch.phase == "learning"
    assert "emb" in watch.warmup.told()
    assert watch.inputs.rows == ROWS // 2
