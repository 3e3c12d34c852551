"""What a reference keeps of its derived columns, in the profile's file.

Rule: plain data and its check.

The rows that set the correlations are not those that were counted: a row looks nearer to
relations that it helped to set, and traffic would then always look a little further.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from itertools import chain

import msgspec
from msgspec import Struct

from agent.drift.reference.variation import ColumnVariation
from agent.drift.reference.variation import merged as merged_variation

MAX_INPUTS = 50
"""Columns whose relations are known; cost grows with their square."""
EDGES = [-2.4, -1.2, -0.4, 0.0, 0.4, 1.2, 2.4]
"""Of a relation's and an importance's bins; both are near unit variance in the reference."""
MAX_COUNT = 1 << 53


class Scored(Struct, frozen=True):
    """A column as one number a row: the score of the bin that its value is in."""

    name: str
    scores: list[float]
    """One a bin; mean 0 and variance 1 in the reference. Missing and invalid have none."""


class Calibration(Struct, frozen=True):
    """How often predictions of a confidence were right, on the bins of its column."""

    outputs: list[str]
    """Whose values are probabilities: of each class, or of one of two."""
    rows: list[int]
    sums: list[float]
    """Of the confidences."""
    right: list[int] = []
    """Rows whose prediction was the target; empty if no target was given."""


class Derived(Struct, frozen=True):
    """The derived columns of a model."""

    edges: list[float]
    inputs: list[Scored]
    prediction: Scored | None
    """The output that importance is measured with."""
    correlation: list[list[float]]
    """Of the inputs' scores: row i has its correlations with the i inputs before it."""
    relations: list[list[int]]
    """An input: counts on `edges` of how it goes with the other inputs."""
    importance: list[list[int]]
    """An input: counts on `edges` of how it goes with the prediction; empty without one."""
    calibration: Calibration | None = None
    variation: list[ColumnVariation] = []
    """Natural variation of the relations, then of the importances; empty: not known."""


NOTHING = Derived(EDGES, [], None, [], [], [])


def problem(derived: Derived, bins: Mapping[tuple[str, str], int]) -> str:
    """What is wrong with it, or nothing; `bins` are the bins of each (side, column)."""
    count = len(derived.inputs)
    if count > MAX_INPUTS:
        return f"more than {MAX_INPUTS} inputs"
    for side, column in _scored(derived):
        if bins.get((side, column.name)) != len(column.scores):
            return f"{column.name}: not the bins of a column of the profile"
    if list(map(len, derived.correlation)) != list(range(count)):
        return "correlation: not a triangle over the inputs"
    if any(not -1 <= r <= 1 for r in chain.from_iterable(derived.correlation)):
        return "correlation: not between -1 and 1"
    if derived.edges != sorted(set(derived.edges)):
        return "edges: do not increase"
    wanted = count if derived.prediction is not None else 0
    if len(derived.relations) != count or len(derived.importance) != wanted:
        return "counts: not one list an input"
    if len(derived.variation) not in (0, count * (count > 1) + wanted):
        return "variation: not one a derived column"
    return _wrong_counts(derived) or _wrong_calibration(derived.calibration, bins)


def described(derived: Derived | None) -> list[str]:
    """In a few words each."""
    parts: list[str] = []
    if derived is None:
        return parts
    if len(derived.inputs) > 1:
        parts.append(f"relations of {len(derived.inputs)} inputs")
    if derived.prediction is not None:
        parts.append(f"importance for {derived.prediction.name}")
    found = derived.calibration
    if found is not None and found.right:
        parts.append(f"confidence, right in {sum(found.right) / max(1, sum(found.rows)):.1%}")
    elif found is not None:
        parts.append("confidence, not calibrated")
    return parts


def sources(derived: Derived) -> Set[tuple[str, str]]:
    """Side and name of the columns that it is computed of."""
    found = {(side, column.name) for side, column in _scored(derived)}
    if derived.calibration is not None:
        found |= {("output", name) for name in (CONFIDENCE, *derived.calibration.outputs)}
    return found


def _scored(derived: Derived) -> list[tuple[str, Scored]]:
    scored = [("input", column) for column in derived.inputs]
    if derived.prediction is not None:
        scored.append(("output", derived.prediction))
    return scored


def merged(parts: Sequence[Derived | None]) -> Derived | None:
    """Of several references on the same scores and correlations; None if they are not the same."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    first = known[0]
    calibration = _calibrated([part.calibration for part in known])
    alike = msgspec.structs.replace(first, calibration=None, variation=[])
    for part in known[1:]:
        bare = msgspec.structs.replace(
            part,
            relations=first.relations,
            importance=first.importance,
            calibration=None,
            variation=[],
        )
        if bare != alike:
            return None
    return msgspec.structs.replace(
        first,
        relations=[_sum(each) for each in zip(*(p.relations for p in known), strict=True)],
        importance=[_sum(each) for each in zip(*(p.importance for p in known), strict=True)],
        calibration=calibration,
        variation=_varied([part.variation for part in known]),
    )


def _varied(parts: Sequence[list[ColumnVariation]]) -> list[ColumnVariation]:
    """The greater of all that know it."""
    known = [part for part in parts if part]
    found = known[0] if known else []
    for part in known[1:]:
        pairs = [merged_variation(a, b) for a, b in zip(found, part, strict=True)]
        found = [each for each in pairs if each is not None]
    return found


def _calibrated(parts: Sequence[Calibration | None]) -> Calibration | None:
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    first = known[0]
    shape = (first.outputs, len(first.rows), len(first.right))
    if any((part.outputs, len(part.rows), len(part.right)) != shape for part in known):
        return None
    return Calibration(
        first.outputs,
        _sum([part.rows for part in known]),
        [math.fsum(each) for each in zip(*(part.sums for part in known), strict=True)],
        _sum([part.right for part in known]),
    )


def _sum(lists: Sequence[list[int]]) -> list[int]:
    return [sum(each) for each in zip(*lists, strict=True)]


def _wrong_counts(derived: Derived) -> str:
    for counts in chain(derived.relations, derived.importance):
        if len(counts) != len(derived.edges) + 1 or not all(0 <= c <= MAX_COUNT for c in counts):
            return "counts: do not fit the edges"
    return ""


def _wrong_calibration(found: Calibration | None, bins: Mapping[tuple[str, str], int]) -> str:
    if found is None:
        return ""
    if not found.outputs or any(("output", name) not in bins for name in found.outputs):
        return "calibration.outputs: not outputs of the profile"
    size = bins.get(("output", CONFIDENCE))
    if size is None or len(found.rows) != size or len(found.sums) != size:
        return f"calibration: not the bins of {CONFIDENCE}"
    if len(found.right) not in (0, size):
        return "calibration.right: not one a bin"
    if not all(0 <= right <= rows for right, rows in zip(found.right, found.rows, strict=False)):
        return "calibration.right: more than there are rows"
    if not all(0 <= rows <= MAX_COUNT for rows in found.rows):
        return "calibration.rows: not counts"
    if not all(0 <= s <= rows for s, rows in zip(found.sums, found.rows, strict=True)):
        return "calibration.sums: more than there are rows"
    return ""


CONFIDENCE = "(confidence)"
"""The output column that holds the probability of the class predicted."""
