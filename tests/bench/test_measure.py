"""When something was dropped, the highest rate at which nothing is, is found."""

from __future__ import annotations

from typing import cast

import pytest

from bench import contestants, measure
from bench.contestants import Contestant
from bench.evidence import Evidence
from bench.load import Load
from bench.measure import Measurement
from bench.rig import Rig

RIG = cast(Rig, None)


def _loses_above(limit: float, asked: list[float | None]) -> object:
    """A measure() whose contestant serves 10,000/s and drops spans above `limit`."""

    def measured(_: Rig, contestant: Contestant, rate: float | None = None) -> Measurement:
        asked.append(rate)
        served = int(rate or 10_000)
        lacking = {"spans": 1} if served > limit else {}
        load = Load(requests=served, seconds=1.0, failed=0, p50=1.0, p99=1.0)
        return Measurement(contestant.name, load, {"1 worker": 0.1}, Evidence(), lacking, 0.0, rate)

    return measured


@pytest.mark.parametrize(("limit", "held"), [(10_000, None), (6_200, 6_000), (1_000, 1_000)])
def test_the_highest_tenth_that_holds_is_found(
    limit: float, held: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float | None] = []
    monkeypatch.setattr(measure, "measure", _loses_above(limit, asked))
    result = measure.holding(RIG, contestants.ALL, None)
    assert (result.holds, result.asked_rate) == (True, held)
    assert len(asked) <= 5


def test_a_contestant_that_always_drops_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "measure", _loses_above(0, []))
    result = measure.holding(RIG, contestants.ALL, None)
    assert not result.holds
    assert result.asked_rate is None


def test_cpu_is_divided_by_answers() -> None:
    load = Load(requests=1000, seconds=1.0, failed=0, p50=1.0, p99=1.0)
    parts = {"10 worker": 0.02, "11 worker": 0.01, "12 observer": 0.01}
    result = Measurement("x", load, parts, Evidence(), {}, 0.0)
    assert result.us == pytest.approx(40.0)
    assert result.us_of("worker") == pytest.approx(30.0)
