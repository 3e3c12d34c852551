"""One column against its reference: insufficient, stable or drift, and on what evidence.

Rule: says what `engine.chart` found; it decides nothing. Only the old rules of thumb, for
those who must match an older practice, decide by themselves (`engine.classic`).

A window's level is its share of the false-alarm budget: the alarms a second that are allowed,
times the seconds that the window covers, divided by the columns and the sidecars that judge.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct

from agent.drift.engine.cells import bin_label
from agent.drift.engine.chart import Chart, Look
from agent.drift.engine.classic import PSEUDO, Rule, judge
from agent.drift.engine.distances import jensen_shannon
from agent.drift.engine.evidence import p_value
from agent.drift.engine.questions import MIN_ROWS
from agent.drift.engine.scores import Scores
from agent.drift.reference.distance import psi, smoothed
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import INVALID, MISSING, Floats, Ints

State = Literal["insufficient", "stable", "drift"]
Mode = Literal["evidence"] | Rule

MAX_LEVEL, MIN_LEVEL = 0.05, 1e-300
MOVED = 3
"""Bins shown: those whose share moved most."""


class Moved(Struct, frozen=True):
    """A bin and its share of the rows, 0 to 1."""

    bin: str
    reference: float
    now: float


class Verdict(Struct, frozen=True):
    """What a column is, on what evidence. Ratios and distances have no unit."""

    state: State
    rows: int
    """Of the span that is judged."""
    missing: float
    """Share of the last window's rows, 0 to 1."""
    invalid: float
    score: float | None = None
    """Of the strongest test, over the span in which it is the strongest: as standard normal as
    its rows allow (z). Of an old rule: its distance."""
    threshold: float | None = None
    """What the score must exceed at this share of the budget."""
    p_value: float | None = None
    test: str = ""
    """location, scale, missing, invalid, unseen, `<= 3` (a share of rows), or a bin's name; of
    texts length, length scale, `length <= 3`."""
    direction: Literal["", "up", "down"] = ""
    effect: float | None = None
    """Size of the change in the reference's standard deviations: of the score that is tested."""
    share: Moved | None = None
    """Of the span's rows, where the test is of a share."""
    shift: float | None = None
    """Signed shift of a numeric column's location, in the reference's standard deviations."""
    span: int | None = None
    """Windows in it."""
    began: float | None = None
    """When the span did, seconds since the epoch."""
    psi: float | None = None
    js: float | None = None
    """Jensen-Shannon distance, base 2: 0 to 1."""
    moved: list[Moved] = []
    reason: str = ""
    """Why the evidence is insufficient, or what an old rule calls moderate."""


class Baseline:
    """A column's reference, prepared for comparing."""

    def __init__(self, column: ColumnProfile) -> None:
        self.column = column
        self.counts = np.array([*column.counts, column.missing, column.invalid], dtype=np.int64)
        self.rows = int(self.counts.sum())


class Window(NamedTuple):
    """The last window of a column: its rows, and the shares of those that are no value."""

    rows: int
    missing: float
    invalid: float


def window_of(counts: Ints) -> Window:
    """Of the counts of its bins, of missing and of invalid."""
    rows = int(counts.sum())
    size = max(rows, 1)
    return Window(rows, int(counts[MISSING]) / size, int(counts[INVALID]) / size)


def level_of(false_alarms: float, seconds: float, columns: int, replicas: int) -> float:
    """A window's share of the budget, for one column.

    `false_alarms` are alarms a second that a model may raise, `seconds` what the window covers.
    """
    level = false_alarms * seconds / max(1, columns * replicas)
    return min(max(level, MIN_LEVEL), MAX_LEVEL)


def state_of(chart: Chart, column: int) -> State:
    """What the chart holds a column for."""
    if chart.alarms[column] is not None:
        return "drift"
    return "stable" if chart.known[column] else "insufficient"


def verdict_of(chart: Chart, column: int, counts: Ints) -> Verdict:
    """What the chart found of a column, whose last window had these counts."""
    last = window_of(counts)
    found = chart.strongest(column)
    state = state_of(chart, column)
    if found is None:
        which = "reference" if chart.cells[column].rows < MIN_ROWS else "windows"
        reason = f"fewer than {MIN_ROWS} rows in the {which}"
        return Verdict(state, last.rows, last.missing, last.invalid, reason=reason)
    level, look = found
    pooled = chart.spans.counts(level)[column][: chart.cells[column].size]
    return _evident(chart, column, Verdict(state, *last), level, look, pooled)


def _evident(
    chart: Chart, column: int, plain: Verdict, level: int, look: Look, pooled: Ints
) -> Verdict:
    cells, scores = chart.cells[column], chart.scores[column]
    score, z = int(look.score[column]), float(look.z[column])
    effect = float(look.effect[column])
    rows = int(pooled.sum())
    expected = cells.shares
    now = smoothed(pooled, PSEUDO, float(rows))
    location = scores.has_location and rows > 0
    return Verdict(
        plain.state,
        rows,
        plain.missing,
        plain.invalid,
        score=z,
        threshold=float(look.threshold[column]),
        p_value=p_value(z),
        test=scores.labels[score],
        direction="up" if effect > 0 else "down",
        effect=abs(effect),
        share=_share(scores, score, pooled),
        shift=float(scores.values[0] @ pooled) / rows if location else None,
        span=min(1 << level, chart.windows),
        began=look.began,
        psi=psi(expected, now),
        js=jensen_shannon(expected, now),
        moved=_moved(chart.columns[column], cells.bins, expected, pooled / max(rows, 1)),
    )


def _share(scores: Scores, score: int, pooled: Ints) -> Moved | None:
    expected = float(scores.shares[score])
    if expected != expected or not pooled.any():
        return None
    mean = float(scores.values[score] @ pooled) / float(pooled.sum())
    found = expected + mean * math.sqrt(expected * (1 - expected))
    # A share of no rows is 0, not what is left of the rounding of its parts.
    return Moved(scores.labels[score], expected, min(max(0.0, round(found, 12)), 1.0))


def _moved(
    column: ColumnProfile, bins: tuple[int, ...], expected: Floats, now: Floats
) -> list[Moved]:
    names = [bin_label(column, place) for place in bins] + ["unseen", "missing", "invalid"]
    order = np.argsort(-np.abs(now - expected), kind="stable")[:MOVED].tolist()
    return [Moved(names[i], float(expected[i]), float(now[i])) for i in order]


def classic(base: Baseline, counts: Ints, rule: Rule = "psi") -> Verdict:
    """A window by an old rule, whatever the sample size. Its effect is the root of PSI."""
    last = window_of(counts)
    if last.rows < MIN_ROWS or base.rows < MIN_ROWS:
        which = "window" if last.rows < MIN_ROWS else "reference"
        return Verdict("insufficient", *last, reason=f"fewer than {MIN_ROWS} rows in the {which}")
    found = judge(rule, base.column, counts)
    distance = found.score if found.rule == "psi" else judge("psi", base.column, counts).score
    return Verdict(
        "drift" if found.drift else "stable",
        *last,
        score=found.score,
        threshold=found.threshold,
        p_value=found.p_value,
        test=found.rule,
        effect=math.sqrt(max(0.0, distance)),
        psi=distance,
        reason=found.note,
    )
