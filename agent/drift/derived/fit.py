"""Derived columns of a reference: found from some of its rows, counted over the others.

Rule: no row does both (see `stored`): rows of even number set the relations, odd ones count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress

import msgspec
import numpy as np

from agent.decode.payload import Value
from agent.drift.derived import importance
from agent.drift.derived.confidence import aligned, classifier_of
from agent.drift.derived.correlation import Correlating
from agent.drift.derived.derivation import Derivation
from agent.drift.derived.pairs import Mask, Paired
from agent.drift.derived.scores import Scorer, Scores, table_of
from agent.drift.reference.derived import (
    CONFIDENCE,
    EDGES,
    MAX_INPUTS,
    NOTHING,
    Calibration,
    Derived,
    Scored,
)
from agent.drift.reference.profile import ColumnProfile, Profile, hashed
from agent.drift.reference.sketch import Values, listed

MIN_ROWS = 500
"""Below which relations are not known well enough to judge by."""
Sample = Mapping[str, Values]


def fit(
    columns: Sequence[ColumnProfile], inputs: Sample, outputs: Sample, rows: int
) -> Derived | None:
    """What to derive from `rows` aligned rows, nothing counted yet; None if there is too little.

    Of more than MAX_INPUTS inputs those that go most with the prediction are taken.
    """
    if rows < 2 * MIN_ROWS:
        return None
    scored = _scored(columns, "input", inputs, rows)
    predictions = _scored(columns, "output", outputs, rows)
    prediction = next(iter(predictions), None)
    if len(scored) > MAX_INPUTS and prediction is not None:
        strength = np.abs(importance.correlations(np.stack([s for _, s in scored]), prediction[1]))
        kept = sorted(np.argsort(-strength, kind="stable")[:MAX_INPUTS].tolist())
        scored = [scored[i] for i in kept]
    scored = scored[:MAX_INPUTS]
    if len(scored) < 2 and (not scored or prediction is None):
        return None
    correlation = _correlation(np.stack([scores for _, scores in scored]))
    count, bins = len(scored), len(EDGES) + 1
    return Derived(
        EDGES,
        [column for column, _ in scored],
        prediction and prediction[0],
        [[round(float(r), 6) for r in row[:i]] for i, row in enumerate(correlation)],
        [[0] * bins] * count,
        [[0] * bins] * (count if prediction else 0),
    )


def derived_of(
    profile: Profile, inputs: Sample, outputs: Sample, rows: int, paired: Paired | None
) -> Profile:
    """The profile with what is derived of rows in memory; without a prediction if not `paired`."""
    calibration = _calibration(profile, outputs)
    if paired is None:
        outputs = {}
    elif paired.asked is not None and paired.answered is not None:
        rows, inputs = int(paired.asked.sum()), _chosen(inputs, paired.asked)
        outputs = _chosen(outputs, paired.answered)
    correlating = Correlating(profile.columns)
    correlating.add(inputs, outputs, rows)
    derived = fit(profile.columns, inputs, outputs, rows)
    if derived is not None:
        builder = DerivedBuilder(derived, profile.columns)
        builder.add(inputs, outputs, rows)
        derived = builder.derived()
    if calibration is not None:
        derived = msgspec.structs.replace(derived or NOTHING, calibration=calibration)
    return hashed(msgspec.structs.replace(profile, columns=correlating.columns(), derived=derived))


def add_confidence(outputs: dict[str, list[Value]], rows: int) -> None:
    """Adds the column to outputs of so many rows, if they are probabilities."""
    classifier = classifier_of(outputs, None, rows)
    if classifier is not None:
        outputs[CONFIDENCE] = listed(classifier.confidence(outputs))


def _calibration(profile: Profile, outputs: Sample) -> Calibration | None:
    confidence = outputs.get(CONFIDENCE)
    if confidence is None:
        return None
    classifier = classifier_of(outputs, None, len(confidence))
    if classifier is None:
        return None
    calibrating = classifier.calibrating(profile.columns)
    calibrating.add(aligned(confidence), None)
    return calibrating.calibration()


def _chosen(columns: Sample, mask: Mask) -> Sample:
    """The rows of the mask; a column that is shorter stays so."""
    return {name: list(compress(values, mask.tolist())) for name, values in columns.items()}


def _scored(
    columns: Sequence[ColumnProfile], side: str, sample: Sample, rows: int
) -> list[tuple[Scored, Scores]]:
    """The columns of a side that have scores, with those of the even rows."""
    found: list[tuple[Scored, Scores]] = []
    for column in columns:
        values = sample.get(column.name)
        if column.side != side or column.name == CONFIDENCE or values is None:
            continue
        table = table_of(column)
        if table is None or len(values) != rows:
            continue
        scores = Scorer(column.bins(), table).of(values[::2])
        if _varies(scores):
            found.append((Scored(column.name, table), scores))
    return found


def _varies(scores: Scores) -> bool:
    known = scores[~np.isnan(scores)]
    return len(known) > 1 and float(known.max()) > float(known.min())


def _correlation(scores: Scores) -> Scores:
    """Of scores [inputs, rows]; a row that lacks one counts as average there."""
    known = np.nan_to_num(scores).astype(np.float64)
    known -= known.mean(axis=1, keepdims=True)
    known /= np.sqrt(np.square(known).mean(axis=1, keepdims=True))
    matrix = np.clip(known @ known.T / known.shape[1], -1, 1)
    correlation: Scores = matrix.astype(np.float32)
    return correlation


class RowScorer:
    """Scores of rows at hand, of the columns that something is derived of."""

    def __init__(self, derived: Derived, columns: Sequence[ColumnProfile]) -> None:
        known = {(column.side, column.name): column for column in columns}
        self._inputs = [
            (column.name, Scorer(known["input", column.name].bins(), column.scores))
            for column in derived.inputs
        ]
        self._prediction: tuple[str, Scorer] | None = None
        if derived.prediction is not None:
            name = derived.prediction.name
            scorer = Scorer(known["output", name].bins(), derived.prediction.scores)
            self._prediction = name, scorer

    def scores(
        self, inputs: Sample, outputs: Sample, rows: int, some: slice = slice(None)
    ) -> tuple[Scores, Scores | None]:
        """Of some of these aligned rows: [input, row], and of the prediction."""
        lacking = np.full(rows, np.nan)
        found = np.stack([s.of(inputs.get(name, lacking)[some]) for name, s in self._inputs])
        if self._prediction is None:
            return found, None
        name, scorer = self._prediction
        return found, scorer.of(outputs.get(name, lacking)[some])


class DerivedBuilder:
    """Counts the rows of odd number."""

    def __init__(self, derived: Derived, columns: Sequence[ColumnProfile]) -> None:
        self._derivation = Derivation(derived)
        self._scorer = RowScorer(derived, columns)
        size = len(self._derivation.places), len(derived.edges) + 1
        self._counts = np.zeros(size, dtype=np.int64)
        self._rows = 0

    def add(self, inputs: Sample, outputs: Sample, rows: int) -> None:
        """Counts the odd ones of some aligned rows."""
        odd = slice(1 - self._rows % 2, None, 2)
        self._rows += rows
        if not len(range(rows)[odd]):
            return
        at_once = self._derivation.rows_at_once
        scores, prediction = self._scorer.scores(inputs, outputs, rows, odd)
        for begin in range(0, scores.shape[1], at_once):
            part = slice(begin, begin + at_once)
            self._counts += self._derivation.counts(
                scores[:, part], None if prediction is None else prediction[part]
            )

    def derived(self) -> Derived:
        """With what was counted so far."""
        counts: list[list[int]] = self._counts.tolist()
        places = self._derivation.places
        found = {
            kind: [row for row, (k, _) in zip(counts, places, strict=True) if k == kind]
            for kind, _ in places
        }
        return msgspec.structs.replace(self._derivation.derived, **found)
