"""Points in time as data has them: ISO 8601 text, or numbers since the epoch.

Rule: pure. Text without a zone is UTC. A number's unit follows from its size: seconds, milli-,
micro- or nanoseconds, which do not overlap for the years 1973 to 5138.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np

from agent.decode.payload import Value
from agent.drift.reference.sketch import Floats, Values

_SECONDS = 1e11
"""Seconds of the year 5138; a greater number counts smaller units."""


def epoch(value: Value) -> float | None:
    """Seconds since the epoch; None if the value is no point in time."""
    if isinstance(value, str):
        return _of_text(value)
    found = of_number(value)
    return None if found is None else found[0]


def of_number(value: float | None) -> tuple[float, int] | None:
    """Seconds since the epoch, and the unit that they came in: 0 seconds, 1 milliseconds, …

    None if the value is no point in time.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    for unit in range(4):
        if abs(number) < _SECONDS:
            return number, unit
        number /= 1000
    return None


def epochs(values: Values) -> Floats:
    """`epoch` of each; NaN where there is none."""
    if not isinstance(values, np.ndarray):
        found = (epoch(value) for value in values)
        return np.array([math.nan if time is None else time for time in found], dtype=np.float64)
    times = values
    for _ in range(3):
        times = np.where(np.abs(times) < _SECONDS, times, times / 1000)
    return np.where(np.abs(times) < _SECONDS, times, math.nan)


def _of_text(text: str) -> float | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return _of_digits(text)
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None


def _of_digits(text: str) -> float | None:
    """A number as a format without types has it."""
    try:
        return epoch(float(text))
    except ValueError:
        return None
