"""Vectors in traffic: the view that changed is named, whatever the rows come like."""

from __future__ import annotations

import numpy as np
import pytest

from agent.decode.payload import Payload, from_rows
from agent.drift.acknowledge import carry_out
from agent.drift.learning.build import build_profile
from agent.drift.publish import fits
from agent.drift.reference.profile import Profile
from agent.drift.reference.sketch import INVALID, MISSING, Floats
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings
from agent.drift.state.orders import Order
from agent.drift.traffic.model import ModelWatch
from tests.drift.vectors.rows import SIZE, TOPICS, Source, columns_of, reference

ROWS = 500


@pytest.fixture(scope="module")
def profile() -> Profile:
    return reference(rows=8000)


class Site:
    """A model and its rows; each a request, or all of a window one."""

    def __init__(self, profile: Profile, seed: int = 1, *, is_batch: bool = False) -> None:
        self.source = Source(seed)
        self.now = 0.0
        self.is_batch = is_batch
        self.model = ModelWatch("m", Settings(window_rows=ROWS), profile, 0.0)

    def send(self, matrix: Floats) -> None:
        size = len(matrix) if self.is_batch else 1
        for at in range(0, len(matrix), size):
            columns = columns_of(matrix[at : at + size])
            first = (b"r%d" % at, b"")
            if self.model.add(Payload("m", "", "", columns, {}, size, 0, 0, first)):
                self.model.complete(self.now)

    def window(self, topics: int = TOPICS, scale: float = 1.0, shift: Floats | float = 0.0) -> None:
        self.now += 300.0
        self.send(self.source.draw(ROWS, topics) * scale + shift)

    def drifting(self) -> dict[str, str]:
        judged = self.model.judged
        return {c.base.column.name: c.verdict.test for c in judged if c.state == "drift"}

    def column(self, name: str = "emb"):
        return self.model.inputs.columns[name]


@pytest.mark.parametrize("is_batch", [False, True])
def test_without_drift_all_is_stable(profile: Profile, is_batch: bool):
    site = Site(profile, is_batch=is_batch)
    for _ in range(12):
        site.window()
    assert {c.state for c in site.model.judged} == {"stable"}
    assert site.model.inputs.unexpected == {}
    assert {int(c.last.sum()) for c in site.model.columns} == {ROWS}


def test_a_topic_that_vanishes_is_found_along_directions(profile: Profile):
    site = Site(profile)
    site.window()
    site.window(topics=TOPICS - 1)
    assert any(name.startswith("(direction") for name in site.drifting())


def test_a_scale_is_found_by_the_norm_with_examples(profile: Profile):
    site = Site(profile)
    site.window(scale=1.2)
    assert {"emb", "(distance) emb"} <= site.drifting().keys()
    assert site.column().verdict.direction == "up"
    assert site.column().examples
    assert site.column("(distance) emb").examples


def test_rows_that_are_no_vectors_are_told_once(profile: Profile):
    site = Site(profile)
    rows = site.source.draw(ROWS)
    rows[:50, 3] = np.nan
    for matrix in (rows[:, :SIZE], rows[:40, : SIZE // 2], np.full((30, SIZE), np.nan)):
        site.send(matrix)
    wide = columns_of(np.concatenate([rows[60:80], rows[60:80, :1]], axis=1))
    site.model.add(Payload("m", "", "", wide, {}, 20, 0, 0))
    site.model.tick(0.0)
    last = site.column().last + site.column().counts
    assert (last[MISSING], last[INVALID]) == (30, 50 + 40 + 20)
    assert site.drifting() == {"emb": "invalid"}


def test_a_vector_that_never_came_is_a_finding(profile: Profile):
    site = Site(profile)
    site.model.add(Payload("m", "", "", {"x": [1.0] * ROWS}, {}, ROWS, 0, 0))
    site.model.complete(300.0)
    assert "never in the traffic" in site.column().finding()
    assert site.drifting() == {}


def test_a_vector_is_acknowledged_by_its_name(profile: Profile):
    site = Site(profile)
    for _ in range(3):
        site.window(scale=1.2)
    before = site.drifting()
    assert len(before) > 3
    order = Order(model="m", action="new_normal", column="emb")
    assert {name for _, name in carry_out(site.model, order, site.now)} == before.keys() - {
        "(mean) emb"
    }
    for _ in range(4):
        site.window(scale=1.2)
    assert site.drifting() == {}


def test_another_profile_of_the_same_vector_fits(profile: Profile):
    site = Site(profile)
    site.window()
    fits(reference(rows=500, seed=9), site.model)


def test_more_dimensions_than_columns_are_watched_row_by_row():
    size = 1536
    rng = np.random.default_rng(0)
    columns = columns_of(rng.normal(size=(400, size)))
    site = Site(build_profile(lambda: iter([Batch(columns, 400)])))
    for row in rng.normal(size=(120, size)).tolist():
        side = from_rows([{"emb": row}], "instances")
        site.model.add(Payload("m", "", "", side.columns, {}, 1, 0, side.left_out))
    site.model.tick(1.0)
    assert site.column().counts.sum() == 120
    assert site.column().counts[INVALID] == site.model.left_out == 0
