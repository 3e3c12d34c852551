"""A backtest as a picture: columns down, time across, how near to drift by shade, alarms marked.

Rule: plain SVG, bounded in size whatever the history's length: at most `2 * SLOTS` cells a column.
Only what drifts is red: a change below `min_effect` may be far beyond its threshold and is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from agent.drift.backtest.alarms import Alarm
from agent.drift.backtest.axis import marks
from agent.drift.backtest.replay import Judged
from agent.drift.backtest.shown import time_of
from agent.drift.engine.layout import shortened
from agent.drift.reference.sketch import Floats

SLOTS = 150
MAX_COLUMNS = 60
"""Shown: those that came nearest to drift, or went furthest."""
PLOT, ROW, TOP = 720, 16, 56
"""Pixels: width of the plot, height of a row, above the first."""
LETTER = 6.3
"""Width of one, about."""
LONGEST = 30
"""Letters of a column's name."""
CALM = 0.999
QUIET_BELOW = 0.7
"""Of its threshold. Without drift the strongest of a column's many tests is seldom above."""
QUIET, NEAR, DRIFT = (238, 242, 246), (140, 176, 224), (207, 34, 46)
INK, GREY = "#24292f", "#57606a"


class Heat:
    """The greatest excess of each column in each slot of time.

    Slots grow twice as long when there are too many, so that memory stays the same however long
    it goes on.
    """

    def __init__(self) -> None:
        self._grid: Floats = np.zeros((0, 0))
        self.began = self.ended = 0.0
        self.each = 0.0
        """Seconds of a slot."""

    def add(self, window: Judged) -> None:
        """Takes a window."""
        if not self.each:
            self.began = window.began
            self.each = max(window.ended - window.began, 1e-3)
            self._grid = np.full((2 * SLOTS, len(window.excess)), np.nan)
        self.ended = window.ended
        while self.ended - self.began > self.each * len(self._grid) * (1 + 1e-9):
            self._halve()
        first = min(int(self._place(window.began) + 1e-6), len(self._grid) - 1)
        last = max(first + 1, math.ceil(self._place(window.ended) - 1e-6))
        seen = np.where(window.drifting, window.excess, np.minimum(window.excess, CALM))
        part = self._grid[first:last]
        np.fmax(part, seen, out=part)

    def _place(self, time: float) -> float:
        return (time - self.began) / self.each

    def _halve(self) -> None:
        self._grid[:SLOTS] = np.fmax(self._grid[0::2], self._grid[1::2])
        self._grid[SLOTS:] = np.nan
        self.each *= 2

    def grid(self) -> Floats:
        """[slot, column]; NaN where there was no window."""
        used = math.ceil(self._place(self.ended) - 1e-6) if self.each else 0
        return self._grid[: max(1, used)]


def draw(
    heat: Heat,
    names: Sequence[tuple[str, str]],
    alarms: Sequence[Alarm],
    title: str,
    timed: bool,
    plain: int | None = None,
) -> str:
    """The SVG. `names`: side and name of each column; those after the first `plain` are shown
    only if they raised an alarm."""
    grid = heat.grid()
    shown = _chosen(grid, names, alarms, len(names) if plain is None else plain)
    labels = [_label(*names[column]) for column in shown]
    left = max(44, round(24 + LETTER * max(map(len, labels), default=0)))
    width, bottom = left + PLOT + 44, TOP + ROW * len(shown)
    hidden = len(names[:plain]) - sum(column < len(names[:plain]) for column in shown)
    height = bottom + 34 + (16 if hidden else 0)
    end = heat.began + heat.each * len(grid)
    scale = PLOT / ((end - heat.began) or 1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" '
        f'font-size="11" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="20" font-size="14" font-weight="600">{escape(title)}</text>',
        *_legend(),
    ]
    for row, (column, label) in enumerate(zip(shown, labels, strict=True)):
        y = TOP + row * ROW
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
        parts += _cells(grid[:, column], left, y)
        for alarm in alarms:
            if (alarm.side, alarm.column) == names[column]:
                until = heat.ended if alarm.cleared is None else alarm.cleared
                times = (max(alarm.since, heat.began), alarm.raised, until)
                a, b, c = (left + scale * (time - heat.began) for time in times)
                parts += _alarm(a, b, c, y, alarm, timed)
    parts += _axis(heat, left, scale, bottom, timed)
    if hidden:
        text = f"{hidden} more columns did not come as near"
        parts.append(f'<text x="{left}" y="{height - 8}" fill="{GREY}">{text}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _chosen(
    grid: Floats, names: Sequence[tuple[str, str]], alarms: Sequence[Alarm], plain: int
) -> list[int]:
    """Places of the columns that are shown: those with an alarm first, in the order of alarms."""
    places = {name: place for place, name in enumerate(names)}
    alarmed = [places[a.side, a.column] for a in alarms if (a.side, a.column) in places]
    nearest = np.argsort(-np.nan_to_num(grid[:, :plain]).max(0, initial=0.0), kind="stable")
    return list(dict.fromkeys([*alarmed, *nearest.tolist()]))[:MAX_COLUMNS]


