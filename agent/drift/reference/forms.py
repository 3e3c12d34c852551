"""Bins of a column of points in time: the form that they are written in.

Rule: what a time says is not judged, for it changes by itself. A day, an hour, an age against the
clock: a window of some minutes has other ones than a reference of weeks, though nothing is wrong.
So a column of times never drifts because time goes on; it does where its form changes (a date
where a time was, milliseconds where seconds were), where the dates come that stand for none, and
where a value is missing or no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np

from agent.decode.payload import Value
from agent.drift.reference.sketch import INVALID, MISSING, Ints, Values, distinct
from agent.drift.reference.times import of_number

FORMS = (
    "date",
    "date and time",
    "seconds",
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "placeholder",
)
"""ISO 8601 text; numbers since the epoch, by their size; and what stands for no time."""
PLACEHOLDERS = (date(1, 1, 1), date(1900, 1, 1), date(1970, 1, 1), date(9999, 12, 31))
"""Whatever the time of day; the number 0 too."""
LONGEST = 64
"""Characters; a longer text is no time."""
_DATE, _TIME, _SECONDS, _PLACEHOLDER = 0, 1, 2, len(FORMS) - 1
_ORDINALS = frozenset(day.toordinal() for day in PLACEHOLDERS)
_DATE_LENGTH = len("2026-01-02")


class TimeBins:
    """A bin a form; then `other`, which nothing is in."""

    size = len(FORMS) + 1

    def count(self, values: Values) -> Ints:
        """Counts of a batch, `size + 2` of them. Measured: 0.7 µs a value, all different."""
        counts = np.zeros(self.size + 2, dtype=np.int64)
        for value, times in distinct(values).items():
            if value is None:
                counts[MISSING] += times
            else:
                form = form_of(value)
                counts[INVALID if form is None else form] += times
        return counts


def are_times(values: Sequence[Value], share: float) -> bool:
    """Whether at least this share of them is ISO 8601 text."""
    return sum(map(_is_written, values)) >= share * len(values)


def form_of(value: Value) -> int | None:
    """The place of its form in FORMS; None if it is no time."""
    if not isinstance(value, str):
        return _of_number(value)
    text = value.strip() if len(value) <= LONGEST else ""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return _of_digits(text)
    if time.toordinal() in _ORDINALS:
        return _PLACEHOLDER
    return _DATE if len(text) <= _DATE_LENGTH else _TIME


def _is_written(value: Value) -> bool:
    return isinstance(value, str) and value[4:5] == "-" and form_of(value) is not None


def _of_digits(text: str) -> int | None:
    try:
        return _of_number(float(text))
    except ValueError:
        return None


def _of_number(value: float | None) -> int | None:
    found = of_number(value)
    if found is None:
        return None
    seconds, unit = found
    return _SECONDS + unit if seconds else _PLACEHOLDER
