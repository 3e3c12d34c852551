"""A real whylogs profile (`made/whylogs.bin`) against what whylogs says of it itself."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drift import imports
from agent.drift.imports import whylogs
from agent.drift.imports.sketches import quantiles
from agent.drift.imports.wire import WireError
from agent.drift.reference.profile import ProfileError, load, parse, save, shown

MADE = Path(__file__).parent / "made"
RAW = (MADE / "whylogs.bin").read_bytes()
SAID = json.loads((MADE / "whylogs.json").read_text())
ROWS = 3000


@pytest.fixture(scope="module")
def found():
    profile, _ = imports.read(MADE / "whylogs.bin", "m", ["flag"])
    return {column.name: column for column in profile.columns}


def test_all_columns_are_there_with_their_kind(found):
    kinds = {
        "normal": "numeric", "holes": "numeric", "infinite": "numeric", "few": "numeric",
        "constant": "numeric", "one value": "numeric", "flag": "boolean", "colour": "categorical",
        "holey colour": "categorical", "mixed": "categorical", "id": "text", "empty": "text",
    }  # fmt: skip
    assert {name: column.kind for name, column in found.items()} == kinds
    assert set(SAID) == set(kinds)
    assert {name for name, column in found.items() if column.side == "output"} == {"flag"}


@pytest.mark.parametrize("name", SAID)
def test_rows_and_missing_are_whylogs_own(found, name):
    assert found[name].rows == SAID[name]["counts/n"] == ROWS
    assert found[name].missing == SAID[name]["counts/null"]
    assert found[name].invalid == SAID[name]["counts/inf"]


@pytest.mark.parametrize("name", ["normal", "holes"])
def test_shares_below_an_edge_are_whylogs_quantiles(found, name):
    column = found[name]
    below = np.cumsum(column.counts)[:-1] / sum(column.counts)
    for quantile in (5, 10, 25, 75, 90, 95):
        edge = SAID[name][f"distribution/q_{quantile:02}"]
        assert np.interp(edge, column.edges, below) == pytest.approx(quantile / 100, abs=0.01)
    assert column.moments.min == SAID[name]["distribution/min"]
    assert column.moments.max == SAID[name]["distribution/max"]
    assert column.moments.mean == pytest.approx(SAID[name]["distribution/mean"])
    assert column.moments.std == pytest.approx(SAID[name]["distribution/stddev"])


def test_a_column_of_few_integers_is_exact(found):
    counts = {int(value): times for value, times in SAID["few"]["frequent"].items()}
    column = found["few"]
    assert column.counts[1::2] == [counts[value] for value in range(5)]
    assert not any(column.counts[::2])


def test_categories_are_whylogs_frequent_items(found):
    column = found["colour"]
    assert dict(zip(column.categories, column.counts, strict=False)) == SAID["colour"]["frequent"]
    assert found["flag"].counts == [*(SAID["flag"]["frequent"][x] for x in ("False", "True")), 0]
    assert found["mixed"].categories == ["1", "x"]  # whylogs writes 1.000000


def test_what_is_not_known_is_said():
    _, notes = imports.read(MADE / "whylogs.bin")
    assert len(notes) == 1
    assert notes[0].startswith("id: more different texts than whylogs keeps")


def test_the_profile_can_be_saved_and_loaded(tmp_path):
    profile, _ = imports.read(MADE / "whylogs.bin", "iris")
    save(profile, tmp_path / "p.json")
    assert load(tmp_path / "p.json", "iris") == profile


@given(st.data())
def test_damage_is_refused_or_harmless(data):
    raw = bytearray(RAW)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1) | st.integers(0, 2000))
        raw[place] = data.draw(st.integers(0, 255))
    raw = bytes(raw[: data.draw(st.just(len(raw)) | st.integers(4, len(raw)))])
    try:
        rows, columns, _ = whylogs.columns(raw, "f.bin")
    except ProfileError as problem:
        refused = str(problem)
    else:
        refused = ""
    if refused:
        assert "f.bin: " in refused
        assert "write it again" in refused
        return
    made = imports.make("", rows, columns)
    if len({column.name for column in columns}) == len(columns):
        assert parse(shown(made), "f") == made


@given(st.binary(max_size=200))
def test_bytes_that_are_no_sketch(raw):
    for head in (b"", b"\x05\x01\x0f\x00\x00\x04\x08\x00"):
        with suppress(WireError):
            assert quantiles(head + raw).n >= 0


def test_a_profile_of_no_rows_is_refused(tmp_path):
    (tmp_path / "s.bin").write_bytes(RAW[:5] + b"\x00")
    with pytest.raises(ProfileError, match=r"rows: are none \(found 0\); give a profile of some"):
        imports.read(tmp_path / "s.bin")


def test_only_infinite_numbers_are_all_invalid():
    integers = {"counts/n": 3, "counts/null": 1, "counts/inf": 2, "types/fractional": 2}
    sketch = bytes.fromhex("02020f0400040800") + struct.pack("<d", np.inf)
    parts = whylogs.Parts("x", integers, {}, {"distribution/kll": sketch})
    column, _ = whylogs._column(parts)
    assert (column.counts, column.missing, column.invalid, column.edges) == ([0], 1, 2, [])


def test_segments_are_refused(tmp_path):
    (tmp_path / "s.bin").write_bytes(RAW[:4] + b"\x02\x08\x01" + RAW[5:])
    with pytest.raises(ProfileError, match="has segments; write the whole profile"):
        imports.read(tmp_path / "s.bin")
