"""A vector's views: each what it says, and a row that is no vector is told from one that lacks."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drift.reference.vectors import AXES, STEPS, Vector, numbered
from agent.drift.vectors.fit import fit, shapes_of
from agent.drift.vectors.projector import Projector, signs, stacked
from tests.drift.vectors.rows import SIZE, Source, columns_of


@pytest.fixture(scope="module")
def vector() -> Vector:
    return fit("emb", "input", [SIZE], Source().draw(2000).T)


def test_views_are_what_they_are_called(vector: Vector):
    matrix = Source(1).draw(50)
    views, coded = Projector(vector).views(columns_of(matrix), 50)
    centred = matrix - np.frombuffer(vector.centre, "<f4")
    axes = np.frombuffer(vector.axes, "<f4").reshape(-1, SIZE)
    assert axes.shape[0] == AXES
    np.testing.assert_allclose(axes @ axes.T, np.eye(AXES), atol=1e-5)
    np.testing.assert_allclose(views["emb"], np.linalg.norm(matrix, axis=1), rtol=1e-4)
    np.testing.assert_allclose(views["(distance) emb"], np.linalg.norm(centred, axis=1))
    np.testing.assert_allclose(views["(direction 2) emb"], centred @ axes[1])
    rest = centred - (centred @ axes.T) @ axes
    np.testing.assert_allclose(views["(residual) emb"], np.linalg.norm(rest, axis=1), rtol=1e-4)
    assert list(views) == vector.views
    steps = (coded[:, :-1].astype(float) - 128) / STEPS
    np.testing.assert_allclose(steps * np.frombuffer(vector.unit, "<f4"), centred, atol=0.1)


def test_the_first_directions_hold_most_variance():
    matrix = Source(2).draw(4000)
    half = matrix[::2]
    best = np.linalg.eigvalsh(np.cov(half.T))[::-1][:AXES]
    vector = fit("emb", "input", [SIZE], matrix.T)
    axes = np.frombuffer(vector.axes, "<f4").reshape(-1, SIZE)
    np.testing.assert_allclose((half @ axes.T).var(axis=0), best, rtol=0.05)


def test_what_is_no_vector_is_told_from_what_is_missing(vector: Vector):
    columns = {name: list(values) for name, values in columns_of(Source().draw(7)).items()}
    for values in columns.values():
        values[0] = None
    columns["emb-3"][1] = None
    columns["emb-3"][2] = "x"
    columns["emb-3"][3] = float("nan")
    columns["emb-3"][4] = 10**400
    columns[f"emb-{SIZE}"] = [None] * 5 + [0.5, None]
    views, coded = Projector(vector).views(columns, 7)
    assert coded[:, -1].tolist() == [0] * 6 + [1]
    for view in views.values():
        assert np.isnan(view[0])
        assert np.isinf(view[1:6]).all()
        assert np.isfinite(view[6])


def test_columns_that_are_shorter_lack_their_last_rows(vector: Vector):
    views, coded = Projector(vector).views({"emb-0": [1.0]}, 2)
    assert not coded.any()
    assert np.isinf(views["emb"][0])
    assert np.isnan(views["emb"][1])


def test_a_unit_vector_has_one_norm():
    matrix = Source().draw(1000).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1)[:, None]
    vector = fit("emb", "input", [SIZE], matrix.T.astype(np.float64))
    assert set(Projector(vector).views(columns_of(matrix), 1000)[0]["emb"]) == {1.0}


def test_random_directions_are_fixed_for_ever():
    found = (signs("emb", 2, 5) * 5**0.5).round()
    assert found.tolist() == [[-1, -1, 1, -1, 1], [1, 1, 1, 1, -1]]


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_few_rows_make_a_vector_that_works(rows: int):
    matrix = Source().draw(rows).T
    vector = fit("emb", "input", [SIZE], matrix)
    assert [shape.name for shape in shapes_of(vector, matrix)] == vector.views
    assert len(Projector(vector).views({}, 3)[0]["emb"]) == 3


def test_vectors_that_are_all_the_same_have_no_directions():
    matrix = np.ones((SIZE, 100))
    vector = fit("emb", "input", [SIZE], matrix)
    assert vector.directions == 0
    assert Projector(vector).views(columns_of(matrix.T), 100)[0]["(residual) emb"].max() == 0


def test_an_image_keeps_its_names():
    assert numbered("im", [2, 2]) == ["im-0-0", "im-0-1", "im-1-0", "im-1-1"]


values = st.one_of(st.none(), st.floats(), st.integers(), st.booleans(), st.text(max_size=5))


@given(st.lists(st.lists(values, max_size=4), min_size=3, max_size=3))
def test_any_values_become_numbers_or_none(columns: list[list[object]]):
    vector = msgspec.structs.replace(fit("v", "input", [3], np.eye(3)))
    views, _ = Projector(vector).views({f"v-{i}": c for i, c in enumerate(columns)}, 4)
    matrix = stacked(columns, 4)
    whole = np.isfinite(matrix).all(0)
    absent = np.isnan(matrix).all(0)
    with np.errstate(over="ignore"):
        safe = np.abs(np.where(np.isfinite(matrix), matrix, 0)).max(0) < 1e100
    for view in views.values():
        assert np.isfinite(view[whole & safe]).all()
        assert np.isnan(view[absent]).all()
        assert not np.isfinite(view[~whole]).any()
