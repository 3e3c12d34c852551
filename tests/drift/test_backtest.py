"""A history judged by the code that judges traffic: the same verdicts, with the data's clock."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from agent.cli import main
from agent.decode.payload import Payload
from agent.drift.backtest.alarms import Alarms
from agent.drift.backtest.picture import CALM, SLOTS, Heat
from agent.drift.backtest.replay import Judged, Replay
from agent.drift.backtest.shown import table
from agent.drift.learning.build import build_profile
from agent.drift.monitor import Monitor, References
from agent.drift.reference.profile import Profile, save
from agent.drift.rows.table import Batch
from agent.drift.settings import Settings

BEGAN = 1_772_323_200.0  # 2026-03-01T00:00:00Z
DAYS, EACH = 4, 288
ROWS = 100
SHIFT_AT = 3 * EACH * ROWS


def history(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Normal amounts whose mean moves on the fourth day, and a colour that does not."""
    amount = rng.normal(size=rows)
    amount[SHIFT_AT:] += 0.8
    return {
        "at": BEGAN + np.arange(rows) * 3.0,
        "amount": amount,
        "colour": rng.choice(["red", "green"], size=rows),
    }


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    return history(np.random.default_rng(5), DAYS * EACH * ROWS)


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> tuple[Profile, Path]:
    rng = np.random.default_rng(6)
    columns = {
        "amount": rng.normal(size=20_000).tolist(),
        "colour": rng.choice(["red", "green"], size=20_000).tolist(),
    }
    profile = build_profile(lambda: iter([Batch(columns, 20_000)]))
    path = tmp_path_factory.mktemp("reference") / "reference.json"
    save(profile, path)
    return profile, path


