"""The derived columns of a model in traffic: computed of each batch as it is counted.

Rule: it needs rows, so it works on a batch while the scores of its columns are still aligned; a
row whose answer was not understood has no importance, and its inputs still have relations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from agent.drift.derived.confidence import Classifier, Performance, performance
from agent.drift.derived.derivation import Derivation
from agent.drift.derived.pairs import Paired
from agent.drift.derived.scores import NO_SCORES, Scorer, Scores
from agent.drift.engine.chart import Chart
from agent.drift.reference.derived import CONFIDENCE, Derived
from agent.drift.reference.profile import Profile
from agent.drift.reference.sketch import MISSING, Ints
from agent.drift.reference.variation import Period
from agent.drift.settings import Settings
from agent.drift.traffic.batches import Request
from agent.drift.traffic.columns import Side, WatchedColumn
from agent.drift.traffic.decisions import Key
from agent.drift.traffic.varying import are_relations_unknown

SHARE = 0.15
"""Of the budget: with that of `engine.previous` a fifth."""


SPILT = 0.02
"""Part of a relation's variance that shifted columns may add before none is judged. With 0.1 a
column of two values, 70 to 30, raised a relation of its own in 8 of 8 runs when one of four inputs
moved by half a standard deviation: where scores are skewed it shows by more than its square."""


class DerivedWatch:
    """Counts them; has a watched column for each, and their chart."""

    def __init__(
        self,
        derived: Derived,
        period: Period | None,
        sides: Sequence[Side],
        settings: Settings,
        min_effect: float,
    ) -> None:
        """Of inputs and outputs that watch the reference's columns; its `period`."""
        inputs, outputs = sides
        self._derivation = Derivation(derived)
        self._inputs = inputs
        self._outputs = outputs
        self.columns = [WatchedColumn(profile) for profile in self._derivation.profiles()]
        for watched in self.columns:
            watched.is_derived = True
        self._counts = np.zeros((len(self.columns), len(derived.edges) + 1), dtype=np.int64)
        """Of the window in progress."""
        self.suspended: set[int] = set()
        """Places of columns that are not judged, because one that they are of drifts itself."""
        self._new_chart = partial(
            Chart,
            [column.base.column for column in self.columns],
            false_alarms=settings.false_alarms,
            share=SHARE,
            replicas=settings.replicas,
            min_effect=min_effect,
            period=period,
            natural_variation=settings.natural_variation,
        )
        self.chart = self.new_chart()
        inputs.is_aligned = outputs.is_aligned = True
        if derived.calibration is not None:
            outputs.classifier = Classifier(derived.calibration.outputs, None)
        for side, columns in ((inputs, derived.inputs), (outputs, [derived.prediction])):
            for column in filter(None, columns):
                watched = side.columns[column.name]
                watched.scorer = Scorer(watched.bins, column.scores)

    def new_chart(self) -> Chart:
        """Without evidence yet."""
        return self._new_chart()

    def performance(self) -> Performance | None:
        """Estimated of the last window."""
        column = self._outputs.columns.get(CONFIDENCE)
        if self._derivation.derived.calibration is None or column is None:
            return None
        return performance(self._derivation.derived.calibration, column.last[:MISSING])

    def suspend(self, effects: Mapping[Key, float]) -> None:
        """Ceases to judge what is derived of columns that drift themselves, and begins again.

        `effects`: of the columns in drift, in the reference's standard deviations. A shifted
        column moves products of it too, which tells nothing more. Through the others' relations
        it shows by its square over their number.
        """
        moved = [effects.get(("input", name), 0.0) for name in self._derivation.inputs]
        spilt = sum(effect**2 for effect in moved) > SPILT * max(1, len(moved) - 1)
        by_prediction = ("output", self._derivation.prediction) in effects
        before, self.suspended = self.suspended, set()
        for place, (kind, i) in enumerate(self._derivation.places):
            others = spilt if kind == "relations" else by_prediction
            if moved[i] or others:
                self.suspended.add(place)
        begun = self.suspended - before
        if begun:
            self.chart.renew({place: self.columns[place].base.column for place in begun})

    def counted(self) -> list[Ints]:
        """Of each column what was counted in the window in progress, judged or not."""
        return [*np.pad(self._counts, ((0, 0), (0, 2)))]  # none is missing or invalid

    def end_window(self, effects: Mapping[Key, float]) -> None:
        """Makes the columns' counts those of the window; `effects` as for `suspend`."""
        self.suspend(effects)
        self._counts[sorted(self.suspended)] = 0
        for column, found in zip(self.columns, self._counts, strict=True):
            column.add(found)
        self._counts[:] = 0

    def count(self, paired: Paired | None, requests: Sequence[Request] = ()) -> None:
        """Counts the batch that the sides have just counted; `requests`: some of the inputs'."""
        derivation = self._derivation
        inputs = [self._inputs.columns[name].take_scores() for name in derivation.inputs]
        prediction = NO_SCORES
        if derivation.prediction:
            prediction = self._outputs.columns[derivation.prediction].take_scores()
        rows = max(map(len, inputs), default=0)
        if not rows:
            return
        lacking: Scores = np.full(rows, np.nan, dtype=np.float32)
        scores = np.stack([s if len(s) == rows else lacking for s in inputs])
        answers = _aligned(prediction, rows, paired)
        self._counts += derivation.counts(scores, answers)
        if requests:
            self._look_at_requests(requests, scores, answers)

    def _look_at_requests(
        self, requests: Sequence[Request], scores: Scores, answers: Scores | None
    ) -> None:
        places = [slice(one.at, one.at + one.rows) for one in requests]
        counts = [
            self._derivation.counts(scores[:, at], None if answers is None else answers[at])
            for at in places
        ]
        rows = np.array([one.rows for one in requests])
        # No value of theirs is missing or invalid.
        whole = np.pad(np.stack(counts, axis=1), ((0, 0), (0, 0), (0, 2)))
        self.chart.requests.of("input").add([*whole], rows)


def derived_watch(
    reference: Profile, sides: Sequence[Side], settings: Settings, min_effect: float
) -> DerivedWatch | None:
    """None where nothing is derived, or it is not judged."""
    if settings.mode != "evidence" or reference.derived is None:
        return None
    if are_relations_unknown(reference, settings):
        return None
    return DerivedWatch(reference.derived, reference.period, sides, settings, min_effect)


def _aligned(answered: Scores, rows: int, paired: Paired | None) -> Scores | None:
    """Scores of the answers, one an input row, NaN where there is none; None without any."""
    if paired is None or not len(answered):
        return None
    if paired.asked is None or paired.answered is None:
        return answered if len(answered) == rows else None
    if len(paired.answered) != len(answered) or len(paired.asked) != rows:
        return None
    scores: Scores = np.full(rows, np.nan, dtype=np.float32)
    scores[paired.asked] = answered[paired.answered]
    return scores
