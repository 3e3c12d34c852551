"""One picture a question, drawn from what its JSON keeps: `bench/results/QUESTION.svg`.

Rule: a picture says nothing that the JSON does not; what is drawn can be drawn again, by
`python -m bench.chart [question …]`. The same JSON gives the same bytes: no date, fixed ids.
matplotlib is imported only when something is drawn.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

OURS, PEER, OTHER = "#1f6feb", "#57606a", "#afb8c1"
QUIET = "#eef2f6"
WIDTH = 9.0
"""Inches; so are the next two."""
BAR = 0.30
HEAD = 0.95
LINES_HEIGHT = 4.2
STYLE = {
    "svg.hashsalt": "outrider",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclass(frozen=True)
class Bars:
    """A bar for each label, its rounds' median, with the least and the most as its error bar."""

    title: str
    unit: str
    values: dict[str, Sequence[float]]
    """The rounds, by label; in the order drawn, from the top. Labels of ours begin "Outrider"."""
    peer: str | None = None
    """The label that the ratios on the bars are to."""
    log: bool = False
    """A logarithmic axis, for what differs by tens."""
    kind: Literal["bars"] = field(default="bars", init=False)

    def ratios(self) -> dict[str, float]:
        """Each label's median over the peer's; empty if the peer did not take part."""
        medians = {label: statistics.median(each) for label, each in self.values.items() if each}
        base = medians.get(self.peer or "")
        return {label: middle / base for label, middle in medians.items()} if base else {}


@dataclass(frozen=True)
class Lines:
    """A line for each label: the rounds' medians along x, with their least and most."""

    title: str
    x: str
    unit: str
    values: dict[str, Sequence[tuple[float, Sequence[float]]]]
    """Pairs of x and the rounds there, by label."""
    log: bool = False
    """Of y; x is always logarithmic."""
    kind: Literal["lines"] = field(default="lines", init=False)


@dataclass(frozen=True)
class Strips:
    """A row of cells for each label, the darker the more: what was said of each window."""

    title: str
    x: str
    values: dict[str, Sequence[float]]
    """0 (pale) to 1, by label; in the order drawn, from the top."""
    mark: int | None = None
    """Something happened before this cell, from 0."""
    kind: Literal["strips"] = field(default="strips", init=False)


Chart = Bars | Lines | Strips


def kept(charts: Sequence[Chart]) -> list[dict[str, Any]]:
    """As the JSON has them."""
    return [asdict(chart) for chart in charts]


def read(results: Path) -> list[Chart]:
    """The charts of a question's JSON; none if it asks for none."""
    kinds: dict[str, type[Chart]] = {"bars": Bars, "lines": Lines, "strips": Strips}
    found = json.loads(results.read_text()).get("charts", [])
    return [kinds[one.pop("kind")](**one) for one in found]


def _errors(rounds: Sequence[Sequence[float]]) -> list[list[float]]:
    """How far the least and the most are from the median, as matplotlib wants it."""
    middles = [statistics.median(each) for each in rounds]
    below = [middle - min(each) for middle, each in zip(middles, rounds, strict=True)]
    above = [max(each) - middle for middle, each in zip(middles, rounds, strict=True)]
    return [below, above]


