"""Both libraries get the same rows, and what is said of them is what they were."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from agent.exchange import decode
from bench import evaluation_made, evaluation_outrider, rows, rows_made, rows_outrider, turns
from bench.processes import BenchError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    rows_made.write(path, 10, 600)
    return path


def test_rows_are_the_same_each_time_and_have_their_columns(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    rows_made.write(again, 10, 600)
    assert again.read_bytes() == file.read_bytes()
    found = rows_made.parsed(str(file))
    assert {len(row) for row in found} == {10}
    assert len(set(file.read_bytes().splitlines())) == 600


@pytest.mark.parametrize("in_request", [1, 7, 1000])
def test_requests_hold_exactly_the_rows_of_the_file(file: Path, in_request: int) -> None:
    sent = []
    for frame in rows_outrider.frames(str(file), in_request):
        for exchange in decode(frame)[1]:
            assert exchange.request_body is not None
            some = json.loads(exchange.request_body[0])["instances"]
            assert len(some) <= in_request
            sent += some
    assert sent == rows_made.parsed(str(file))


@pytest.mark.parametrize("in_request", [1, 100])
def test_outrider_sketches_each_row_once(file: Path, in_request: int) -> None:
    wanted = rows_made.seen_in(rows_made.parsed(str(file)))
    assert rows_made.differences(wanted, rows_outrider.seen(str(file), in_request)) == []


def test_what_one_has_not_seen_is_named() -> None:
    one = {"a": [2, 3.0], "b": [2, {"x": 2}], "c": [2, 1.0]}
    assert rows_made.differences(one, one | {"a": [2, 3.0 + 1e-12]}) == []
    assert rows_made.differences(one, {"a": [2, 3.1], "b": [2, {"x": 1, "y": 1}]}) == [*"abc"]
    assert rows_made.differences(one, one | {"a": [1, 3.0]}) == ["a"]


class Fake(turns.Side):
    def __init__(self, name: str, seen: rows_made.Seen) -> None:
        self.name, self._seen = name, seen

    def ask(self, task: str, **_: object) -> object:
        return self._seen


def test_a_run_in_which_one_side_saw_other_rows_ends(file: Path) -> None:
    seen = rows_made.seen_in(rows_made.parsed(str(file)))
    case = rows.Case(10, 1, 600)
    rows.check(Fake("outrider", seen), Fake("whylogs", seen), file, case)
    lost = seen | {"score_0": [599, seen["score_0"][1]]}
    with pytest.raises(BenchError, match=r"whylogs has not seen .*: score_0"):
        rows.check(Fake("outrider", seen), Fake("whylogs", lost), file, case)


def test_the_window_that_is_called_shifted_is_found_and_the_same_is_not(tmp_path: Path) -> None:
    files = {}
    for name, made in (
        ("reference", evaluation_made.columns(1, rows=4000)),
        ("same", evaluation_made.columns(2, rows=4000)),
        ("shifted", evaluation_made.columns(3, rows=4000, shifted=True)),
    ):
        assert len(made) == 20
        files[name] = tmp_path / name
        files[name].write_text(json.dumps(made))
    reference = str(files["reference"])
    same = evaluation_outrider.run(reference, str(files["same"]))
    shifted = evaluation_outrider.run(reference, str(files["shifted"]))
    assert same["drift"] == []
    assert shifted["drift"] == sorted(evaluation_made.SHIFTED)
    assert set(shifted["rows"].values()) == {4000}


def test_a_side_answers_in_turn_and_its_end_is_told(tmp_path: Path) -> None:
    core = 0
    with turns.side("ours", Path(sys.executable), "bench.rows_outrider", core, tmp_path) as side:
        assert "Outrider" in side.versions
        with pytest.raises(BenchError, match=r"ours ended[\s\S]*KeyError: 'no such task'"):
            side.ask("no such task")
