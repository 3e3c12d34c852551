"""How inputs go with the prediction, as a reference keeps it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import stats

from agent.drift.learning.build import build_profile, count, with_derived
from agent.drift.reference.profile import Profile, ProfileError, hashed, merge, parse, shown
from agent.drift.rows.table import Batch

ROWS = 3000


def batch(rng: np.random.Generator, rows: int = ROWS) -> Batch:
    x = rng.normal(size=rows)
    flag = x + rng.normal(size=rows) > 1
    noise = rng.normal(size=rows)
    return Batch(
        {
            "falls": (-np.exp(x)).tolist(),
            "flag": flag.tolist(),
            "name": rng.choice(["a", "b"], size=rows).tolist(),
            "noise": [None if i % 3 == 0 else v for i, v in enumerate(noise.tolist())],
            "same": [1.0] * rows,
            "y": (x + rng.normal(0, 0.5, size=rows)).tolist(),
            "z": noise.tolist(),
        },
        rows,
    )


def built(one: Batch, size: int = ROWS) -> Profile:
    def passes():
        for at in range(0, one.rows, size):
            part = {name: values[at : at + size] for name, values in one.columns.items()}
            yield Batch(part, len(part["y"]))

    return build_profile(passes, outputs=["y", "z"])


def correlations(profile: Profile) -> dict[str, float | None]:
    return {c.name: c.correlation for c in profile.columns}


def test_it_is_that_of_ranks_with_the_first_output_and_has_its_sign():
    one = batch(np.random.default_rng(0))
    found = correlations(built(one))
    y = np.array(one.columns["y"])
    assert found["falls"] == pytest.approx(stats.spearmanr(one.columns["falls"], y)[0], abs=0.02)
    assert found["falls"] < -0.8
    flags = np.array(one.columns["flag"], dtype=float)
    assert found["flag"] == pytest.approx(stats.pearsonr(flags, y)[0], abs=0.02)
    assert found["flag"] > 0.4
    assert abs(found["noise"]) < 0.08
    assert [found[name] for name in ("name", "same", "y", "z")] == [None] * 4


def test_batches_do_not_matter_and_a_merge_forgets_it():
    one = batch(np.random.default_rng(1))
    profile = built(one)
    assert correlations(built(one, 170)) == pytest.approx(correlations(profile), abs=1e-6)
    liked = count(iter([one]), "", profile.columns)
    assert correlations(liked) == dict.fromkeys(correlations(profile))
    liked = with_derived(liked, iter([one]), profile.derived)
    assert correlations(liked) == correlations(profile)
    assert set(correlations(merge([profile, liked])).values()) == {None}


@pytest.mark.parametrize("rows", [1, 49])
def test_few_rows_say_nothing(rows):
    assert set(correlations(built(batch(np.random.default_rng(2), rows))).values()) == {None}


def test_one_that_is_none_is_refused():
    profile = built(batch(np.random.default_rng(3)))
    bad = msgspec.structs.replace(profile.columns[0], correlation=1.5)
    wrong = hashed(msgspec.structs.replace(profile, columns=[bad, *profile.columns[1:]]))
    with pytest.raises(ProfileError, match="damaged"):
        parse(shown(wrong), "r.json")
