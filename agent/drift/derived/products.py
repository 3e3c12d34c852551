"""How much a derived column varies at least, if the columns that it is of vary by themselves.

Rule: pure; variances in, variances out.

A relation or an importance is a mean product of two scores, so where the mean scores of a span
wander with variances a and b it wanders with variance a b. That is mostly too little to be seen in
a week, and yet it has far outliers: a product of two normals is as improbable beyond 17 standard
deviations as a normal is beyond 5.5. So it is not estimated but computed, and taken HEAVY-fold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.drift.derived.derivation import Derivation
from agent.drift.reference.derived import Scored
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Floats

HEAVY = 3.2
"""Of the standard deviation: 17.7 over 5.5."""


def least(
    derivation: Derivation, columns: Sequence[ColumnProfile], spans: int
) -> list[list[float]]:
    """Variance of each derived column's mean, by span of 1, 2, 4 … slots."""
    derived = derivation.derived
    known = {(column.side, column.name): column for column in columns}
    own = np.stack([_of(one, known["input", one.name], spans) for one in derived.inputs])
    found: dict[str, Floats] = {}
    if derivation.relations is not None:
        found["relations"] = derivation.relations.variance(own)
    if derived.prediction is not None:
        answer = known["output", derived.prediction.name]
        found["importance"] = own * _of(derived.prediction, answer, spans)
    return [(HEAVY**2 * found[kind][i]).tolist() for kind, i in derivation.places]


def _of(scored: Scored, column: ColumnProfile, spans: int) -> Floats:
    """Variance of a column's mean score by span, the hours of day among it."""
    variation = column.variation
    if variation is None:
        return np.zeros(spans)
    rows = np.array([[*row, *row[-1:] * (spans - len(row))] for row in variation.tau2])
    # The first score of a number is its location, which is what this is about.
    found: Floats = rows[0] if column.kind == "numeric" else rows.max(0)
    if variation.hours:
        hours = np.array(variation.hours)[:, : len(scored.scores)]
        each = hours.sum(1)
        means = hours @ np.array(scored.scores) / np.maximum(each, 1)
        found = found + np.average(means**2, weights=each)
    return found
