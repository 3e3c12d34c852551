"""Which columns differ between two profiles, and how far.

Rule: pure; the questions are those that traffic is asked, the statistic is that of two samples
(`engine.previous.compared`), and `level` is shared over columns and questions in the same
proportions as the budget, so that alike profiles differ with that probability at most.

Columns of other bins are compared on those they share, and for half of their part of the level by
means and shares below edges (`agent.drift.profiles.unshared`). Where the reference knows its
natural variation and the other its period, it is allowed for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from agent.drift.engine.classic import distances
from agent.drift.engine.evidence import p_value, thresholds
from agent.drift.engine.previous import Sample, compared
from agent.drift.engine.questions import MIN_ROWS, Questions, Some
from agent.drift.engine.verdict import Baseline
from agent.drift.profiles.shared import Shared, shared
from agent.drift.profiles.unshared import PART, Found, by_numbers, is_numeric
from agent.drift.reference.profile import ColumnProfile, Profile, ProfileError
from agent.drift.reference.sketch import Floats, Ints

State = Literal[
    "differs", "alike", "not_comparable", "other_kind", "only_in_reference", "only_in_other"
]
STRUCTURAL = ("only_in_reference", "only_in_other", "other_kind")


class Difference(Struct, frozen=True):
    """One column."""

    side: str
    name: str
    state: State
    rows: tuple[int, int]
    kind: tuple[str, str]
    found: Found | None = None
    distances: dict[str, float] = {}
    """By the classic rules, over the shared bins."""
    correlation: tuple[float | None, float | None] = (None, None)
    """With the prediction; not judged."""
    mean: tuple[float | None, float | None] = (None, None)
    note: str = ""

    @property
    def is_different(self) -> bool:
        """For the exit status."""
        return self.state not in ("alike", "not_comparable")


class Level(NamedTuple):
    """What counts as a difference."""

    chance: float = 0.001
    """Of one that is none, over all columns."""
    min_effect: float = 0.05


def compare(reference: Profile, other: Profile, level: Level) -> list[Difference]:
    """All columns of both, the most different first. Raises ProfileError if they share none."""
    others = {(column.side, column.name): column for column in other.columns}
    found: list[Difference] = []
    pairs: list[Shared] = []
    elsewhere = _looked_at_otherwise(reference, other)
    for a in reference.columns:
        b = others.pop((a.side, a.name), None)
        if b is None:
            found.append(_one_sided(a, "only_in_reference", (a.rows, 0), (a.kind, "")))
        elif a.kind != b.kind:
            kinds = (a.kind, b.kind)
            found.append(_one_sided(a, "other_kind", (a.rows, b.rows), kinds))
        elif (a.side, a.name) in elsewhere:
            missing = _one_sided(a, "not_comparable", (a.rows, b.rows), (a.kind, b.kind))
            found.append(msgspec.structs.replace(missing, note="a view along other directions"))
        else:
            pairs.append(shared(a, b))
    if len(others) == len(other.columns):
        remedy = "compare two profiles of one model"
        raise ProfileError("diff", "columns", sorted(n for _, n in others), "differ all", remedy)
    found += [_one_sided(b, "only_in_other", (0, b.rows), ("", b.kind)) for b in others.values()]
    found += _pairs(pairs, reference, other, level)
    return sorted(found, key=_order)


def _looked_at_otherwise(reference: Profile, other: Profile) -> set[tuple[str, str]]:
    """Views of vectors whose centre and directions are another's: all but their norm."""
    views = [msgspec.structs.replace(vector, mean=None) for vector in other.vectors]
    return {
        (vector.side, view)
        for vector in reference.vectors
        if msgspec.structs.replace(vector, mean=None) not in views
        for view in vector.views[1:]
    }


def _one_sided(
    column: ColumnProfile, state: State, rows: tuple[int, int], kinds: tuple[str, str]
) -> Difference:
    return Difference(column.side, column.name, state, rows, kinds)


def _order(difference: Difference) -> tuple[int, float]:
    rank = 0 if difference.state in STRUCTURAL else 1
    if not difference.is_different:
        rank = 2 if difference.state == "not_comparable" else 3
    found = difference.found
    return rank, -found.score / found.threshold if found is not None else 0.0


