"""Where a time axis has its marks, and what stands at them.

Rule: pure; round times, so few that their labels cannot touch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

MOST = 8
"""Marks, at most."""
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
STEPS = (
    *(x * MINUTE for x in (1, 2, 5, 10, 20, 30)),
    *(x * HOUR for x in (1, 2, 3, 6, 12)),
    *(x * DAY for x in (1, 2, 5, 10, 15)),
)
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)


def marks(began: float, ended: float, timed: bool) -> list[tuple[float, str]]:
    """Times between these, with their labels: seconds since the epoch, or since the first row."""
    length = ended - began
    if timed and length > MOST * STEPS[-1]:
        return _months(began, ended)
    step = next((step for step in STEPS if length / step <= MOST), STEPS[-1])
    while length / step > MOST:
        step *= 2
    label = _label(step, timed)
    first = int(-(-began // step))
    found = [(i * step, label(i * step)) for i in range(first, int(ended // step) + 1)]
    return found or [(began, _label(0, timed)(began))]


def _label(step: float, timed: bool) -> Callable[[float], str]:
    if timed:
        form = "%Y-%m-%d" if step >= DAY else "%m-%d %H:%M"
        return lambda time: datetime.fromtimestamp(time, UTC).strftime(form)
    return _since_first


def _since_first(time: float) -> str:
    days, rest = divmod(round(time), round(DAY))
    hour = f" {rest // 3600:02}:{rest % 3600 // 60:02}"
    return f"day {days + 1}{hour if rest else ''}"


def _months(began: float, ended: float) -> list[tuple[float, str]]:
    for step in MONTHS:
        found = list(_every(step, began, ended))
        if len(found) <= MOST:
            break
    return [(time, datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")) for time in found]


def _every(months: int, began: float, ended: float) -> Iterator[float]:
    """The first of each so many months, from January on."""
    first = datetime.fromtimestamp(began, UTC).year * 12 // months * months
    last = (datetime.fromtimestamp(ended, UTC).year + 1) * 12
    for month in range(first, last, months):
        if month // 12 > 9999:
            return
        time = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()
        if began <= time <= ended:
            yield time
