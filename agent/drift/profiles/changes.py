"""Changes of some columns' shares, each of a strength, for the evidence to be asked about.

Rule: pure; arrays are [column, cell], strengths [column].

`tilted` moves a column's ranks up: shares p become p exp(t f) with the location score f, which of
all changes of that mean score is the hardest to see (Kullback 1959). Of a normal column it is a
shift of its mean, of a lognormal one a growth by a factor. `moved` gives one cell a greater or a
smaller share at the cost of all others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from agent.drift.engine.classic import positions, spread
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Floats, Ints


def tilted(
    usual: Floats, location: Floats, is_value: npt.NDArray[np.bool_], strength: Floats
) -> Floats:
    """The cells with values tilted; the others, such as missing, keep their shares."""
    inside = np.where(is_value, usual, 0.0)
    raised = inside * np.exp(strength[:, None] * location)
    scale = inside.sum(1) / np.maximum(raised.sum(1), 1e-300)
    return np.where(is_value, raised * scale[:, None], usual)


def moved(usual: Floats, place: Ints, by: Floats) -> Floats:
    """One cell's share of each column grows by so much, at the cost of all others."""
    every = np.arange(len(usual))
    before = usual[every, place]
    after = np.clip(before + by, 0.0, 1.0)
    moved: Floats = usual * ((1 - after) / np.maximum(1 - before, 1e-300))[:, None]
    moved[every, place] = after
    return moved


def whole(shares: Floats, rows: int) -> Ints:
    """Counts of so many rows, none of whose sums is off by more than half a row."""
    sums = np.rint(np.cumsum(shares, axis=1) * rows).astype(np.int64)
    counts: Ints = np.diff(sums, axis=1, prepend=0)
    return counts


def mean_move(
    column: ColumnProfile, bins: Sequence[int], usual: Floats, changed: Floats
) -> float | None:
    """What the mean moves by, in the column's units; None if it has no moments.

    `usual` and `changed` are of its cells, which are of these `bins`. Rows stand in the middle of
    their bin, in units of the spread that they have there, as the ends of long tails are wide.
    """
    if column.moments is None:
        return None
    places = positions(column)[list(bins)]
    values = usual[: len(bins)] / usual[: len(bins)].sum()
    apart = spread(values, places)
    if not apart:
        return None
    after = changed[: len(bins)] / changed[: len(bins)].sum()
    return float((after - values) @ (places / apart)) * column.moments.std