def _number(value: float) -> str:
    """Three digits that matter: 0.0321, 4.57, 38.7, 82,772."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def _plain_ticks(axis: Any, reach: float = 1.0) -> None:
    """Of a logarithmic axis: 1, 2, 5, 10 …, in figures; where it reaches far 1, 10, 100 …"""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if reach < 1000 else (1.0,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:,g}")


def _bars(axes: Any, chart: Bars) -> None:
    drawn = {label: each for label, each in chart.values.items() if each}
    labels, rounds = list(drawn), list(drawn.values())
    middles = [statistics.median(each) for each in rounds]
    colours = [
        OURS if label.startswith("Outrider") else PEER if label == chart.peer else OTHER
        for label in labels
    ]
    style = {"ecolor": "black", "elinewidth": 0.9, "capsize": 2.5}
    shown = [label.replace("`", "") for label in labels]
    axes.barh(shown, middles, 0.72, xerr=_errors(rounds), color=colours, error_kw=style)
    axes.invert_yaxis()
    most = max(max(each) for each in rounds)
    if chart.log:
        axes.set_xscale("log")
        low = min(middles) / 2
        _plain_ticks(axes.xaxis, most / low)
        axes.set_xlim(low, most * (most / low) ** 0.35)
    else:
        axes.set_xlim(0, most * 1.24)
    ratios = chart.ratios()
    for place, (label, each) in enumerate(drawn.items()):
        told = _number(middles[place])
        if label in ratios:
            told += f"  ({ratios[label]:.{2 if ratios[label] >= 0.1 else 3}f}×)"
        at = max(each)
        axes.annotate(told, (at, place), (5, 0), textcoords="offset points", va="center")
    axes.set_title(chart.title)
    axes.set_xlabel(chart.unit + (f"    (in brackets: × {chart.peer})" if ratios else ""))
    axes.tick_params(axis="y", length=0)


def _lines(axes: Any, chart: Lines) -> None:
    for number, (label, points) in enumerate(chart.values.items()):
        places, rounds = [x for x, _ in points], [each for _, each in points]
        middles = [statistics.median(each) for each in rounds]
        mark = "osD^vPX*"[number % 8]
        ours = label.startswith("Outrider")
        axes.errorbar(
            places,
            middles,
            _errors(rounds),
            label=f"{label.replace('`', '')}  ({_number(middles[-1])})",
            marker=mark,
            markersize=4.5,
            capsize=2.5,
            linewidth=1.8 if ours else 1.1,
            linestyle="-" if ours else "--",
        )
    axes.set_xscale("log")
    every = sorted({x for points in chart.values.values() for x, _ in points})
    axes.set_xticks(every, [f"{x:g}" for x in every])
    axes.minorticks_off()
    if chart.log:
        axes.set_yscale("log")
        _plain_ticks(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:,g}")
    axes.set_title(chart.title)
    axes.set_xlabel(chart.x)
    axes.set_ylabel(chart.unit)
    title = f"(at {every[-1]:,g} {chart.x})"
    axes.legend(title=title, frameon=False, loc="center left", bbox_to_anchor=(1.02, 0.5))


def _strips(axes: Any, chart: Strips) -> None:
    for place, (label, cells) in enumerate(chart.values.items()):
        colour = OURS if label.startswith("Outrider") else PEER
        shades = [(colour, min(1.0, 0.35 + 0.65 * value)) if value else QUIET for value in cells]
        spans = [(at + 0.53, 0.94) for at in range(len(cells))]
        axes.broken_barh(spans, (place - 0.36, 0.72), facecolors=shades, linewidth=0)
    if chart.mark is not None:
        axes.axvline(chart.mark + 0.5, color="#cf222e", linewidth=1.2)
    axes.set_yticks(range(len(chart.values)), list(chart.values))
    axes.invert_yaxis()
    axes.set_xlim(0.4, max(map(len, chart.values.values())) + 0.6)
    axes.set_title(chart.title)
    axes.set_xlabel(chart.x)
    axes.tick_params(axis="y", length=0)


def _height(chart: Chart) -> float:
    return LINES_HEIGHT if isinstance(chart, Lines) else HEAD + BAR * len(chart.values)


def draw(results: Path) -> Path | None:
    """Draw a question's JSON beside it; None if it has no charts. ImportError: no matplotlib."""
    charts = read(results)
    if not charts:
        return None
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    heights = [_height(chart) for chart in charts]
    with mpl.rc_context(STYLE):
        figure, panels = pyplot.subplots(
            len(charts),
            figsize=(WIDTH, sum(heights)),
            height_ratios=heights,
            layout="constrained",
            squeeze=False,
        )
        for axes, chart in zip(panels[:, 0], charts, strict=True):
            if isinstance(chart, Bars):
                _bars(axes, chart)
            elif isinstance(chart, Strips):
                _strips(axes, chart)
            else:
                _lines(axes, chart)
        picture = results.with_suffix(".svg")
        figure.savefig(picture, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    lines = [line.rstrip() for line in picture.read_text().splitlines()]
    picture.write_text("\n".join(lines) + "\n")
    return picture


if __name__ == "__main__":
    folder = Path(__file__).parent / "results"
    for name in sys.argv[1:] or sorted(path.stem for path in folder.glob("*.json")):
        print(draw(folder / f"{name}.json") or f"{name}: nothing to draw")
