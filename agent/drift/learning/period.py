"""What a reference's period shows of its columns: their natural variation, and changes within it.

Rule: a history in, a profile out; no rows, no clock. A column at a time, as each takes some
hundredths of a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from agent.drift.derived.derivation import Derivation, columns_of, put_back
from agent.drift.derived.products import least
from agent.drift.engine.cells import cells_of
from agent.drift.engine.halves import change_within
from agent.drift.engine.history import History, Slots
from agent.drift.engine.natural import is_long_enough, span_count, variation_of
from agent.drift.engine.scores import scores_of
from agent.drift.reference.profile import ColumnProfile, Profile, hashed
from agent.drift.reference.sketch import INVALID, MISSING


def varied(profile: Profile, history: History) -> Profile:
    """The profile with what this history shows: counts side by side as `judged_columns` has them.

    Unchanged if it is of less than a week.
    """
    steps = list(varied_columns(profile, history))
    return of_period(profile, history, steps) if steps else profile


def judged_columns(profile: Profile) -> list[ColumnProfile]:
    """A profile's columns, then those that are derived of them."""
    return [*profile.columns, *columns_of(profile.derived)]


def width_of(profile: Profile) -> int:
    """Places of all their counts, with missing and invalid."""
    return sum(len(column.counts) + 2 for column in judged_columns(profile))


def varied_columns(profile: Profile, history: History) -> Iterator[tuple[ColumnProfile, float]]:
    """Each judged column with its variation, and by how much it changed within the period (0: it
    did not); none of a history that is too short."""
    slots = history.slots()
    if not is_long_enough(slots):
        return
    judged = judged_columns(profile)
    parts = _parts(judged, slots)
    plain: list[ColumnProfile] = []
    for column in profile.columns:
        step = _varied(column, next(parts), len(judged))
        plain.append(step[0])
        yield step
    if len(judged) > len(plain):
        assert profile.derived is not None
        floors = least(Derivation(profile.derived), plain, span_count(slots))
        for column, part, floor in zip(judged[len(plain) :], parts, floors, strict=True):
            yield _varied(column, part, len(judged), floor)


def of_period(
    profile: Profile, history: History, steps: list[tuple[ColumnProfile, float]]
) -> Profile:
    """The profile with these columns and the history's period."""
    period = history.period()
    # What is derived of a column that changed did so too, which tells nothing more.
    own, others = steps[: len(profile.columns)], steps[len(profile.columns) :]
    changed = [step for step in own if step[1]] or [step for step in others if step[1]]
    changed.sort(key=lambda step: -step[1])
    if period is not None:
        period = msgspec.structs.replace(period, changed=[column.name for column, _ in changed])
    return _with(msgspec.structs.replace(profile, period=period), [column for column, _ in steps])


def recounted(profile: Profile, history: History) -> Profile:
    """The profile with the counts of all slots in the place of its own.

    Moments go: of the period's rows only the bins were counted.
    """
    columns: list[ColumnProfile] = []
    judged = judged_columns(profile)
    for column, part in zip(judged, _parts(judged, history.slots()), strict=True):
        counts = part.counts.sum(axis=0, dtype=np.int64).tolist()
        columns.append(
            msgspec.structs.replace(
                column,
                counts=counts[:MISSING],
                missing=counts[MISSING],
                invalid=counts[INVALID],
                moments=None,
            )
        )
    rows = max((column.rows for column in columns), default=0)
    return _with(msgspec.structs.replace(profile, rows=rows), columns)


def _with(profile: Profile, judged: Sequence[ColumnProfile]) -> Profile:
    """The profile with these columns in the place of those that `judged_columns` gives."""
    count = len(profile.columns)
    derived = profile.derived
    if derived is not None:
        derived = put_back(derived, judged[count:])
    return hashed(msgspec.structs.replace(profile, columns=list(judged[:count]), derived=derived))


def _parts(columns: Sequence[ColumnProfile], slots: Slots) -> Iterator[Slots]:
    """Of each column its own counts."""
    at = 0
    for column in columns:
        width = len(column.counts) + 2
        yield Slots(slots.places, slots.counts[:, at : at + width], slots.seconds)
        at += width


def _varied(
    column: ColumnProfile, slots: Slots, columns: int, floor: Sequence[float] = ()
) -> tuple[ColumnProfile, float]:
    cells = cells_of(column)
    scores = scores_of(cells, column.edges)
    counts = slots.counts.astype(np.int64)
    matrix = scores.values[:, cells.places]
    variation = variation_of(slots, counts, matrix, scores.labels, least=floor)
    change = change_within(slots, counts, matrix, columns)
    return msgspec.structs.replace(column, variation=variation), change
