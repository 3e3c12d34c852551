"""The traffic of a model, in one version: learns a reference if it has none, counts and judges.

Rule: rows that made the reference are never judged by it; a window is judged when complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from agent.decode.payload import Payload
from agent.drift.derived.pairs import Paired, Pairs
from agent.drift.derived.watch import SHARE as DERIVED_SHARE
from agent.drift.derived.watch import DerivedWatch, derived_watch
from agent.drift.engine.chart import Chart
from agent.drift.engine.previous import SHARE as PREVIOUS_SHARE
from agent.drift.engine.previous import ChangedAgain, Previous
from agent.drift.engine.verdict import State
from agent.drift.reference.name import Name
from agent.drift.reference.profile import ColumnProfile, Profile, SideName, Source, with_columns
from agent.drift.reference.sketch import Ints, Values
from agent.drift.settings import Settings
from agent.drift.traffic.change import Change
from agent.drift.traffic.collecting import Collecting, collecting, told_of
from agent.drift.traffic.columns import Side, WatchedColumn, all_columns
from agent.drift.traffic.decisions import Decisions, Key
from agent.drift.traffic.examples import Remembered, Reservoir
from agent.drift.traffic.judging import Times, judge_window
from agent.drift.traffic.learned import learned
from agent.drift.traffic.mismatch import mismatch_of
from agent.drift.traffic.unseen import Reason, Unseen
from agent.drift.traffic.warmup import LEARNING_CELLS, Warmup, held
from agent.drift.traffic.window import Window
from agent.drift.vectors.watch import MeanWatch, as_views, means_of

BATCH_ROWS = 1000
"""Rows that are counted at once; fewer when a second has passed."""
BATCH_CELLS = 1 << 16
"""Buffered values of a model, at most about this and one payload."""

LOOKED_AT = 20
"""Columns for which examples are looked for in a window: those that drift most."""

Phase = Literal["learning", "watching", "unwatched"]


class ModelWatch:
    """The state of one model."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        reference: Profile | None,
        now: float,
        reason: str = "",
        source: Source = "given",
        version: str = "",
    ) -> None:
        """`reason`: why there is no reference, if there should be one; `source`: of the one there
        is."""
        self.name, self.version = name, version
        self.came, self.last_came = False, now
        """Whether rows came since the last tick, and when they did before."""
        self.sharing = 1  # versions that the budget of the model is shared by
        self.settings = settings
        self.reference: Profile | None = None
        self.reason = reason
        self.source: Source = ""
        self.original: Profile | None = None
        """The reference before columns of it were renewed."""
        self.decisions = Decisions(model=name, version=version)
        self.phase: Phase = "unwatched"
        self.inputs = Side("input")
        self.outputs = Side("output")
        self.window = Window(settings.window_rows, settings.window_seconds, now)
        self.windows = 0
        self.cells = 0
        self.left_out = 0
        self.unseen = Unseen()
        self.reservoir = Reservoir()
        self.chart: Chart | None = None
        """None without a reference, and for the old rules."""
        self.pairs = Pairs()
        self.warmup = Warmup()
        self.notes: list[str] = []
        """For the log: what became of learning, and what does not match the reference."""
        self._is_matched = False
        """Whether the reference's columns have been looked for in a window."""
        self.derived: DerivedWatch | None = None
        self.means: MeanWatch | None = None
        self.previous: Previous | None = None
        self.collecting: Collecting | None = None
        """While the period of a learned reference is not over."""
        self.changes: list[Change] = []
        if reference is not None:
            self.watch(reference, now, source)
        elif settings.learn_rows is not None and not reason:
            self.phase = "learning"

    def add(self, payload: Payload, now: float | None = None) -> bool:
        """Appends a payload; returns whether `complete` has something to do."""
        if self.phase == "unwatched":
            return False
        rows = payload.rows
        self.inputs.add(payload.inputs, rows, payload.sizes[0])
        if payload.output_rows:
            self.outputs.add(payload.outputs, payload.output_rows, payload.sizes[1])
        self.pairs.note(rows, self.inputs.rows, payload.output_rows, self.outputs.rows)
        self.window.rows += rows
        self.left_out += payload.left_out
        self.unseen.see(rows)
        self.cells += rows * len(payload.inputs) + payload.output_rows * len(payload.outputs)
        if self.phase == "learning":
            assert self.settings.learn_rows is not None
            self.cells = held(self.sides, self.cells)
            return self.inputs.rows >= self.settings.learn_rows or self.cells >= LEARNING_CELLS
        self.reservoir.add(payload)
        return (
            self.inputs.rows >= BATCH_ROWS
            or self.cells >= BATCH_CELLS
            or self.window.rows >= self.window.row_limit
        )

    def miss(self, reason: Reason, rows: int = 1) -> None:
        """Rows that the model scored and no sketch saw."""
        if reason != "answer_not_decoded" or self.outputs.columns:
            self.unseen.miss(reason, rows)

    def complete(self, now: float) -> bool:
        """Counts what is buffered, judges a full window; returns whether it has learned now."""
        if self.phase == "learning":
            settled = self.warmup.is_settled(self.sides, self.pairs)
            if told := self.warmup.told():
                self.notes.append(f"drift of {self.key.told()}: {told}")
            if not settled:
                self.cells //= 2
                return False
            self.watch(
                learned(self.key, self.sides, self.pairs, self.settings.hides), now, "learned"
            )
            return True
        self._count()
        if self.window.is_full():
            self.judge(now)
        return False

    def tick(self, now: float) -> bool:
        """Counts what is buffered, judges a window whose time is over; whether it has learned."""
        if self.phase != "watching":
            return False
        self._end_mutes(now)
        self._count()
        if self.window.is_full() or self.window.is_over(now):
            self.judge(now)
        whole = self.collecting.step() if self.collecting is not None else None
        if whole is None:
            return False
        self.notes.append(f"drift of {self.key.told()}: {told_of(whole)}")
        self.decisions.renewals.clear()
        self.watch(whole, now, "learned")
        return True

    def _end_mutes(self, now: float) -> None:
        """What still drifts when its mute ends is news."""
        ended = self.decisions.end_mutes(now)
        for column in self.judged if ended else ():
            if column.key() in ended and column.state == "drift":
                self._tell(column, "drift", column.since or now)

    def watch(self, reference: Profile, now: float, source: Source = "given") -> None:
        """Judges from now on by this reference."""
        self.reference = reference
        self.original = reference
        self.source = source
        self.phase = "watching"
        self.reason = ""
        self.collecting = collecting(reference, source, self.settings)
        self._is_matched = False
        for side in self.sides:
            side.watch(reference.columns, reference.vectors)
        self.cells = 0
        self._watch_derived()
        self.chart = self.new_chart()
        self.previous = self.new_previous(self.chart)
        self.window.close(now)

    def replace(self, columns: Mapping[Key, ColumnProfile]) -> None:
        """Judges these columns by other profiles from now on; the others' evidence stays.

        What they were renewed by is in `decisions`.
        """
        assert self.original is not None
        renewed = {(r.side, r.column): r.now for r in self.decisions.renewals}
        self.reference = with_columns(self.original, renewed)
        if self.chart is not None:
            keys = [column.key() for column in self.columns]
            self.chart.renew({keys.index(key): profile for key, profile in columns.items()})
        for side in self.sides:
            for name, column in side.columns.items():
                profile = columns.get((side.name, name))
                if profile is not None:
                    side.columns[name] = WatchedColumn(profile)
                else:
                    column.totals[:] = 0  # counters begin anew with the reference's new hash
        self._watch_derived()

    @property
    def key(self) -> Name:
        """Model and version."""
        return Name(self.name, self.version)

    @property
    def min_effect(self) -> float:
        """Less than this never alarms, in the reference's standard deviations."""
        least = self.settings.min_effect
        return max(least, self.collecting.least_effect) if self.collecting is not None else least

    @property
    def base(self) -> str:
        """Hash of the reference before columns of it were renewed."""
        return self.original.hash if self.original is not None else ""

    @property
    def sides(self) -> tuple[Side, Side]:
        """Inputs and outputs."""
        return self.inputs, self.outputs

    @property
    def columns(self) -> list[WatchedColumn]:
        """All columns of the reference."""
        return list(all_columns(self.sides))

    @property
    def judged(self) -> list[WatchedColumn]:
        """Those, and the derived ones."""
        derived = self.derived.columns if self.derived is not None else []
        return [*self.columns, *derived, *(self.means.columns if self.means is not None else [])]

    def is_muted(self, column: WatchedColumn) -> bool:
        """Whether its alarm is known and not news."""
        return self.decisions.muted(column.key()) is not None

    def state(self) -> State:
        """Drift if any column drifts that is not muted, insufficient if none can be judged."""
        states = {column.state for column in self.judged if not self.is_muted(column)}
        return "drift" if "drift" in states else "stable" if "stable" in states else "insufficient"

    def _count(self) -> None:
        paired = self.pairs.take(self.inputs.rows, self.outputs.rows)
        for side in self.sides:
            side.count()
        if self.derived is not None:
            self.derived.count(paired, self.inputs.batches.sampled)
        for side in self.sides:
            if side.batches.sampled:
                self._look_at_requests(side)
        self.cells = 0

    def _look_at_requests(self, side: Side) -> None:
        requests = side.batches.take()
        if self.chart is not None and side.columns:
            self.chart.requests.of(side.name).add(*side.counts_of(requests))

    def count_rows(self, rows: int, parts: Mapping[SideName, Mapping[str, Values]]) -> None:
        """Counts rows that are at hand as whole columns, a value a row, and answered each."""
        for side in self.sides:
            if parts[side.name]:
                side.count_rows(rows, parts[side.name])
        if self.derived is not None:
            self.derived.count(Paired(None, None) if parts["output"] else None, [])
        self.window.rows += rows

    def judge(self, now: float) -> None:
        """Ends the window and judges what was counted in it."""
        began = self.window.opened
        seconds = self.window.close(now)
        self.windows += 1
        columns = self.columns
        windows = [column.take_window() for column in columns]
        if not any(counts.any() for counts in windows):
            return  # nothing came: nothing is known that was not before
        self._tell_mismatch()
        extra = {side.name: side.batches.close() for side in self.sides}
        times = Times(began, now, seconds, extra, self.sharing)
        self._judge(self.chart, columns, windows, times)
        if self.collecting is not None:
            of_derived = self.derived.counted() if self.derived is not None else []
            self.collecting.add((began + now) / 2, [*windows, *of_derived])
        if self.derived is not None:
            self.derived.end_window(self._effects())
            columns = self.derived.columns
            windows = [column.take_window() for column in columns]
            self._judge(self.derived.chart, columns, windows, times)
        for column, state, since in self.means.judge(times) if self.means is not None else ():
            self._turn(column, state, since)
        self._look_back(now)
        self._look_for_examples(self.reservoir.drain(), now)

    def _tell_mismatch(self) -> None:
        """Once for each reference, after its first window."""
        if not self._is_matched and (told := mismatch_of(self.sides)):
            self.notes.append(f"drift of {self.key.told()}: {told}")
        self._is_matched = True

    def _judge(
        self,
        chart: Chart | None,
        columns: Sequence[WatchedColumn],
        windows: Sequence[Ints],
        times: Times,
    ) -> None:
        for column, state, since in judge_window(chart, columns, windows, times, self.settings):
            self._turn(column, state, since)

    def _effects(self) -> dict[Key, float]:
        """Of the columns in drift."""
        alarms = self.chart.alarms if self.chart is not None else []
        pairs = zip(self.columns, alarms, strict=True)
        return {column.key(): alarm.effect for column, alarm in pairs if alarm is not None}

    def _look_back(self, now: float) -> None:
        """Columns that have long been in drift, and now changed again."""
        if self.previous is None:
            return
        columns = self.columns
        for place in self.previous.look(now):
            self._tell(columns[place], "drift", now, self.previous.found[place])

    @property
    def _share(self) -> float:
        """Of the budget, that of columns by themselves."""
        return 1 - PREVIOUS_SHARE - (DERIVED_SHARE if self.derived is not None else 0.0)

    def new_chart(self) -> Chart | None:
        """For the columns there are; None for the old rules."""
        settings = self.settings
        if settings.mode != "evidence":
            return None
        return Chart(
            [column.base.column for column in self.columns],
            false_alarms=settings.false_alarms,
            share=self._share,
            replicas=settings.replicas,
            min_effect=self.min_effect,
            period=self.reference.period if self.reference is not None else None,
            natural_variation=settings.natural_variation,
        )

    def new_previous(self, chart: Chart | None) -> Previous | None:
        """For this chart."""
        return Previous(chart) if chart is not None else None

    def _watch_derived(self) -> None:
        """Anew: what was seen of derived columns is forgotten."""
        self.derived = self.means = None
        if self.reference is not None:
            of = self.reference, self.sides, self.settings
            self.derived = derived_watch(*of, self.min_effect)
            self.means = means_of(*of, self._share, self.min_effect)
        if self.derived is None and self.collecting is not None:
            self.collecting.drop_derived()

    def _look_for_examples(self, remembered: Sequence[Remembered], now: float) -> None:
        drifting = [column for column in self.columns if column.state == "drift"]
        alone = len(self.outputs.columns) == 1
        self.reservoir.wanted = bool(drifting)
        remembered = [as_views(one, self.sides) for one in remembered if drifting]
        for column in sorted(drifting, key=WatchedColumn.excess, reverse=True)[:LOOKED_AT]:
            column.look_for_examples(remembered, now, alone)

    def _turn(self, column: WatchedColumn, state: State, since: float) -> None:
        """Notes a state, and that it is another one if so."""
        if state == "drift":
            began = column.state != "drift"
            column.drifted = column.last * 0 if began else column.drifted + column.last
        if state != column.state or column.since is None:
            before, column.state, column.since = column.state, state, since
            if before != state:
                column.examples.clear()
                self._tell(column, before, since)

    def _tell(
        self,
        column: WatchedColumn,
        before: State,
        since: float,
        again: ChangedAgain | None = None,
    ) -> None:
        verdict = column.verdict
        assert verdict is not None
        if column.state == "drift" and self.is_muted(column):
            return
        if column.is_derived and "drift" not in (before, column.state):
            return
        side, name = column.key()
        evidence = since, verdict, column.examples, again
        self.changes.append(
            Change(self.name, name, side, before, column.state, *evidence, self.version)
        )