@pytest.fixture(scope="module", params=["csv", "jsonl", "parquet"])
def data(request, rows, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / f"rows.{request.param}"
    lists = {name: values.tolist() for name, values in rows.items()}
    if request.param == "parquet":
        micros = pyarrow.array((rows["at"] * 1e6).astype("int64"), pyarrow.timestamp("us"))
        table = pyarrow.table({**lists, "at": micros})
        pyarrow.parquet.write_table(table, path)
    elif request.param == "csv":
        lines = [f"{t},{a!r},{c}\n" for t, a, c in zip(*lists.values(), strict=True)]
        path.write_text("at,amount,colour\n" + "".join(lines))
    else:
        names = list(lists)
        made = (dict(zip(names, row, strict=True)) for row in zip(*lists.values(), strict=True))
        path.write_text("".join(json.dumps(row) + "\n" for row in made))
    return path


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_it_tells_what_happened_and_when(data, reference, tmp_path, capsys):
    picture = tmp_path / "history.svg"
    base = ["drift", "backtest", str(data), "--reference", str(reference[1])]
    base += ["--timestamp", "at", "--interval", "30m"]
    assert main([*base, "--window", "1000", "--picture", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "1 alarm of 1 column in 191 windows, 114,600 rows, 4.0 days (2026-03-01 00:00 to" in out
    assert "The budget allows 0.13 false ones in this time." in out
    assert "2026-03-04 00:" in out
    assert "location up" in out
    drawn = picture.read_text()
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "raised 2026-03-04 00:" in drawn
    assert f"rows{data.suffix}: 1 alarm in 191 windows" in drawn

    assert main([*base, "--json", "--fail-on", "drift"]) == 1
    said = lines(capsys.readouterr().out)
    kinds = [one["kind"] for one in said]
    assert (kinds.count("window"), kinds.count("alarm"), kinds.count("summary")) == (191, 1, 1)
    (alarm,) = (one for one in said if one["kind"] == "alarm")
    assert alarm["column"] == "amount"
    assert BEGAN + 3 * 86400 < alarm["raised"] <= BEGAN + 3 * 86400 + 1800
    assert said[-1]["allowed"] == pytest.approx(4 / 30, rel=0.01)


@pytest.mark.slow
def test_without_times_each_window_takes_the_interval(data, capsys):
    args = ["drift", "backtest", str(data), "--reference-rows", "20000", "--interval", "10m"]
    if data.suffix == ".csv":
        args += ["--timestamp", "at"]  # else the time would be a feature that drifts
    assert main([*args, "--json"]) == 0
    said = lines(capsys.readouterr().out)
    windows = [one for one in said if one["kind"] == "window"]
    columns = {verdict["column"] for verdict in windows[0]["verdicts"]}
    assert columns == (
        {"amount", "colour"} if data.suffix == ".csv" else {"at", "amount", "colour"}
    )
    assert windows[1]["ended"] - windows[0]["ended"] == pytest.approx(600)


def test_verdicts_are_those_of_traffic(rows, reference):
    """The same rows as requests, at the same times: equal to the last digit."""
    settings = Settings(window_rows=500, window_seconds=1e9)
    replay = Replay(reference[0], settings, timed=True)
    now = [BEGAN]
    monitor = Monitor(settings, References(reference[0]), clock=lambda: now[0])
    columns = {name: rows[name][:20_000] for name in ("amount", "colour")}
    times = rows["at"][:20_000]
    judged = []
    for at in range(0, 20_000, 137):  # batches that fit no window
        part = slice(at, at + 137)
        sizes = {name: values[part] for name, values in columns.items()}
        judged += replay.feed(sizes, len(times[part]), times[part])
    expected = []
    for i in range(20_000):
        now[0] = float(times[i])
        inputs = {"amount": [columns["amount"][i]], "colour": [str(columns["colour"][i])]}
        monitor.add(Payload("", "", "", inputs, {}, 1, 0, 0))
        watch = monitor.models["", ""]
        if watch.windows > len(expected):
            expected.append([column.verdict for column in watch.columns])
    assert len(judged) == len(expected) == 40
    assert [column.verdict for column in replay.watch.columns] == expected[-1]
    assert judged[-1].excess == pytest.approx([c.excess() for c in watch.judged])


def test_what_moves_again_while_it_drifts_is_told_too(reference):
    settings = Settings(window_rows=500, window_seconds=1e9)
    replay, alarms = Replay(reference[0], settings, timed=True), Alarms()
    rng = np.random.default_rng(3)
    told = []
    for i, shift in enumerate([0.0] * 4 + [0.4] * 24 + [1.5] * 24 + [0.0] * 24):
        columns = {"amount": rng.normal(shift, size=500), "colour": ["red", "green"] * 250}
        judged = list(replay.feed(columns, 500, i * 500.0 + np.arange(500)))
        alarms.take(judged)
        told += [change for one in judged for change in one.changes]
    assert any(change.again is not None for change in told)
    first, again, back = alarms.all
    assert (first.column, first.again) == ("amount", False)
    assert (again.column, again.again, again.direction) == ("amount", True, "up")
    assert (back.again, back.direction) == (True, "down")
    assert first.raised < 28 * 500 - 1 <= again.since < again.raised
    assert first.cleared == again.cleared
    assert again.cleared is not None
    assert "again: " in table(alarms.all, timed=True)[2]


@pytest.mark.parametrize(
    ("text", "args", "said"),
    [
        ("at,a\n1,2\n", ["--timestamp", "when"], "--timestamp when: no such column; there are at"),
        (
            "at,a\n5,2\n3,2\n",
            ["--timestamp", "at"],
            "row 2: at is 1970-01-01T00:00:03+00:00,",
        ),
        ("at,a\n5,2\nnoon,2\n", ["--timestamp", "at"], "row 2: at: 'noon' is no time; wanted ISO"),
        ("at,a\n5,2\n,2\n", ["--timestamp", "at"], "row 2: at: None is no time"),
        ("a\n", [], "no rows"),
        ("amount\n1\n2\n", [], "2 rows are not one window of 1000 rows"),
        ("a\n1\n", ["--interval", "soon"], "--interval"),
        ("a\n1\n", ["--interval", "off"], "--interval"),
        ("a\n1\n", ["--false-alarms", "few"], "--false-alarms"),
        ("a\n1\n", ["--false-alarms", "1 per day"], "wanted a rate like 1 per 30d"),
        ("a\n1\n", ["--window", "-5"], "--window: -5: wanted at least 1"),
        ("a\n1\n", ["--picture", "a.png"], "--picture: a.png: it is drawn as SVG"),
    ],
)
def test_what_is_wrong_is_said(text, args, said, reference, tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text(text)
    full = ["drift", "backtest", str(path), "--reference", str(reference[1]), *args]
    assert main(full) == 2
    assert said in capsys.readouterr().err


def test_without_a_reference_it_says_how_to_get_one(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("a\n1\n")
    assert main(["drift", "backtest", str(path)]) == 2
    assert "--reference-rows" in capsys.readouterr().err


def test_derived_columns_are_those_of_traffic():
    """Relations and importance need a row's values together, of both sides."""
    rng = np.random.default_rng(7)

    def table(rows: int) -> dict[str, np.ndarray]:
        a, b = rng.normal(size=(2, rows))
        return {"a": a, "b": b, "score": a - b + rng.normal(size=rows)}

    known = {name: values.tolist() for name, values in table(5000).items()}
    profile = build_profile(lambda: iter([Batch(known, 5000)]), outputs=["score"])
    assert profile.derived is not None
    settings = Settings(window_rows=500, window_seconds=1e9)
    replay = Replay(profile, settings, timed=True)
    columns = table(4000)
    columns["b"] = columns["a"].copy()  # the same distribution, another relation
    judged = list(replay.feed(columns, 4000, np.arange(4000) // 125 * 60.0))

    now = [0.0]
    monitor = Monitor(settings, References(profile), clock=lambda: now[0])
    for at in range(0, 4000, 125):
        now[0] = at // 125 * 60.0
        part = {name: values[at : at + 125].tolist() for name, values in columns.items()}
        outputs = {"score": part.pop("score")}
        monitor.add(Payload("", "", "", part, outputs, 125, 125, 0))
    watch = monitor.models["", ""]
    assert watch.windows == len(judged) == 8
    assert watch.derived is not None
    assert replay.watch.derived is not None
    found = [column.totals.tolist() for column in replay.watch.derived.columns]
    assert found == [column.totals.tolist() for column in watch.derived.columns]
    assert all(map(sum, found))
    states = [column.state for column in replay.watch.derived.columns]
    assert states == [column.state for column in watch.derived.columns]
    assert "drift" in states
    told = {(c.side, c.column) for one in judged for c in one.changes if c.after == "drift"}
    assert any(name not in columns for _, name in told)


def at_a_terminal(args: list[str], out: Path | None) -> list[str]:
    """What a terminal shows of a real process, whose results go to a file if one is given."""
    screen, its = pty.openpty()
    with out.open("wb") if out is not None else contextlib.nullcontext(its) as results:
        command = [sys.executable, "-m", "agent", "drift", "backtest", *args]
        process = subprocess.Popen(command, stdin=its, stdout=results, stderr=its)
    os.close(its)
    shown = b""
    with contextlib.suppress(OSError):  # Linux: the terminal's other end is closed
        while piece := os.read(screen, 65536):
            shown += piece
    process.wait()
    os.close(screen)
    return shown.decode().replace("\r\n", "\n").splitlines()


def test_a_bar_leaves_the_lines_of_json_intact(reference, tmp_path):
    path, out = tmp_path / "rows.csv", tmp_path / "out.jsonl"
    path.write_text("amount\n" + "0.5\n" * 20_000)
    args = [str(path), "--reference", str(reference[1]), "--json"]
    shown = at_a_terminal(args, out)
    kinds = [one["kind"] for one in lines(out.read_text())]
    assert (kinds.count("window"), kinds[-1]) == (20, "summary")
    assert any("judging rows.csv [" in line for line in shown)
    shown = at_a_terminal(args, None)
    said = [json.loads(line) for line in shown if not line.startswith("outrider drift backtest: ")]
    assert [one["kind"] for one in said] == kinds


def test_gaps_are_no_windows(reference):
    settings = Settings(window_rows=1000, window_seconds=300)
    replay = Replay(reference[0], settings, timed=True)
    times = np.array([0.0, 10, 20, 4000, 4010, 9000])
    columns = {"amount": np.zeros(6), "colour": ["red"] * 6}
    judged = list(replay.feed(columns, 6, times))
    assert [(one.began, one.ended, one.rows) for one in judged] == [
        (0.0, 300.0, 3),
        (3900.0, 4200.0, 2),
    ]
    assert replay.watch.window.rows == 1


@pytest.mark.parametrize("began", [0.0, 1_772_323_200.0, 1_772_323_200.1])
@pytest.mark.parametrize("limit", [1000, 5000])
def test_rounded_times_cost_a_window_no_row(began, limit, reference):
    """A row each 0.3 s: the window's edge and every thousandth row are the same time, roughly."""
    replay = Replay(reference[0], Settings(window_rows=limit, window_seconds=300), timed=True)
    rows = 20_000
    columns = {"amount": np.zeros(rows), "colour": ["red"] * rows}
    judged = list(replay.feed(columns, rows, began + np.arange(rows) * 0.3))
    assert {one.rows for one in judged} == {1000}
    assert len(judged) == 20 if limit == 1000 else 19


def test_after_a_gap_a_row_at_the_edge_is_of_the_window_that_it_opens(reference):
    replay = Replay(reference[0], Settings(window_seconds=300), timed=True)
    times = np.array([0.0, 10, 1200 - 1e-7, 1210, 1500])
    judged = list(replay.feed({"amount": np.zeros(5)}, 5, times))
    assert [(one.began, one.ended, one.rows) for one in judged] == [(0, 300, 2), (1200, 1500, 2)]
    assert replay.watch.windows == 2


def test_a_long_history_is_drawn_with_bounded_memory():
    heat = Heat()
    for i in range(10_000):
        excess = np.array([0.1, 5.0 if i == 6000 else 0.2])
        heat.add(Judged(i * 10.0, i * 10.0 + 10, 1, excess, [], excess > 1))
    grid = heat.grid()
    assert SLOTS < len(grid) <= 2 * SLOTS
    assert len(grid) * heat.each >= 100_000.0
    (slot,) = np.flatnonzero(grid[:, 1] == 5)
    assert slot * heat.each <= 60_000 < (slot + 1) * heat.each


def test_only_drift_is_drawn_as_such_and_a_gap_is_left_blank():
    heat = Heat()
    no, yes = np.array([False]), np.array([True])
    heat.add(Judged(0, 10, 1, np.array([3.0]), [], no))  # beyond its threshold, below min_effect
    heat.add(Judged(50, 60, 1, np.array([3.0]), [], yes))
    grid = heat.grid()[:, 0]
    assert (grid[0], grid[5], len(grid)) == (CALM, 3.0, 6)
    assert np.isnan(grid[1:5]).all()
