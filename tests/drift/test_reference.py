"""The profile file: what is written is read back, what is damaged is refused with a reason."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.reference.profile import Profile, ProfileError, load, make, merge, parse, save


def profile(model: str = "m", seed: int = 0, rows: int = 500, shapes=None) -> Profile:
    rng = np.random.default_rng(seed)
    data = {
        "a": rng.normal(size=rows).tolist(),
        "z": np.maximum(0, rng.normal(size=rows)).tolist(),
        "c": rng.choice(["x", "y", "z"], size=rows).tolist(),
        "n": [None] * rows,
    }
    shapes = shapes or [shape_of(name, "input", values) for name, values in data.items()]
    built = []
    for shape in shapes:
        builder = ColumnBuilder(shape)
        builder.add(data[shape.name])
        built.append(builder.profile())
    return make(model, rows, built)


def test_a_saved_profile_is_loaded_equal(tmp_path: Path):
    path = tmp_path / "r.json"
    save(profile(), path)
    assert load(path, "m") == profile()
    assert len(load(path).short_hash) == 8
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "r.json"
    path.mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - the kind differs by system
        save(profile(), path)
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def _edited(change) -> bytes:
    tree = json.loads(msgspec.json.encode(profile()))
    change(tree)
    return json.dumps(tree).encode()


def _rehashed(change) -> bytes:
    """A file that was made wrong, not damaged later: its hash is right."""
    wrong = msgspec.json.decode(_edited(change), type=Profile)
    return msgspec.json.encode(make(wrong.model, wrong.rows, wrong.columns))


@pytest.mark.parametrize(
    ("raw", "field", "says"),
    [
        (b"", "file", "damaged"),
        (b"{}", "file", "damaged"),
        (b"[" * 100_000, "file", "damaged"),
        (_edited(lambda t: t.update(format=2)), "format", "another format.*rebuild it"),
        (_edited(lambda t: t.update(format=4)), "format", "another format.*rebuild it"),
        (_edited(lambda t: t.update(rows=7)), "hash", "does not match"),
        (_edited(lambda t: t["columns"][0]["counts"].__setitem__(0, 1)), "hash", "does not match"),
        (_edited(lambda t: t["columns"][0].update(kind="tensor")), "file", "damaged"),
        (_rehashed(lambda t: t["columns"][0].update(kind="vector")), "vectors", "damaged"),
        (_rehashed(lambda t: t["columns"][0]["edges"].reverse()), "columns.a.edges", "increase"),
        (_rehashed(lambda t: t["columns"][0]["counts"].append(1)), "columns.a.counts", "do not"),
        (_rehashed(lambda t: t["columns"][0]["counts"].__setitem__(0, -1)), "columns.a.counts",
         "do not"),
        (_rehashed(lambda t: t["columns"][0].update(edges=None)), "columns.a", "its kind"),
        (_rehashed(lambda t: t["columns"].append(t["columns"][0])), "columns", "twice"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_refused(raw, field, says):
    with pytest.raises(ProfileError, match=says) as refused:
        parse(raw, "r.json")
    assert refused.value.field == field
    assert "outrider" in str(refused.value)


def test_another_models_profile_and_a_missing_file_are_refused(tmp_path: Path):
    path = tmp_path / "r.json"
    save(profile("iris"), path)
    with pytest.raises(ProfileError, match="is not house"):
        load(path, "house")
    with pytest.raises(ProfileError, match="cannot be read"):
        load(tmp_path / "none.json")


@settings(max_examples=200)
@given(st.data())
def test_any_damage_is_a_profile_error_or_no_change(data):
    raw = bytearray(msgspec.json.encode(profile()))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProfileError):
        assert parse(bytes(raw), "r.json").columns == profile().columns


def test_merging_adds_in_any_order():
    first = profile(seed=1)
    a, b, c = (profile(seed=s, rows=300 + s, shapes=first.columns) for s in (1, 2, 3))

    def counts(p: Profile) -> object:
        return [(x.name, x.counts, x.missing, x.invalid) for x in p.columns], p.rows

    left, right, turned = merge([merge([a, b]), c]), merge([a, merge([b, c])]), merge([c, a, b])
    assert counts(left) == counts(right) == counts(turned) == counts(merge([a, b, c]))
    assert left.rows == 906
    for x, y in zip(left.columns, right.columns, strict=True):
        if x.moments and y.moments:
            assert math.isclose(x.moments.mean, y.moments.mean, abs_tol=1e-12)
            assert math.isclose(x.moments.std, y.moments.std, rel_tol=1e-12)


def test_profiles_that_do_not_fit_are_not_merged():
    with pytest.raises(ProfileError, match="other bins"):
        merge([profile(seed=1), profile(seed=2)])
    with pytest.raises(ProfileError, match="model"):
        merge([profile("a"), profile("b")])


def test_moments_are_those_of_all_rows():
    rows = np.random.default_rng(3).normal(5, 2, size=1001)
    builder = ColumnBuilder(shape_of("a", "input", rows.tolist()))
    for part in np.array_split(rows, 7):
        builder.add(part.tolist())
    moments = builder.profile().moments
    assert moments is not None
    assert math.isclose(moments.mean, rows.mean(), rel_tol=1e-12)
    assert math.isclose(moments.std, rows.std(ddof=1), rel_tol=1e-12)
