"""A backtest as a picture: columns down, time across, how near to drift by shade, alarms marked.

Rule: plain SVG, bounded in size whatever the history's length: at most `SLOTS` cells a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from agent.drift.backtest.alarms import Alarm
from agent.drift.backtest.replay import Judged
from agent.drift.backtest.shown import time_of
from agent.drift.sketch import Floats

SLOTS = 150
MAX_COLUMNS = 60
"""Shown: those that came nearest to drift, or went furthest."""
CELL, ROW, LEFT, TOP = 3.0, 16, 190, 52
QUIET, NEAR, DRIFT = (238, 242, 246), (140, 176, 224), (207, 34, 46)
TICKS = 6


class Heat:
    """The greatest excess of each column in each slot of time, and how long a slot is.

    Slots double when there are too many, so that memory stays the same however long it goes on.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._slots: list[Floats] = []
        self._ends: list[float] = []
        self._each = 1
        self._held = 0
        self.began: float | None = None

    def add(self, window: Judged) -> None:
        """Takes a window."""
        if self.began is None:
            self.began = window.began
        if self._held % self._each == 0:
            self._slots.append(window.excess.copy())
            self._ends.append(window.ended)
        else:
            self._slots[-1] = np.maximum(self._slots[-1], window.excess)
            self._ends[-1] = window.ended
        self._held += 1
        if len(self._slots) > 2 * SLOTS:
            self._halve()

    def _halve(self) -> None:
        pairs = range(0, len(self._slots) - 1, 2)
        odd = len(self._slots) % 2
        rest, end = self._slots[-1], self._ends[-1]
        self._slots = [np.maximum(self._slots[i], self._slots[i + 1]) for i in pairs]
        self._ends = [self._ends[i + 1] for i in pairs]
        if odd:
            self._slots.append(rest)
            self._ends.append(end)
        self._held = -(-self._held // self._each)
        self._each *= 2

    def grid(self) -> tuple[Floats, list[float]]:
        """[slot, column] and when each slot ended."""
        if not self._slots:
            return np.zeros((0, self._columns)), []
        return np.array(self._slots), self._ends


def draw(heat: Heat, names: Sequence[str], alarms: Sequence[Alarm], title: str, timed: bool) -> str:
    """The SVG."""
    grid, ends = heat.grid()
    began = heat.began or 0.0
    order = np.argsort(-grid.max(0, initial=0.0), kind="stable")[:MAX_COLUMNS].tolist()
    width, height = LEFT + CELL * max(len(ends), 1) + 24, TOP + ROW * len(order) + 48
    width = max(width, LEFT + 420)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" font-family="system-ui, sans-serif" '
        'font-size="11" fill="#24292f">',
        f'<rect width="{width:.0f}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="20" font-size="14" font-weight="600">{escape(title)}</text>',
        *_legend(),
    ]
    for row, column in enumerate(order):
        y = TOP + row * ROW
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(_short(names[column]))}'
            "</text>"
        )
        parts += _cells(grid[:, column], y)
        for alarm in alarms:
            if f"{alarm.side} {alarm.column}" == names[column]:
                x = LEFT + CELL * int(np.searchsorted(ends, alarm.raised))
                parts.append(
                    f'<path d="M{x:.1f} {y + 1} l4 0 l-2 5 z" fill="#24292f"><title>'
                    f"{escape(time_of(alarm.raised, timed))}: {escape(alarm.test)}</title></path>"
                )
    parts += _axis([began, *ends], TOP + ROW * len(order), timed)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _cells(values: Floats, y: int) -> list[str]:
    """Runs of one shade as one rectangle."""
    shades = [_shade(value) for value in values.tolist()]
    found, start = [], 0
    for i in range(1, len(shades) + 1):
        if i == len(shades) or shades[i] != shades[start]:
            x, wide = LEFT + CELL * start, CELL * (i - start)
            found.append(
                f'<rect x="{x:.1f}" y="{y + 1}" width="{wide:.1f}" height="{ROW - 2}" '
                f'fill="{shades[start]}"/>'
            )
            start = i
    return found


def _shade(excess: float) -> str:
    """Grey far below the threshold, bluer the nearer, red beyond it."""
    if excess >= 1:
        share = min(1.0, 0.55 + 0.15 * float(np.log2(excess)))
        colour = _mixed((255, 220, 220), DRIFT, share)
    else:
        colour = _mixed(QUIET, NEAR, round(max(0.0, excess - 0.4) / 0.6 * 6) / 6)
    return "#" + "".join(f"{part:02x}" for part in colour)


def _mixed(a: tuple[int, int, int], b: tuple[int, int, int], share: float) -> list[int]:
    return [round(x + (y - x) * share) for x, y in zip(a, b, strict=True)]


def _legend() -> list[str]:
    shown = [(0.2, "far below its threshold"), (0.9, "near"), (1.2, "drift"), (8.0, "far beyond")]
    parts, x = [], 12
    for excess, text in shown:
        parts.append(f'<rect x="{x}" y="29" width="12" height="10" fill="{_shade(excess)}"/>')
        parts.append(f'<text x="{x + 16}" y="38">{text}</text>')
        x += 30 + 6 * len(text)
    parts.append(f'<path d="M{x} 30 l8 0 l-4 9 z"/><text x="{x + 14}" y="38">alarm raised</text>')
    return parts


def _axis(times: Sequence[float], y: int, timed: bool) -> list[str]:
    places = sorted({round(i * (len(times) - 1) / TICKS) for i in range(TICKS + 1)})
    parts = []
    for place in places:
        x = LEFT + CELL * place
        anchor = "end" if place == len(times) - 1 and place else "start"
        parts.append(f'<path d="M{x:.1f} {y} v5" stroke="#57606a"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{y + 18}" text-anchor="{anchor}" fill="#57606a">'
            f"{escape(time_of(times[place], timed))}</text>"
        )
    return parts


def _short(name: str) -> str:
    side, _, column = name.partition(" ")
    shown = column if side == "input" else f"{column} (output)"
    return shown if len(shown) <= 28 else shown[:27] + "…"
