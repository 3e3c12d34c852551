"""The worked pictures of docs/drift.md, drawn by the engine: `python -m bench.drift.pictures`.

Fixed seeds and no date, so the same code draws the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from agent.drift.engine.chart import Chart
from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Ints
from bench.chart import OTHER, OURS, PEER, STYLE

OUT = Path(__file__).parents[2] / "docs" / "pictures"
MONTH = 30 * 86400
SECONDS = 300.0
QUIET, LASTING = 64, 64
SHOWN = {0: "1 window", 2: "4 windows", 4: "16 windows", 6: "64 windows"}


def profile(values: list[float]) -> ColumnProfile:
    builder = ColumnBuilder(shape_of("amount", "input", values))
    builder.add(values)
    return builder.profile()


def history(rng: np.random.Generator, column: ColumnProfile, shift: float, rows: int) -> list[Ints]:
    bins = column.bins()
    means = [0.0] * QUIET + [shift] * LASTING
    return [bins.count(rng.normal(mean, size=rows).tolist()) for mean in means]


def spans(axes: Any) -> None:
    """A shift of 0.1 sd at 200 rows a window, of one column among 20: evidence over threshold."""
    rng = np.random.default_rng(12)
    column = profile(rng.normal(size=20_000).tolist())
    chart = Chart([column], false_alarms=1 / MONTH / 20, min_effect=0.0)
    lines: dict[int, list[tuple[int, float]]] = {level: [] for level in SHOWN}
    raised = None
    for i, counts in enumerate(history(rng, column, 0.1, 200)):
        chart.push([counts], i * SECONDS, (i + 1) * SECONDS, SECONDS)
        for level, look in enumerate(chart.looks):
            if look is not None and level in lines:
                lines[level].append((i, float(look.z[0] / look.threshold[0])))
        if raised is None and chart.alarms[0] is not None:
            raised = i
    for (level, points), colour in zip(lines.items(), (OTHER, PEER, OURS, "#0b3d91"), strict=True):
        axes.plot(*zip(*points, strict=True), color=colour, label=SHOWN[level], linewidth=1.4)
    axes.axhline(1, color="#cf222e", linewidth=1)
    axes.axvline(QUIET, color=PEER, linewidth=0.8, linestyle=":")
    axes.text(QUIET + 1, 0.04, "the mean moves by 0.1 sd", color=PEER)
    if raised is not None:
        axes.plot([raised], [1], marker="v", color="#cf222e", markersize=9)
        axes.text(raised, 1.06, f"alarm after {raised - QUIET + 1} windows", color="#cf222e")
    axes.set_title("Strongest evidence in each span, as a share of its threshold")
    axes.set_xlabel("window of 200 rows; one column of 20")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="upper left")


def bins(axes: Any) -> None:
    """A column's shares of rows in the reference and in a window, with what moved marked."""
    rng = np.random.default_rng(3)
    column = profile(rng.lognormal(0, 0.6, size=20_000).tolist())
    now = rng.lognormal(0.12, 0.6, size=4_000).tolist() + [None] * 160
    counts = column.bins().count(now)
    before = np.array([*column.counts, column.missing, column.invalid], dtype=float)
    reference, present = before / before.sum(), counts / counts.sum()
    filled = [i for i, share in enumerate(reference + present) if share > 0]
    places = np.arange(len(filled))
    axes.bar(places - 0.2, reference[filled], 0.4, color=OTHER, label="reference")
    axes.bar(places + 0.2, present[filled], 0.4, color=OURS, label="now")
    moved = np.argsort(-np.abs(present - reference)[filled])[:3]
    for place in moved:
        top = max(reference[filled][place], present[filled][place])
        axes.text(place, top + 0.001, "moved", ha="center", color="#cf222e")
    last = len(before)
    names = {last - 2: "missing", last - 1: "wrong"}
    edges = column.edges or []
    labels = [
        names.get(i, f"{edges[i]:.2f}" if i < len(edges) else f"> {edges[-1]:.1f}") for i in filled
    ]
    axes.set_xticks(places, labels, rotation=60, ha="right")
    axes.set_title("Share of rows in each bin (named by its upper edge)")
    axes.legend(frameon=False)


def draw(name: str, what: Any) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    with matplotlib.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=(9.0, 3.6))
        what(axes)
        figure.tight_layout()
        figure.savefig(OUT / f"{name}.svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    draw("drift-spans", spans)
    draw("drift-bins", bins)


if __name__ == "__main__":
    main()
