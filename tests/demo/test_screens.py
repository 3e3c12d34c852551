"""What is shown, drawn and printed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from agent.demo.alarms import Alarm, Alarms
from agent.demo.plain import PlainScreen
from agent.demo.readings import ColumnDrift, Signals
from agent.demo.receiver import Trace
from agent.demo.rows import SHIFT
from agent.demo.screen import bar, picture
from agent.demo.summary import Totals, summary
from agent.demo.timeline import Timeline
from agent.demo.view import Addresses, View, alarm_line, latency

COLUMNS = (
    ColumnDrift("od280/od315_of_diluted_wines", "input", 1.62, 0.41, detected=True, moved=-1.2),
    ColumnDrift("cultivar", "output", 0.5, 0.41, detected=None),
    *(ColumnDrift(f"column_{i}", "input", 0.1, 0.41, detected=False) for i in range(13)),
)


def view(seconds: float, columns: tuple[ColumnDrift, ...] = COLUMNS) -> View:
    return View(
        seconds=seconds,
        act=Timeline(60, 100).at(seconds),
        signals=Signals(5100, 2, 99.8, 0.0021, 0.0034, 1.5, 0.00006),
        columns=columns,
        expected=frozenset(SHIFT),
        trace=Trace("4bf92f3577b34da6a3ce929d0e0e4736", "POST /v1", 0.0021, 0.0019),
        record={"http.response.status_code": 200, "duration_ms": 2.1},
        addresses=Addresses(
            "http://127.0.0.1:8901/",
            "http://127.0.0.1:8901/metrics",
            "/tmp/outrider-demo-a1b2c3d4/sidecar.log",
        ),
    )


def drawn(picture_of: View, height: int = 24) -> str:
    console = Console(file=io.StringIO(), width=80, height=height, color_system=None)
    with console.capture() as capture:
        console.print(picture(picture_of, height))
    return capture.get()


def test_the_picture_fits_a_terminal_of_24_lines() -> None:
    lines = drawn(view(40)).splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert "od280/od315_of_diluted_wines" in drawn(view(40))


def test_ranks_columns_and_counts_those_for_which_there_is_no_room() -> None:
    text = drawn(view(40))
    assert text.index("od280") < text.index("cultivar (output)") < text.index("column_0")
    assert "more, 0 in drift" in text
    assert "DRIFT" in text


def test_marks_the_columns_that_are_being_shifted() -> None:
    assert "▸ od280" in drawn(view(40))
    assert "▸" not in drawn(view(10))


def test_says_how_far_a_column_in_drift_moved() -> None:
    assert "-1.2 sd" in drawn(view(40))


def test_says_that_no_window_is_full_yet() -> None:
    assert "first window" in drawn(view(1, ()))


def test_shows_where_to_look_and_what_comes_next() -> None:
    text = drawn(view(10))
    assert "http://127.0.0.1:8901/ " in text
    assert "sidecar.log" in text
    assert "the shift in 17 s" in text


@pytest.mark.parametrize(("score", "cells"), [(0.0, 0), (0.5, 8), (1.0, 16), (9.0, 16)])
def test_a_bar_is_half_full_at_the_threshold(score: float, cells: int) -> None:
    assert bar(ColumnDrift("a", "input", score, 0.5, detected=False)).count("━") == cells


def test_durations_come_in_the_unit_that_suits_them() -> None:
    assert [latency(value) for value in (None, 6e-5, 0.0021, 1.5)] == [
        "–",
        "60 µs",
        "2.1 ms",
        "1.50 s",
    ]


def test_plain_lines_come_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainScreen()
    for seconds in (1, 4.9, 5.1, 6, 10.2):
        screen.show(view(seconds))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "od280/od315_of_diluted_wines 1.62 of 0.41 DRIFT" in lines[0]


def test_an_alarm_fits_a_line_and_says_if_it_came_too_soon() -> None:
    alarm = Alarm("od280/od315_of_diluted_wines", "input", 30, 3.2, 1.62, 0.41, -1.2)
    assert alarm_line(alarm) == (
        "+3.2 s DRIFT od280/od315_of_diluted_wines: score 1.62 over 0.41, moved -1.2 sd"
    )
    early = Alarm("cultivar", "output", 3, None, 1.62, 0.41, None)
    assert alarm_line(early) == "too soon DRIFT cultivar (output): score 1.62 over 0.41"


@pytest.mark.parametrize("passed", [True, False])
def test_the_last_words_say_what_was_seen(tmp_path: Path, passed: bool) -> None:
    alarms = Alarms({"hue", "ash"})
    named = ["hue", "ash"] if passed else ["hue", "proline"]
    alarms.see(32.0, 30.0, [ColumnDrift(name, "input", 2.0, 0.5, detected=True) for name in named])
    text = "\n".join(summary(alarms, Totals(100, 99, "502 bad", 100.0, 200), 30.0, tmp_path))
    assert "100 requests sent, 99 answered. Outrider counted 100 and exported 200 spans" in text
    assert "+2.0 s DRIFT hue: score 2.00 over 0.50" in text
    assert "The last failure: 502 bad" in text
    if passed:
        assert "No alarm before the shift, the first 2.0 s after it." in text
    else:
        assert "named without cause: proline; not named: ash" in text
