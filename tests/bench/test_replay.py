"""Real histories for the replay: cut and shuffled as they say, and answered row by row."""

from __future__ import annotations

import http.client
import json
import os
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench import processes
from bench.drift.series import History, Part, cut, first, shuffled, spaced
from bench.processes import Launch
from bench.rig import ROOT


def part(rows: int, start: int = 0) -> Part:
    """Rows whose columns say which row it is."""
    number = list(range(start, start + rows))
    return Part({"a": number, "b": [f"b{i}" for i in number]}, {"y": [-i for i in number]},
                [f"t{i}" for i in number])  # fmt: skip


@pytest.mark.parametrize(("rows", "wanted"), [(10, 10), (10, 4), (50_008, 30_000), (1, 1), (5, 0)])
def test_spaced_rows_are_different_ones_in_order_from_the_first_to_the_last(
    rows: int, wanted: int
) -> None:
    places = spaced(rows, wanted)
    assert len(places) == wanted
    assert all(a < b for a, b in pairwise(places))
    assert not places or places[0] == 0
    assert wanted < 2 or places[-1] == rows - 1


def test_a_short_history_is_cut_row_by_row_and_its_rest_left_out() -> None:
    history = cut(part(20), part(27, 100), 10, 5)
    assert [window.inputs["a"] for window in history.windows] == [
        list(range(100, 110)), list(range(110, 120))
    ]  # fmt: skip
    assert history.windows[1].at == [f"t{i}" for i in range(110, 120)]


def test_of_a_long_history_rows_of_its_whole_length_are_taken() -> None:
    history = cut(part(20), part(1000, 100), 10, 5)
    assert len(history.windows) == 5
    assert history.analysis.inputs["a"][0] == 100
    assert history.analysis.inputs["a"][-1] == 1099


def test_shuffling_mixes_before_and_after_and_keeps_rows_whole() -> None:
    history = History(part(300), part(200, 300), 50)
    twin = shuffled(history, np.random.default_rng(0))
    assert (len(twin.reference), len(twin.analysis), twin.size) == (300, 200, 50)
    rows = [*twin.reference.rows(), *twin.analysis.rows()]
    assert all(asked["b"] == f"b{asked['a']}" and out["y"] == -asked["a"] for asked, out in rows)
    assert sorted(asked["a"] for asked, _ in rows) == list(range(500))
    late = sum(number >= 300 for number in twin.reference.inputs["a"])
    assert 80 < late < 160  # 120 expected


def test_the_first_window_with_drift_counts_from_one() -> None:
    assert first([[], ["a"], []]) == 2
    assert first([[], []]) is None


def test_the_recorded_model_answers_each_row_with_its_own_line(tmp_path: Path) -> None:
    file = tmp_path / "answers"
    file.write_text('{"y":0}\n{"y":1}\n')
    port = processes.free_port()
    launch = Launch(
        argv=[sys.executable, "-m", "bench.drift.recorded", str(port), file],
        port=port,
        ready=f"http://127.0.0.1:{port}/",
        env={"PYTHONPATH": str(ROOT)},
    )
    errors = tmp_path / "errors"
    process = processes.start(launch, os.sched_getaffinity(0), errors)
    with processes.ended(process):
        processes.wait_ready(process, launch, errors)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for row in (1, 0, 1):
            connection.request("POST", "/v1/models/m:predict", b"{}", {"x-row": str(row)})
            assert json.load(connection.getresponse()) == {"predictions": [{"y": row}]}
        connection.close()
