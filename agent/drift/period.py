"""What a reference's period shows of its columns: their natural variation, and changes within it.

Rule: a history in, a profile out; no rows, no clock. A column at a time, as each takes some
hundredths of a second.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from agent.drift.cells import cells_of
from agent.drift.halves import change_within
from agent.drift.history import History, Slots
from agent.drift.natural import is_long_enough, variation_of
from agent.drift.reference import ColumnProfile, Profile, hashed
from agent.drift.scores import scores_of
from agent.drift.sketch import INVALID, MISSING


def varied(profile: Profile, history: History) -> Profile:
    """The profile with what this history shows: its columns' counts side by side in each slot.

    Unchanged if it is of less than a week.
    """
    steps = list(varied_columns(profile, history))
    return of_period(profile, history, steps) if steps else profile


def varied_columns(profile: Profile, history: History) -> Iterator[tuple[ColumnProfile, float]]:
    """Each column with its variation, and by how much it changed within the period (0: it did
    not); none of a history that is too short."""
    slots = history.slots()
    if not is_long_enough(slots):
        return
    at = 0
    for column in profile.columns:
        width = len(column.counts) + 2
        part = Slots(slots.places, slots.counts[:, at : at + width], slots.seconds)
        yield _varied(column, part, len(profile.columns))
        at += width


def of_period(
    profile: Profile, history: History, steps: list[tuple[ColumnProfile, float]]
) -> Profile:
    """The profile with these columns and the history's period."""
    period = history.period()
    changed = sorted((step for step in steps if step[1]), key=lambda step: -step[1])
    if period is not None:
        period = msgspec.structs.replace(period, changed=[column.name for column, _ in changed])
    columns = [column for column, _ in steps]
    return hashed(msgspec.structs.replace(profile, columns=columns, period=period))


def recounted(profile: Profile, history: History) -> Profile:
    """The profile with the counts of all slots in the place of its own.

    Moments go: of the period's rows only the bins were counted.
    """
    total = history.slots().counts.sum(axis=0, dtype=np.int64)
    columns: list[ColumnProfile] = []
    at = 0
    for column in profile.columns:
        width = len(column.counts) + 2
        counts = total[at : at + width].tolist()
        columns.append(
            msgspec.structs.replace(
                column,
                counts=counts[:MISSING],
                missing=counts[MISSING],
                invalid=counts[INVALID],
                moments=None,
            )
        )
        at += width
    rows = max((column.rows for column in columns), default=0)
    return hashed(msgspec.structs.replace(profile, columns=columns, rows=rows))


def _varied(column: ColumnProfile, slots: Slots, columns: int) -> tuple[ColumnProfile, float]:
    cells = cells_of(column)
    scores = scores_of(cells, column.edges)
    counts = slots.counts.astype(np.int64)
    matrix = scores.values[:, cells.places]
    variation = variation_of(slots, counts, matrix, scores.labels)
    change = change_within(slots, counts, matrix, columns)
    return msgspec.structs.replace(column, variation=variation), change
