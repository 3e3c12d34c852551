"""Confidence: the probability of the class predicted; and how often such predictions are right.

Rule: pure; columns in, columns and numbers out.

Outputs are probabilities if each is in [0, 1] and those of a row sum to 1. Confidence is then a
column of its own, judged like any. Without labels the accuracy is estimated from it (confidence
based, as in NannyML's CBPE): of each bin of confidence the share that was right in the reference
(Guo et al. 2017: confidences themselves are mostly too high), times the bin's share now. It holds
as long as what a confidence means stays as it was: under a shift of inputs, not of the relation
between inputs and labels, which no method sees without labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from agent.drift.reference.derived import CONFIDENCE, Calibration
from agent.drift.reference.profile import ColumnProfile
from agent.drift.reference.sketch import Bins, Floats, Ints, NumericBins, Values, category, numbers

SUM_WITHIN = 0.01
"""Of 1: probabilities are often rounded."""
MOST_SUMS = 0.99
"""Of the rows that must be so."""
Z95 = 1.959964


class Performance(Struct, frozen=True):
    """Estimated without labels, with a 95 % interval. Shares, 0 to 1."""

    accuracy: float
    low: float
    high: float
    reference: float
    """The same of the reference: measured if `is_calibrated`."""
    is_calibrated: bool
    """Else each confidence is taken at its word."""
    rows: int


def probabilities(outputs: Mapping[str, Values], rows: int) -> list[str]:
    """Names of the outputs that are probabilities of classes; none if they are not."""
    found: dict[str, Floats] = {}
    for name, values in outputs.items():
        column = aligned(values)
        if name != CONFIDENCE and len(column) == rows and _is_share(column):
            found[name] = column
    if len(found) < 2:
        return []
    total = np.sum(list(found.values()), axis=0)
    total = total[~np.isnan(total)]
    good = np.abs(total - 1) <= SUM_WITHIN
    return list(found) if len(total) and good.mean() >= MOST_SUMS else []


def confidences(outputs: Sequence[Values]) -> Floats:
    """Of rows; NaN where a probability is missing. Of one output: of it and its complement."""
    columns = np.stack([aligned(values) for values in outputs])
    if len(columns) == 1:
        columns = np.concatenate([columns, 1 - columns])
    return np.asarray(columns.max(axis=0), dtype=np.float64)


def aligned(values: Values) -> Floats:
    """As numbers, a row each; NaN where there is none."""
    batch = numbers(values)
    if batch.at is None:
        return batch.finite
    column = np.full(len(batch.at), np.nan)
    column[batch.at] = batch.finite
    return column


def classes_of(target: Sequence[object]) -> list[str]:
    """Names of the classes in the order in which a model has them: sorted, numbers as such."""
    names = {category(value) for value in target if value is not None}  # type: ignore[arg-type]
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names)


def predicted(outputs: Sequence[Values], classes: Sequence[str]) -> list[str]:
    """The most probable class of each row."""
    columns = np.stack([np.nan_to_num(aligned(values)) for values in outputs])
    if len(columns) == 1:
        columns = np.concatenate([1 - columns, columns])
    return [classes[place] for place in columns.argmax(axis=0).tolist()]


class Classifier(NamedTuple):
    """Outputs that are probabilities, and the classes that they are of, if those are known."""

    outputs: list[str]
    classes: list[str] | None

    def confidence(self, columns: Mapping[str, Values]) -> Floats:
        """Of aligned rows."""
        return confidences([columns[name] for name in self.outputs])

    def confidence_of(self, buffers: Mapping[str, Values], rows: int) -> Values:
        """Of the columns that there are; none unless they are aligned."""
        found = [buffers.get(name, ()) for name in self.outputs]
        return confidences(found) if all(len(values) == rows for values in found) else ()

    def right(
        self, columns: Mapping[str, Values], target: Values | None
    ) -> list[bool | None] | None:
        """Whether the most probable class was the target; None for a row that lacks one."""
        if self.classes is None or target is None:
            return None
        known = target.tolist() if isinstance(target, np.ndarray) else target
        guesses = predicted([columns[name] for name in self.outputs], self.classes)
        return [
            None if value is None or value != value else category(value) == guess
            for value, guess in zip(known, guesses, strict=True)
        ]

    def calibrating(self, columns: Sequence[ColumnProfile]) -> Calibrating:
        """Ready to count on the bins of the confidence among these columns."""
        return Calibrating(self.outputs, next(c for c in columns if c.name == CONFIDENCE).bins())


def classifier_of(
    outputs: Mapping[str, Values], target: Sequence[object] | None, rows: int
) -> Classifier | None:
    """Of a sample of rows. A single output may be one if the target has two classes."""
    names = probabilities(outputs, rows)
    classes = classes_of(target) if target is not None else None
    if not names and classes is not None and len(classes) == 2:
        names = [name for name, values in outputs.items() if _is_share(values)][:1]
    if not names:
        return None
    if classes is not None and len(classes) != max(2, len(names)):
        return None
    return Classifier(names, classes)


def _is_share(values: Values) -> bool:
    column = aligned(values)
    known = column[~np.isnan(column)]
    return len(known) > 0 and bool((known >= 0).all() and (known <= 1).all())


class Calibrating:
    """Counts on the bins of confidence how often it was right."""

    def __init__(self, outputs: Sequence[str], bins: Bins) -> None:
        assert isinstance(bins, NumericBins)
        self._outputs = list(outputs)
        self._bins = bins
        self._rows = np.zeros(bins.size, dtype=np.int64)
        self._right = np.zeros(bins.size, dtype=np.int64)
        self._sums = np.zeros(bins.size)
        self._has_target = False

    def add(self, confidence: Floats, right: Sequence[bool | None] | None) -> None:
        """`right`: whether each row's prediction was its target; None where that is not known."""
        known = ~np.isnan(confidence)
        if right is not None:
            self._has_target = True
            known &= np.array([each is not None for each in right], dtype=bool)
        size = self._bins.size
        places = self._bins.places(confidence[known])
        self._rows += np.bincount(places, minlength=size)
        self._sums += np.bincount(places, confidence[known], minlength=size)
        if right is not None:
            hits = np.array([bool(each) for each in right], dtype=np.float64)[known]
            self._right += np.bincount(places, hits, minlength=size).astype(np.int64)

    def calibration(self) -> Calibration:
        """What was counted so far."""
        rows = self._rows.tolist()
        sums = [min(float(s), float(n)) for s, n in zip(self._sums, rows, strict=True)]
        right = self._right.tolist() if self._has_target else []
        return Calibration(self._outputs, rows, sums, right)


def accuracies(calibration: Calibration) -> Floats:
    """Of each bin of confidence; where there were no rows that of all."""
    rows = np.array(calibration.rows, dtype=np.float64)
    right = np.array(calibration.right or calibration.sums, dtype=np.float64)
    overall = right.sum() / max(1.0, rows.sum())
    # One row's worth of the overall accuracy keeps a bin of few rows from being sure.
    return np.asarray((right + overall) / (rows + 1), dtype=np.float64)


def performance(calibration: Calibration, counts: Ints) -> Performance | None:
    """By `counts` on the bins of confidence; None without rows."""
    rows = int(counts.sum())
    if not rows or not sum(calibration.rows):
        return None
    share, each = counts / rows, accuracies(calibration)
    now = float(share @ each)
    variance = (float(share @ each**2) - now**2) / rows
    if calibration.right:
        of_bins = each * (1 - each) / np.maximum(1, np.array(calibration.rows))
        variance += float(share**2 @ of_bins)
    half = Z95 * math.sqrt(max(0.0, variance))
    reference = np.array(calibration.rows) / sum(calibration.rows)
    return Performance(
        now,
        max(0.0, now - half),
        min(1.0, now + half),
        float(reference @ each),
        bool(calibration.right),
        rows,
    )
