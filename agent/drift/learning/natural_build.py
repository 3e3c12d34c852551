"""A reference's natural variation from the rows that it was built of, if they have times.

Rule: one more pass; what is kept is counts by slot of time, no rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from agent.drift.derived.confidence import Classifier
from agent.drift.derived.derivation import Derivation
from agent.drift.derived.fit import RowScorer
from agent.drift.engine.history import History
from agent.drift.engine.natural import DAY, LONGEST, MIN_PERIOD, SLACK
from agent.drift.learning.build import filled
from agent.drift.learning.period import varied, width_of
from agent.drift.reference.derived import CONFIDENCE
from agent.drift.reference.profile import Profile
from agent.drift.reference.sketch import MISSING, Bins, Floats, Ints, Values
from agent.drift.rows.clock import Clock
from agent.drift.rows.table import Batch
from agent.drift.vectors.build import projected

SLOT = 300.0
"""Seconds; the length of a window in time, by default."""

Counter = Callable[[int, int], Ints]
"""Counts of the rows of a batch from one to before another, of all columns side by side."""


def with_variation(
    profile: Profile, batches: Iterator[Batch], timestamp: str, seconds: float = SLOT
) -> Profile:
    """The profile with the variation of its columns over the period of these rows.

    Unchanged if they cover less than a week. Raises TableError if they are not sorted by time.
    """
    columns = _Columns(profile)
    history = History(width_of(profile), seconds)
    clock = Clock(timestamp)
    for batch in projected(batches, profile.vectors):
        times = clock.read(dict(batch.columns), batch.rows)
        count = columns.counter(batch)
        for first, last in _slots(times, seconds):
            history.add(float(times[first]), count(first, last))
    return varied(profile, history)


def why_unknown(profile: Profile) -> str:
    """Why a profile of rows with times has no natural variation; nothing if it has, or had none."""
    period = profile.period
    if period is None or period.slots:
        return ""
    days = (period.ended - period.began) / DAY
    wanted = f"rows of {MIN_PERIOD / DAY:.0f} days, these cover {days:.1f} days"
    if days >= SLACK * MIN_PERIOD / DAY:
        wanted = f"rows of {2 * LONGEST} times or more, these have fewer"
    return (
        f"natural variation is not known: it takes {wanted}; what goes with the hour of day or "
        f"the day of week will be taken for drift"
    )


class _Columns:
    """The columns of a profile, and those derived of them, counted side by side."""

    def __init__(self, profile: Profile) -> None:
        self._bins = [(column.name, column.bins()) for column in profile.columns]
        self._classifier: Classifier | None = None
        self._derivation: Derivation | None = None
        derived = profile.derived
        if derived is None:
            return
        if derived.calibration is not None:
            self._classifier = Classifier(derived.calibration.outputs, None)
        if derived.inputs:
            self._derivation = Derivation(derived)
            self._scorer = RowScorer(derived, profile.columns)

    def counter(self, batch: Batch) -> Counter:
        """Counts of parts of these rows."""
        columns: dict[str, Any] = dict(batch.columns)
        if self._classifier is not None:
            rows = filled(batch, self._classifier.outputs)
            columns[CONFIDENCE] = self._classifier.confidence(rows)
        of_derived = self._derived_counter(columns, batch.rows)

        def count(first: int, last: int) -> Ints:
            parts = [_count(bins, columns.get(name, ()), first, last) for name, bins in self._bins]
            return np.concatenate([*parts, of_derived(first, last)])

        return count

    def _derived_counter(self, columns: dict[str, Values], rows: int) -> Counter:
        derivation = self._derivation
        if derivation is None:
            return lambda first, last: np.zeros(0, dtype=np.int64)
        scores, prediction = self._scorer.scores(columns, columns, rows)

        def count(first: int, last: int) -> Ints:
            answers = prediction[first:last] if prediction is not None else None
            found = derivation.counts(scores[:, first:last], answers)
            whole: Ints = np.pad(found, ((0, 0), (0, 2))).ravel()  # none is missing or invalid
            return whole

        return count


def _slots(times: Floats, seconds: float) -> Iterator[tuple[int, int]]:
    """Runs of rows of one slot."""
    ends = [*(np.flatnonzero(np.diff(times // seconds)) + 1).tolist(), len(times)]
    first = 0
    for last in ends:
        if last > first:
            yield first, last
        first = last


def _count(bins: Bins, values: Sequence[Any], first: int, last: int) -> Ints:
    part = values[first:last]
    counts = bins.count(part)
    counts[MISSING] += last - first - len(part)
    return counts
