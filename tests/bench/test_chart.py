"""Pictures say what the JSON says: ratios to the peer that was named, the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import chart
from bench.chart import Bars, Lines, Strips

BARS = Bars(
    "CPU",
    "µs",
    {"nginx": [9.0, 10.0, 12.0], "Envoy": [20.0, 19.0, 44.0], "Outrider": [15.0, 16.0]},
    peer="Envoy",
)


def _kept(folder: Path, *charts: chart.Chart) -> Path:
    results = folder / "question.json"
    results.write_text(json.dumps({"results": {}, "charts": chart.kept(charts)}))
    return results


def test_ratios_are_of_medians_to_the_named_peer() -> None:
    assert BARS.ratios() == {"nginx": 0.5, "Envoy": 1.0, "Outrider": 0.775}


@pytest.mark.parametrize("peer", [None, "HAProxy"])
def test_without_the_peer_there_are_no_ratios(peer: str | None) -> None:
    assert Bars("CPU", "µs", BARS.values, peer).ratios() == {}


def test_a_label_without_rounds_has_no_ratio() -> None:
    assert Bars("CPU", "µs", {"Envoy": [2.0], "gone": []}, "Envoy").ratios() == {"Envoy": 1.0}


def test_charts_come_back_from_the_json(tmp_path: Path) -> None:
    lines = Lines("Growth", "connections", "µs", {"nginx": [(1, [2.0]), (16, [3.0, 4.0])]})
    strips = Strips("Said", "window", {"Outrider": [0.0, 0.5]}, mark=1)
    back = chart.read(_kept(tmp_path, BARS, lines, strips))
    assert isinstance(back[0], Bars)
    assert isinstance(back[1], Lines)
    assert back[2] == strips
    assert chart.kept(back) == json.loads(json.dumps(chart.kept([BARS, lines, strips])))


def test_nothing_is_drawn_of_a_question_without_charts(tmp_path: Path) -> None:
    assert chart.draw(_kept(tmp_path)) is None
    assert not (tmp_path / "question.svg").exists()


def test_the_same_json_gives_the_same_picture_with_its_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    lines = Lines("Growth", "n", "s", {"x": [(1, [1.0]), (10, [2.0])]})
    strips = Strips("Said", "window", {"Outrider": [0.0, 0.5]}, mark=1)
    results = _kept(tmp_path, BARS, lines, strips)
    picture = chart.draw(results)
    assert picture
    first = picture.read_text()
    chart.draw(results)
    assert picture.read_text() == first
    assert "(0.78×)" in first  # 0.775, as Python rounds it
    assert "<dc:date>" not in first
