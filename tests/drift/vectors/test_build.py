"""Vectors in profiles: found by name and content or declared, small, merged exactly, checked."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from agent.cli import main
from agent.drift.learning.build import build_profile
from agent.drift.reference.profile import ProfileError, load, make, merge, parse, shown
from agent.drift.rows.batch import TableError
from agent.drift.rows.table import Batch
from agent.drift.vectors.groups import groups_of
from tests.drift.vectors.rows import SIZE, Source, columns_of, reference

VIEWS = 15


def kinds(profile) -> dict[str, int]:
    found = [column.kind for column in profile.columns]
    return {kind: found.count(kind) for kind in set(found)}


def built(columns, **more):
    rows = len(next(iter(columns.values())))
    return build_profile(lambda: iter([Batch(columns, rows)]), **more)


@pytest.mark.parametrize(
    ("names", "shapes"),
    [
        (["a-0", "a-1", "b"], {"a": [2]}),
        (["a-0", "a-2"], {}),
        (["a-1", "a-2"], {}),
        (["a-0", "a-1", "a"], {}),
        (["a-0-0", "a-0-1", "a-1-0", "a-1-1"], {"a": [2, 2]}),
        (["a-0-0", "a-0-1", "a-1-0"], {}),
        (["a-0", "a-01"], {}),
        (["x-0-0", "x-1"], {}),
        (["a-0"], {}),
        (["-0", "-1"], {}),
    ],
)
def test_a_group_has_every_number(names: list[str], shapes: dict[str, list[int]]):
    assert {group.name: group.shape for group in groups_of(names)} == shapes


def test_a_group_of_numbers_becomes_a_vector_and_its_file_is_small():
    profile = reference(rows=1001)
    assert kinds(profile) == {"vector": 1, "view": VIEWS - 1}
    (vector,) = profile.vectors
    assert (vector.name, vector.shape) == ("emb", [SIZE])
    norm = next(c for c in profile.columns if c.kind == "vector")
    assert norm.name == "emb"
    assert norm.rows == 1001
    assert {c.rows for c in profile.columns if c.kind == "view"} == {500}
    assert len(shown(profile)) < 40_000
    assert parse(shown(profile), "r.json") == profile


def test_columns_that_mean_something_each_are_left_alone():
    wide = columns_of(Source().draw(200))
    assert kinds(built(dict(list(wide.items())[:60]))) == {"numeric": 60}
    bits = {f"b-{i}": (np.arange(200) % (i + 2) == 0).astype(float) for i in range(70)}
    assert kinds(built(bits)) == {"numeric": 70}
    assert kinds(built(wide, kinds={"emb": "columns"})) == {"numeric": SIZE}
    assert kinds(built(wide, kinds={"emb-3": "numeric"})) == {"numeric": SIZE}
    words = {name: ["a", "b"] * 100 for name in wide}
    assert kinds(built(words)) == {"categorical": SIZE}
    chances = np.random.default_rng(0).dirichlet(np.ones(70), size=200)
    profile = built(columns_of(chances, "p"), outputs=["p"], inputs=[])
    assert kinds(profile) == {"numeric": 71}


def test_what_is_declared_is_a_vector_however_small():
    columns = columns_of(Source().draw(200)[:, :3])
    assert kinds(built(columns, kinds={"emb": "vector"}))["vector"] == 1
    with pytest.raises(TableError, match="no columns emb2-0"):
        built(columns, kinds={"emb2": "vector"})
    with pytest.raises(TableError, match="no row of it"):
        built({"w-0": ["a"] * 9, "w-1": ["b"] * 9}, kinds={"w": "vector"})


def test_a_group_is_named_as_one_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    matrix = Source().draw(300)
    data = tmp_path / "d.jsonl"
    rows = [{"emb": row, "age": i, "out": row[:3]} for i, row in enumerate(matrix.tolist())]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    to = str(tmp_path / "r.json")
    asked = ["profile", "build", str(data), "-o", to, "--columns", "emb", "--outputs", "out"]
    assert main([*asked, "--kind", "out=vector"]) == 0
    profile = load(Path(to))
    assert {(v.name, v.side) for v in profile.vectors} == {("emb", "input"), ("out", "output")}
    assert {c.side for c in profile.columns if "out" in c.name} == {"output"}
    assert "age" not in {c.name for c in profile.columns}
    assert main(["profile", "show", to]) == 0
    said = capsys.readouterr().out
    assert f"mean of emb, {SIZE} dimensions, mean of out, 3 dimensions" in said
    assert "vector" in said


def test_more_dimensions_than_columns_are_allowed_are_one_vector():
    matrix = np.random.default_rng(0).normal(size=(200, 1536))
    profile = built(columns_of(matrix))
    assert kinds(profile) == {"vector": 1, "view": VIEWS - 1}
    assert len(shown(profile)) < 200_000


def test_lists_of_parquet_are_vectors(tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    matrix = Source().draw(300).astype(np.float32)
    table = pyarrow.table({"emb": pyarrow.array(matrix.tolist(), pyarrow.list_(pyarrow.float32()))})
    parquet.write_table(table, tmp_path / "d.parquet")
    to = tmp_path / "r.json"
    assert main(["profile", "build", str(tmp_path / "d.parquet"), "-o", str(to)]) == 0
    assert kinds(load(to))["vector"] == 1


def test_counts_like_another_merge_exactly(tmp_path: Path):
    first = tmp_path / "a.jsonl"
    second = tmp_path / "b.jsonl"
    for path, seed in ((first, 1), (second, 2)):
        rows = [{"emb": row} for row in Source(seed).draw(200).tolist()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    like, other, again = (str(tmp_path / f"{name}.json") for name in "lab")
    assert main(["profile", "build", str(first), "-o", like]) == 0
    assert main(["profile", "build", str(second), "-o", other, "--like", like]) == 0
    merged = merge([load(Path(like)), load(Path(other))])
    parts = [load(Path(path)).vectors[0].mean for path in (like, other)]
    (vector,) = merged.vectors
    assert vector.mean.rows == sum(mean.rows for mean in parts) == 300
    assert vector.mean.sums == [sum(each) for each in zip(*(m.sums for m in parts), strict=True)]
    assert {c.rows for c in merged.columns if c.kind == "view"} == {100 + 200}
    assert main(["profile", "build", str(second), "-o", again]) == 0
    with pytest.raises(ProfileError, match="looked at otherwise"):
        merge([load(Path(like)), load(Path(again))])


@pytest.mark.parametrize(
    "change",
    [
        {"shape": []},
        {"shape": [0]},
        {"shape": [SIZE + 1]},
        {"shape": [1 << 40]},
        {"axes": b"123"},
        {"centre": b""},
        {"decimals": 10**6},
        {"name": "other"},
        {"side": "output"},
    ],
)
def test_a_vector_that_does_not_hold_is_refused(change: dict[str, object]):
    right = reference(rows=100)
    wrong = [msgspec.structs.replace(right.vectors[0], **change)]
    for vectors in (wrong, []):
        profile = make("", right.rows, right.columns, vectors=vectors)
        with pytest.raises(ProfileError, match="vector") as refused:
            parse(shown(profile), "r.json")
        assert refused.value.field == "vectors"


def test_a_history_is_judged_by_vectors(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths = [tmp_path / "before.jsonl", tmp_path / "after.jsonl"]
    for path, seed, factor in zip(paths, (1, 2), (1.0, 1.3), strict=True):
        matrix = Source(seed).draw(2000)
        matrix[1000:] *= factor
        path.write_text("".join(json.dumps({"emb": row}) + "\n" for row in matrix.tolist()))
    to = str(tmp_path / "r.json")
    assert main(["profile", "build", str(paths[0]), "-o", to]) == 0
    for path, alarms in zip(paths, (False, True), strict=True):
        capsys.readouterr()
        assert main(["drift", "backtest", str(path), "--reference", to, "--window", "500"]) == 0
        said = capsys.readouterr()
        assert ("(distance) emb" in said.out) == alarms
        assert "emb-" not in said.err
        assert "never in the data" not in said.err
        assert "not in the reference" not in said.err


def test_files_of_many_wide_rows_are_read_in_all_formats(tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    matrix = np.random.default_rng(0).normal(size=(1200, 1100)).astype(np.float32).astype(float)
    rows = [*matrix.tolist(), None]
    lines = [json.dumps({"emb": row, "n": 1} if row else {"n": 1}) + "\n" for row in rows]
    (tmp_path / "d.jsonl").write_text("".join(lines))
    kind = pyarrow.list_(pyarrow.float64())
    table = pyarrow.table({"emb": pyarrow.array(rows, kind), "n": [1] * len(rows)})
    parquet.write_table(table, tmp_path / "d.parquet")
    profiles = []
    for name in ("d.jsonl", "d.parquet"):
        to = tmp_path / f"{name}.json"
        assert main(["profile", "build", str(tmp_path / name), "-o", str(to)]) == 0
        profiles.append(load(to))
    counts = [[(c.name, c.counts, c.missing) for c in p.columns] for p in profiles]
    assert counts[0] == counts[1]
    assert profiles[0].vectors == profiles[1].vectors
    assert {c.missing for c in profiles[0].columns if c.kind == "vector"} == {1}