def _pairs(
    pairs: Sequence[Shared], reference: Profile, other: Profile, level: Level
) -> list[Difference]:
    if not pairs:
        return []
    questions = Questions([pair.a for pair in pairs], reference.period, "strict")
    before, after = (
        questions.of_bins([Baseline(column).counts for column in columns], 0.0)
        for columns in zip(*((pair.a, pair.b) for pair in pairs), strict=True)
    )
    before, after = before[:, : questions.width], after[:, : questions.width]
    asked = questions.some(range(len(pairs)))
    none, still = np.zeros(len(pairs), dtype=np.int64), np.zeros(len(pairs))
    now, then = Sample(after, none, still), Sample(before, none, still)
    z, effect, spread = compared(asked, now, then, np.ones_like(asked.unit))
    varying = _allowed(questions, other, len(pairs))
    z, spread = _widened(z, spread, varying)
    chance = level.chance / (2 * len(pairs))
    by_bins = [1.0 if pair.is_whole or not is_numeric(pair) else 1 - PART for pair in pairs]
    needed = thresholds((asked.weights * np.array(by_bins)[:, None] * chance).ravel()).reshape(
        z.shape
    )
    differs = (z >= needed) & (np.abs(effect) - 2 * spread >= level.min_effect)
    best = (z / needed + 1e3 * differs).argmax(1)
    found: list[Difference] = []
    for i, pair in enumerate(pairs):
        score = int(best[i])
        at = i, score
        strongest = Found(
            questions.scores[i].labels[score],
            float(effect[at]),
            float(z[at]),
            float(needed[at]),
            p_value(float(z[at])),
            bool(differs[at]),
            *_shares(asked, at, before[i], after[i]),
        )
        every = [strongest, *by_numbers(pair, chance, level.min_effect)]
        found.append(_difference(pair, max(every, key=_strength)))
    return found


def _strength(found: Found) -> tuple[bool, float]:
    return found.differs, found.score / found.threshold


def _difference(pair: Shared, found: Found) -> Difference:
    a, b = pair.a, pair.b
    rows = a.rows, b.rows
    state: State = "differs" if found.differs else "alike"
    note = pair.note
    if min(rows) < MIN_ROWS:
        state, note = "not_comparable", f"fewer than {MIN_ROWS} rows"
    elif state == "alike" and not pair.is_whole and len(a.counts) < 2 and not is_numeric(pair):
        state = "not_comparable" if a.kind != "text" else state
    return Difference(
        a.side,
        a.name,
        state,
        rows,
        (a.kind, b.kind),
        found if state != "not_comparable" else None,
        _distances(a, b),
        (a.correlation, b.correlation),
        (_mean(a), _mean(b)),
        note,
    )


def _mean(column: ColumnProfile) -> float | None:
    return column.moments.mean if column.moments is not None else None


def _distances(a: ColumnProfile, b: ColumnProfile) -> dict[str, float]:
    if not a.rows or not b.rows or len(a.counts) < 2:
        return {}
    return {str(rule): score for rule, score in distances(a, Baseline(b).counts).items()}


def _shares(
    asked: Some, at: tuple[int, int], before: Ints, after: Ints
) -> tuple[float | None, float | None]:
    """The share of the rows in the set of cells that was asked for."""
    if not asked.is_set[at]:
        return None, None
    inside = asked.values[at] > 0
    return float(before[inside].sum() / max(1, before.sum())), float(
        after[inside].sum() / max(1, after.sum())
    )


def _allowed(questions: Questions, other: Profile, count: int) -> Floats | None:
    """The variance of both samples' means that the reference knows to come by itself."""
    if questions.allowance is None or other.period is None:
        return None
    length = other.period.ended - other.period.began
    return questions.allowance.variance(np.full(count, length))


def _widened(z: Floats, spread: Floats, varying: Floats | None) -> tuple[Floats, Floats]:
    if varying is None:
        return z, spread
    wider = np.sqrt(spread**2 + varying)
    return z * spread / wider, wider