def _cells(values: Floats, left: int, y: int) -> list[str]:
    """Runs of one shade as one rectangle."""
    shades = [_shade(value) for value in values.tolist()]
    edges = [left + round(PLOT * i / len(shades)) for i in range(len(shades) + 1)]
    found, start = [], 0
    for i in range(1, len(edges)):
        if i == len(shades) or shades[i] != shades[start]:
            if shades[start]:
                found.append(
                    f'<rect x="{edges[start]}" y="{y + 1}" width="{edges[i] - edges[start]}" '
                    f'height="{ROW - 2}" fill="{shades[start]}"/>'
                )
            start = i
    return found


def _shade(excess: float) -> str:
    """Grey far below the threshold, bluer the nearer, red beyond it; nothing of NaN."""
    if excess != excess:
        return ""
    if excess >= 1:
        share = min(1.0, 0.55 + 0.15 * float(np.log2(excess)))
        colour = _mixed((255, 220, 220), DRIFT, share)
    else:
        colour = _mixed(
            QUIET, NEAR, round(max(0.0, excess - QUIET_BELOW) / (1 - QUIET_BELOW) * 4) / 4
        )
    return "#" + "".join(f"{part:02x}" for part in colour)


def _mixed(a: tuple[int, int, int], b: tuple[int, int, int], share: float) -> list[int]:
    return [round(x + (y - x) * share) for x, y in zip(a, b, strict=True)]


def _alarm(
    since: float, raised: float, until: float, y: int, alarm: Alarm, timed: bool
) -> list[str]:
    """A line from when it began to when it cleared, and a mark where it was raised."""
    text = f"raised {time_of(alarm.raised, timed)}: {alarm.test} {alarm.direction}".rstrip()
    return [
        f'<path d="M{since:.1f} {y + ROW - 3.5} H{max(until, since + 1):.1f}" stroke="{INK}"/>',
        f'<path d="M{raised - 4:.1f} {y + 1} h8 l-4 8 z"><title>{escape(text)}</title></path>',
    ]


def _legend() -> list[str]:
    shown = [(0.2, "far below its threshold"), (0.9, "near"), (1.2, "drift"), (8.0, "far beyond")]
    parts, x = [], 12
    for excess, text in shown:
        parts.append(f'<rect x="{x}" y="31" width="12" height="10" fill="{_shade(excess)}"/>')
        parts.append(f'<text x="{x + 16}" y="40">{text}</text>')
        x += 34 + round(LETTER * len(text))
    parts.append(f'<path d="M{x} 32 h8 l-4 8 z"/><text x="{x + 13}" y="40">alarm raised</text>')
    x += 90
    parts.append(f'<path d="M{x} 39.5 h14" stroke="{INK}"/>')
    parts.append(f'<text x="{x + 19}" y="40">since, until cleared</text>')
    return parts


def _axis(heat: Heat, left: int, scale: float, y: int, timed: bool) -> list[str]:
    parts = []
    for time, label in marks(heat.began, heat.ended, timed):
        x = left + scale * (time - heat.began)
        parts.append(f'<path d="M{x:.1f} {y} v5" stroke="{GREY}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{y + 18}" text-anchor="middle" fill="{GREY}">'
            f"{escape(label)}</text>"
        )
    return parts


def _label(side: str, column: str) -> str:
    return shortened(column if side == "input" else f"{column} (output)", LONGEST)
