"""Derived columns in a profile's file: merged by adding, refused when damaged."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.drift.reference.derived import EDGES, Calibration, Derived, Scored, merged
from agent.drift.reference.profile import (
    ColumnProfile,
    Profile,
    ProfileError,
    load,
    make,
    merge,
    save,
)

SIZE = len(EDGES) + 1


def derived() -> Derived:
    calibration = Calibration(["p"], [40, 60], [30.0, 54.0], [25, 50])
    return Derived(
        EDGES,
        [Scored("a", [-1.0, 1.0]), Scored("b", [-1.0, 0.0, 1.0])],
        Scored("p", [-1.0, 1.0]),
        [[], [0.5]],
        [[1] * SIZE, [2] * SIZE],
        [[3] * SIZE, [4] * SIZE],
        calibration,
    )


def profile(found: Derived | None) -> Profile:
    columns = [
        ColumnProfile("a", "input", "numeric", [40, 60], 0, 0, [0.0]),
        ColumnProfile("b", "input", "numeric", [30, 30, 40], 0, 0, [0.0, 1.0]),
        ColumnProfile("p", "output", "numeric", [40, 60], 0, 0, [0.5]),
        ColumnProfile("(confidence)", "output", "numeric", [40, 60], 0, 0, [0.8]),
    ]
    return make("m", 100, columns, derived=found)


def test_they_survive_the_file(tmp_path: Path):
    save(profile(derived()), tmp_path / "p.json")
    assert load(tmp_path / "p.json").derived == derived()


def test_equal_models_merge_by_adding():
    both = merge([profile(derived()), profile(derived())]).derived
    assert both is not None
    assert both.relations == [[2] * SIZE, [4] * SIZE]
    assert both.importance == [[6] * SIZE, [8] * SIZE]
    assert both.calibration == Calibration(["p"], [80, 120], [60.0, 108.0], [50, 100])


def test_other_models_do_not_merge_and_the_columns_still_do():
    other = msgspec.structs.replace(derived(), correlation=[[], [0.4]])
    assert merged([derived(), other]) is None
    both = merge([profile(derived()), profile(None)])
    assert (both.derived, both.rows) == (None, 200)


DAMAGES = {
    "a column that is not there": {"inputs": [Scored("z", [-1.0, 1.0])] * 2},
    "scores of other bins": {"prediction": Scored("p", [1.0])},
    "scores that are not numbers": {"prediction": Scored("p", [1.0, float("nan")])},
    "a triangle of another size": {"correlation": [[]]},
    "correlations beyond 1": {"correlation": [[], [1.5]]},
    "correlations that are not numbers": {"correlation": [[], [float("nan")]]},
    "edges that fall": {"edges": EDGES[::-1]},
    "counts for fewer inputs": {"relations": [[1] * SIZE]},
    "counts on other edges": {"importance": [[1], [2]]},
    "negative counts": {"relations": [[-1] * SIZE] * 2},
    "importance without a prediction": {"prediction": None},
    "too many inputs": {"inputs": [Scored("a", [-1.0, 1.0])] * 51},
    "a calibration of other outputs": {"calibration": Calibration(["q"], [1, 1], [1.0, 1.0])},
    "a calibration of other bins": {"calibration": Calibration(["p"], [1], [1.0])},
    "more right than rows": {"calibration": Calibration(["p"], [1, 1], [1.0, 1.0], [2, 0])},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_refused_with_the_reason(damage, tmp_path: Path):
    save(profile(msgspec.structs.replace(derived(), **damage)), tmp_path / "p.json")
    with pytest.raises(ProfileError, match=r"is damaged .*; build it again"):
        load(tmp_path / "p.json")
