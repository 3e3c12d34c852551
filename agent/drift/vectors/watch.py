"""The means of a model's vectors in traffic: counted with their views, judged by a chart each.

Rule: a window in, verdicts out; how strong the evidence is is `vectors.mean`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from agent.drift.engine.chart import Chart, Look
from agent.drift.engine.evidence import p_value
from agent.drift.engine.questions import MIN_ROWS, mean_portion
from agent.drift.engine.verdict import Verdict, level_of, state_of
from agent.drift.reference.profile import ColumnProfile, Profile, SideName
from agent.drift.reference.sketch import Ints
from agent.drift.reference.vectors import Vector, view_name
from agent.drift.settings import Settings
from agent.drift.traffic.columns import Side, WatchedColumn
from agent.drift.traffic.examples import Remembered
from agent.drift.traffic.judging import Judged, Times
from agent.drift.traffic.varying import is_varying
from agent.drift.vectors.mean import LABEL, MeanQuestions


class MeanWatch:
    """Of those vectors whose mean is known; has a watched column for each, and its chart."""

    def __init__(
        self,
        reference: Profile,
        sides: Sequence[Side],
        settings: Settings,
        share: float,
        min_effect: float,
    ) -> None:
        """`sides`: which count the reference's vectors; `share`: of the budget, that of all of its
        columns, with which the means make do."""
        known = {(one.side, one.name) for one in reference.vectors if one.mean is not None}
        every = [sums for side in sides for sums in side.sums]
        self._sums = [sums for sums in every if (sums.vector.side, sums.vector.name) in known]
        self._min_effect = min_effect
        self._share = share * mean_portion(reference.columns)
        self._settings = settings
        self.columns = [WatchedColumn(_profile(sums.vector)) for sums in self._sums]
        for column in self.columns:
            column.is_derived = True
        self.charts = self.new_charts()

    def new_charts(self) -> list[Chart]:
        """Without evidence yet."""
        return [
            Chart(
                [column.base.column],
                false_alarms=self._settings.false_alarms,
                share=self._share,
                replicas=self._settings.replicas,
                min_effect=self._min_effect,
                ask=partial(MeanQuestions, sums.vector),
            )
            for sums, column in zip(self._sums, self.columns, strict=True)
        ]

    def judge(self, times: Times) -> Iterator[Judged]:
        """Judges what was counted since it was last called."""
        began, now, seconds, extra, sharing = times
        settings = self._settings
        budget = self._share * settings.false_alarms
        level = level_of(budget, seconds, 1, settings.replicas * sharing)
        for sums, column, chart in zip(self._sums, self.columns, self.charts, strict=True):
            counts = sums.take()
            column.add(counts[-1:])
            window = column.take_window()
            chart.sharing = sharing
            chart.push([counts], began, now, seconds, [extra[column.base.column.side]])
            column.judged(partial(mean_verdict, chart, 0, window), level, now)
            alarm = chart.alarms[0]
            yield Judged(column, state_of(chart, 0), alarm.since if alarm else began)


def means_of(
    reference: Profile, sides: Sequence[Side], settings: Settings, share: float, min_effect: float
) -> MeanWatch | None:
    """None where none is known, or it is not judged."""
    if settings.mode != "evidence" or is_varying(reference, settings):
        return None
    watch = MeanWatch(reference, sides, settings, share, min_effect)
    return watch if watch.columns else None


def mean_verdict(chart: Chart, column: int, counts: Ints) -> Verdict:
    """As `verdict.verdict_of` has it, of a vector's mean."""
    found = chart.strongest(column)
    state, rows = state_of(chart, column), int(counts.sum())
    if found is None:
        which = "windows" if chart.questions.judged[0] else "reference"
        return Verdict(state, rows, 0.0, 0.0, reason=f"fewer than {MIN_ROWS} rows in the {which}")
    level, look = found
    return _evident(Verdict(state, int(look.rows[0]), 0.0, 0.0), chart, level, look)


def _evident(plain: Verdict, chart: Chart, level: int, look: Look) -> Verdict:
    z = float(look.z[0])
    return Verdict(
        plain.state,
        plain.rows,
        plain.missing,
        plain.invalid,
        score=z,
        threshold=float(look.threshold[0]),
        p_value=p_value(z),
        test=LABEL,
        direction="up",
        effect=float(look.effect[0]),
        span=min(1 << level, chart.windows),
        began=look.began,
    )


def _profile(vector: Vector) -> ColumnProfile:
    assert vector.mean is not None
    side: SideName = "input" if vector.side == "input" else "output"
    return ColumnProfile(view_name(LABEL, vector.name), side, "view", [vector.mean.rows], 0, 0, [])


def as_views(one: Remembered, sides: Sequence[Side]) -> Remembered:
    """With what the vectors of its first row become; `sides`: of inputs and of outputs."""
    inputs, outputs = sides
    return replace(one, inputs=inputs.row(one.inputs), outputs=outputs.row(one.outputs))
