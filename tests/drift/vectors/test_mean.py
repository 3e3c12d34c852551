"""The mean of a vector: a shift in any direction is found, and none is where there is none."""

from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest
from scipy import stats

from agent.drift.engine.questions import portions_of
from agent.drift.engine.spans import Span
from agent.drift.reference.profile import ColumnProfile, Profile
from agent.drift.reference.vectors import Vector
from agent.drift.state.resume import evidence_of, packed, resume, unpacked
from agent.drift.status import status_of
from agent.drift.vectors.fit import fit
from agent.drift.vectors.mean import MeanQuestions, chi_root
from agent.drift.vectors.projector import Projector
from agent.drift.vectors.sums import Sums
from tests.drift.vectors.rows import SIZE, Source
from tests.drift.vectors.test_vectors_live import ROWS, Site
from tests.drift.vectors.test_vectors_live import profile as profile


@pytest.mark.parametrize("degrees", [20.0, 50.0, 400.0])
@pytest.mark.parametrize("level", [0.5, 0.01, 1e-4, 1e-7])
def test_the_root_of_chi_squared_is_near_normal(degrees: float, level: float):
    value = stats.chi2.isf(level, degrees)
    found = chi_root((value - degrees) / math.sqrt(2 * degrees), degrees)
    assert found == pytest.approx(stats.norm.isf(level), abs=0.08)


def questions(vector: Vector) -> MeanQuestions:
    return MeanQuestions(vector, [ColumnProfile("m", "input", "view", [1], 0, 0, [])], None, "off")


def span(counts: np.ndarray, extra: int = 0) -> Span:
    return Span(0, counts[None], np.array([extra]), 0.0, 1.0, 1.0)


def test_without_a_shift_z_is_standard_normal():
    source = Source(3)
    found = []
    for _ in range(4):
        matrix = source.draw(4000).T
        vector = fit("emb", "input", [SIZE], matrix)
        projector = Projector(vector)
        sums = Sums(vector)
        odd = matrix[:, 1::2]
        sums.add(projector.coded(odd, projector.of_matrix(odd)[0]))
        asked = questions(sums.counted())
        for _ in range(100):
            window = source.draw(100).T
            sums.add(projector.coded(window, projector.of_matrix(window)[0]))
            found.append(float(asked.tests(span(sums.take()), np.zeros(1), np.ones(1)).z[0, 0]))
    over = [sum(z > limit for z in found) for limit in (1.0, 2.0)]
    expected = [len(found) * stats.norm.sf(limit) for limit in (1.0, 2.0)]
    assert max(found) < 4.5
    for counted, mean in zip(over, expected, strict=True):
        assert counted < mean + 4 * math.sqrt(mean)
    assert over[0] > expected[0] - 4 * math.sqrt(expected[0])


def test_rows_of_one_request_count_as_one_row():
    matrix = Source(3).draw(4000).T
    vector = fit("emb", "input", [SIZE], matrix)
    projector = Projector(vector)
    sums = Sums(vector)
    sums.add(projector.coded(matrix, projector.of_matrix(matrix)[0]))
    asked = questions(sums.counted())
    window = Source(4).draw(1000).T + 1.0
    sums.add(projector.coded(window, projector.of_matrix(window)[0]))
    counts = sums.take()
    z = [
        float(asked.tests(span(counts, 1000 * (n - 1)), np.zeros(1), np.ones(1)).z[0, 0])
        for n in (1, 10, 1000)
    ]
    assert z[0] > z[1] > z[2] == 0.0


def test_a_shift_along_no_direction_in_particular_is_found_and_clears(profile: Profile):
    site = Site(profile)
    shift = np.random.default_rng(0).normal(size=SIZE) * 0.05
    for _ in range(4):
        site.window()
    assert site.drifting() == {}
    for _ in range(4):
        site.window(shift=shift)
    assert site.drifting() == {"(mean) emb": "mean"}
    column = site.model.means.columns[0]
    assert column.verdict.rows >= ROWS
    assert column.verdict.effect > 0.2
    assert [c.column for c in site.model.changes if c.after == "drift"] == ["(mean) emb"]
    for _ in range(20):
        site.window()
    assert site.drifting() == {}


def test_a_vector_spends_two_columns_of_the_budget(profile: Profile):
    site = Site(profile)
    chart, means = site.model.chart, site.model.means
    portions = portions_of(chart.columns)
    views = [c.kind == "view" for c in chart.columns]
    norm = portions[views.index(False)] / len(views)
    every = norm + portions[views].sum() / len(views) + means.charts[0].share / chart.share
    assert every == pytest.approx(1.0)
    assert norm == pytest.approx(0.5)


def test_what_is_known_of_a_mean_outlives_a_restart(profile: Profile):
    shift = np.random.default_rng(0).normal(size=SIZE) * 0.05
    site, again = Site(profile), Site(profile)
    for _ in range(6):
        site.window(shift=shift)
    evidence = unpacked(packed(evidence_of(site.model)))
    resume(again.model, evidence)
    assert again.drifting() == site.drifting()
    assert "(mean) emb" in site.drifting()
    verdicts = [one.model.means.columns[0].verdict for one in (site, again)]
    assert verdicts[0] == verdicts[1]
    evidence.means.append(evidence.means[0])
    with pytest.raises(ValueError, match="argument"):
        resume(Site(profile).model, evidence)


def test_the_status_has_the_mean_among_what_is_derived(profile: Profile):
    site = Site(profile)
    site.window()
    status = json.loads(msgspec.json.encode(status_of(site.model, 0.0)))
    (derived,) = status["derived"]
    assert (derived["name"], derived["kind"]) == ("(mean) emb", "view")
    assert (derived["state"], derived["test"]) == ("stable", "mean")
    kinds = [column["kind"] for column in status["columns"]]
    assert (kinds.count("vector"), kinds.count("view")) == (1, 14)
