"""The history as plain data: what `/api/v1/history` says.

Rule: shows, computes no more than shares and percentiles. Steps that nobody saw are None.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agent.history.columns import Columns
from agent.history.events import Events
from agent.history.percentile import percentiles
from agent.history.recorder import Span
from agent.history.sums import AT, Reader

SERIES = ("client_errors", "server_errors", "shed", "dropped", "rows")


def history(
    reader: Reader, span: Span, columns: Columns, events: Events, most: int
) -> dict[str, Any]:
    """Of a span, with at most `most` columns, those that drifted most; `columns` have its steps.

    Times are seconds since the epoch; `at` is when each step began, and the last one is not over:
    `traffic.seconds` says how much of each was seen. Counts are per step.
    """
    first, last = span.at[0], span.at[-1] + span.step
    return {
        "step_seconds": span.step,
        "from": first,
        "to": last,
        "at": span.at,
        "traffic": _traffic(reader, span),
        "drift": _drift(columns, most, span),
        "events": [event._asdict() for event in events.since(first)],
    }


def _traffic(reader: Reader, span: Span) -> dict[str, Any]:
    seen = span.seconds > 0
    durations, overheads = span.rows[:, reader.durations_at], span.rows[:, reader.overheads_at]
    found: dict[str, Any] = {
        "seconds": _known(np.round(span.seconds, 1), seen),
        "requests": _known(durations.sum(axis=1), seen),
        "active": _known(span.active, seen),
    }
    for name in SERIES:
        found[name] = _known(span.rows[:, AT[name]], seen)
    for share in (50, 90, 99):
        times = percentiles(reader.durations, durations, share / 100)
        found[f"p{share}_ms"] = _rounded(times * 1e3)
    for share in (50, 99):
        times = percentiles(reader.overheads, overheads, share / 100)
        found[f"overhead_p{share}_us"] = _rounded(times * 1e6)
    return found


def _drift(columns: Columns, most: int, span: Span) -> list[dict[str, Any]]:
    """On the steps of a span, of which the columns may not know the last yet."""
    late = span.at[-1] // span.step - columns.head
    found = []
    for key, ratio, missing in columns.worst(most, len(span.at)):
        shown = {"ratio": _shifted(ratio, late), "missing": _shifted(missing, late)}
        found.append(key._asdict() | shown)
    return found


def _shifted(values: npt.NDArray[np.float32], late: int) -> list[float | None]:
    known = values.astype(np.float64)
    if 0 < late < len(known):
        known = np.concatenate((known[late:], np.full(late, np.nan)))
    return _rounded(known)


def _known(values: npt.NDArray[Any], seen: npt.NDArray[np.bool_]) -> list[Any]:
    return [
        value if is_seen else None for value, is_seen in zip(values.tolist(), seen, strict=True)
    ]


def _rounded(values: npt.NDArray[np.float64]) -> list[float | None]:
    found: list[float] = np.round(values, 3).tolist()
    return [None if value != value else value for value in found]
