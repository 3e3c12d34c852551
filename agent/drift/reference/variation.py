"""How much a model's own days and weeks differ among themselves, as a reference keeps it.

Rule: plain data, small; `engine.natural` estimates it, the chart allows for it.
"""

from __future__ import annotations

from msgspec import Struct

HOURS = 24
WEEK_HOURS = 48
"""Hours of day of weekdays, then those of Saturday and Sunday."""


def hour_at(seconds: float, kinds: int = HOURS) -> int:
    """The hour of day, in UTC, at a time since the epoch; of WEEK_HOURS kinds by weekend too."""
    hour = int(seconds // 3600)
    is_weekend = kinds == WEEK_HOURS and (hour // HOURS + 3) % 7 >= 5  # the epoch was a Thursday
    return hour % HOURS + HOURS * is_weekend


def times_of(kinds: int, days: float) -> float:
    """How often the rarest of these kinds of hours came in so many days."""
    return days * 2 / 7 if kinds == WEEK_HOURS else days


class Period(Struct, frozen=True, omit_defaults=True):
    """The reference period, cut into slots of equal length. Times are seconds since the epoch."""

    began: float
    ended: float
    seconds: float
    """Of a slot: the shortest span of time whose variation is known."""
    slots: int
    """With any rows."""
    changed: list[str] = []
    """Columns whose older and newer half of it differ, by more than hours of day and their own
    wandering explain; those that changed most first."""


class ColumnVariation(Struct, frozen=True):
    """Natural variation of one column's scores over the reference period."""

    scores: str
    """Short digest of the names of the scores; under others the greatest of all is taken."""
    tau2: list[list[float]]
    """A score, then a span of 1, 2, 4, … slots: upper bound of the variance of a span's mean
    score, in the reference's standard deviations squared, less what its rows alone explain."""
    daily: list[int] = []
    """Scores that follow the hour of day, whose `tau2` is what remains without that."""
    hours: list[list[int]] = []
    """Counts on the column's bins, missing and invalid by hour of day (UTC): of HOURS, or of
    WEEK_HOURS if its weekends are other days; empty if no score follows it."""


def problem(variation: ColumnVariation, width: int) -> str:
    """What is wrong with the variation of a column of so many counts; empty if nothing is."""
    if not variation.tau2 or not all(row and min(row) >= 0 for row in variation.tau2):
        return "tau2: not one variance or more of each score"
    if len(variation.hours) not in (0, HOURS, WEEK_HOURS):
        return f"hours: of {len(variation.hours)} hours"
    if any(len(row) != width or min(row) < 0 for row in variation.hours):
        return "hours: do not fit the bins"
    if not all(0 <= score < len(variation.tau2) for score in variation.daily):
        return "daily: scores that there are not"
    return ""


def varies(variation: ColumnVariation | None) -> bool:
    """Whether a column is known to vary by itself."""
    return variation is not None and (bool(variation.daily) or any(map(any, variation.tau2)))


def merged(a: ColumnVariation | None, b: ColumnVariation | None) -> ColumnVariation | None:
    """Of two references of one column: the greater of both.

    Variation is of the traffic, not of the rows that were counted, so it does not add up, and
    the pods that share a model's traffic see the same days. An upper bound of both is the one
    that cannot promise too much.
    """
    if a is None or b is None:
        return a or b
    if a.scores != b.scores or len(a.tau2) != len(b.tau2):
        rows = [[max(column) for column in _columns([*a.tau2, *b.tau2])]]
        return ColumnVariation("", rows)
    tau2 = [[max(pair) for pair in _columns([x, y])] for x, y in zip(a.tau2, b.tau2, strict=True)]
    if len(a.hours) != len(b.hours):
        hours = max(a.hours, b.hours, key=len)
    else:
        hours = [
            [m + n for m, n in zip(x, y, strict=True)]
            for x, y in zip(a.hours, b.hours, strict=True)
        ]
    return ColumnVariation(a.scores, tau2, sorted({*a.daily, *b.daily}), hours)


def _columns(rows: list[list[float]]) -> list[list[float]]:
    """Rows as columns; a shorter row goes on with its last."""
    length = max(map(len, rows), default=0)
    filled = [[*row, *row[-1:] * (length - len(row))] for row in rows]
    return [list(column) for column in zip(*filled, strict=True)]
