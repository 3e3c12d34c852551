"""A watched column's picture: `/api/v1/drift/column`.

Rule: shows, computes nothing that is judged by.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from agent.drift.pictures.bins import Bin, bins_of, counts_of
from agent.drift.pictures.quantiles import quantiles_of
from agent.drift.reference.profile import MEASURED, ColumnProfile
from agent.drift.reference.sketch import MISSING, Ints
from agent.drift.traffic.columns import WatchedColumn

ALARM, LAST, PRESENT = "since the alarm", "last window", "present window"
"""What `now` is of."""


class Picture(NamedTuple):
    """Reference and traffic of one column."""

    bins: list[Bin]
    now: Ints
    now_of: str


def seen(column: WatchedColumn) -> tuple[Ints, str]:
    """The counts to show: of all windows since an alarm, else of the last one, else what came in
    the present one."""
    if column.state == "drift" and column.drifted.any():
        return column.drifted, ALARM
    if column.last.any() and column.last is not column.counts:
        return column.last, LAST
    return column.counts, PRESENT


def picture(column: WatchedColumn) -> dict[str, Any]:
    """Bins and what is told of them, as plain data."""
    counts, of = seen(column)
    marks = column.state == "drift"
    return {**picture_of(column.base.column, counts, marks=marks), "now_of": of}


def picture_of(profile: ColumnProfile, now: Ints | None, *, marks: bool) -> dict[str, Any]:
    """The same of any counts on a profile's bins; `now` and `marks` as in `bins_of`.

    `measure`: what the bins are of. `missing`, `invalid`: shares of the rows. `quantiles`: None
    where there are no numbers. `rows` are the reference's, `now_rows` those of now.
    """
    before = counts_of(profile)
    after = before * 0 if now is None else now
    quantiles = None
    if profile.kind in MEASURED and profile.edges:
        quantiles = {
            name: msgspec.to_builtins(quantiles_of(profile.edges, counts[:MISSING].tolist()))
            for name, counts in (("reference", before), ("now", after))
        }
    has_bins = profile.edges != []  # the mean of a vector is one number
    return {
        "bins": msgspec.to_builtins(bins_of(profile, now, marks=marks) if has_bins else []),
        "measure": measure_of(profile),
        "rows": int(before.sum()),
        "now_rows": int(after.sum()),
        "missing": _shares(before, after, -2),
        "invalid": _shares(before, after, -1),
        "quantiles": quantiles,
    }


def measure_of(profile: ColumnProfile) -> str:
    """What a column's bins are of, in a few words; nothing for values themselves."""
    name = profile.name
    if name.startswith("(relations) "):
        return "how it goes with the other inputs, in standard deviations"
    if name.startswith("(importance) "):
        return "how it goes with the prediction, in standard deviations"
    return _MEASURES.get(profile.kind, "")


_MEASURES = {
    "text": "length in characters",
    "timestamp": "how times are written",
    "vector": "length of the vector",
    "view": "the vector seen from one side",
}


def _shares(before: Ints, after: Ints, place: int) -> dict[str, float]:
    return {
        "reference": int(before[place]) / max(1, int(before.sum())),
        "now": int(after[place]) / max(1, int(after.sum())),
    }
