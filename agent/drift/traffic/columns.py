"""One side of a model's traffic, inputs or outputs: buffers of values, then counts.

Rule: adding is an append; counting happens in batches.

A row that lacks a column counts as missing there. That costs nothing while rows come in: it is
the rows of the side less the values of the column, taken when the buffer is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from agent.decode.payload import MAX_COLUMNS, MAX_NUMBERED, Columns, Value
from agent.drift.derived.confidence import Classifier
from agent.drift.derived.scores import NO_SCORES, Scorer, Scores
from agent.drift.engine.verdict import Baseline, State, Verdict
from agent.drift.reference.derived import CONFIDENCE
from agent.drift.reference.profile import ColumnProfile, SideName
from agent.drift.reference.sketch import MISSING, CategoryBins, Ints, NumericBins, Values
from agent.drift.reference.vectors import Vector
from agent.drift.traffic.batches import Batches, Request, counts_of
from agent.drift.traffic.decisions import Key
from agent.drift.traffic.examples import SHOWN, Example, Remembered, Row, find
from agent.drift.vectors.build import coordinates, with_views
from agent.drift.vectors.groups import MIN_SIZE
from agent.drift.vectors.projector import Projector
from agent.drift.vectors.sums import Sums

MAX_FILLED = 1 << 19
"""Cells of a buffer that are filled to align a late column; a later one is left out."""
MAX_UNEXPECTED = 100
"""Names kept of columns that the reference has not."""


class Buffers(dict[str, list[Value]]):
    """A list a column, made when first named; those over `most` share one that is dropped."""

    def __init__(self, most: int = MAX_COLUMNS) -> None:
        super().__init__()
        self.most = most
        self.overflow: list[Value] = []
        self.rows_before = 0
        """Rows that a column lacks which comes late."""

    def __missing__(self, name: str) -> list[Value]:
        if len(self) >= self.most or self.rows_before * len(self) > MAX_FILLED:
            return self.overflow
        return self.setdefault(name, [None] * self.rows_before)

    def fill(self, rows: int) -> None:
        """Makes all columns as long."""
        for values in self.values():
            values.extend([None] * (rows - len(values)))


class WatchedColumn:
    """A column of the reference, and what has been seen of it."""

    __slots__ = (
        "_later",
        "_verdict",
        "base",
        "bins",
        "counts",
        "drifted",
        "evaluated",
        "examples",
        "is_derived",
        "last",
        "level",
        "scorer",
        "scores",
        "seen",
        "since",
        "state",
        "sum",
        "totals",
    )

    def __init__(self, column: ColumnProfile) -> None:
        self.base = Baseline(column)
        self.bins = column.bins()
        self.counts = np.zeros(self.bins.size + 2, dtype=np.int64)
        """Of the present window."""
        self.last = self.counts
        """Of the last one that was judged."""
        self.drifted = self.counts
        """Of all windows after that which raised the alarm: part of it may be from before."""
        self.totals = np.zeros(self.bins.size + 2, dtype=np.int64)
        """Of all windows since the start."""
        self.sum = 0.0
        """Of all finite numbers since the start."""
        self.is_derived = False
        """Computed of rows: it comes when they do, and only its drift is news."""
        self.scorer: Scorer | None = None
        """Set where something is derived of it."""
        self.scores = NO_SCORES
        self.seen = False
        self._verdict: Verdict | None = None
        self._later: Callable[[], Verdict] | None = None
        self.state: State = "insufficient"
        self.since: float | None = None
        """When the window began in which the state became what it is."""
        self.evaluated: float | None = None
        self.level: float | None = None
        self.examples: list[Example] = []
        """Requests in the bins that grew, the newest first; only of a column in drift."""

    def count(self, values: Values, rows: int) -> None:
        """Counts a batch of a side's `rows` rows, of which `values` have this column."""
        if len(values):
            self.seen = True
        if isinstance(self.bins, NumericBins):
            batch = self.bins.numbers(values)
            self.sum += float(batch.finite.sum())
            places = self.bins.places(batch.finite)
            counts = self.bins.count_places(batch, places)
            if self.scorer is not None:
                self.scores = self.scorer.of_numbers(batch, places)
        elif isinstance(self.bins, CategoryBins) and self.scorer is not None:
            places = self.bins.places(values)
            counts = self.bins.count_places(places)
            self.scores = self.scorer.of_places(places)
        else:
            counts = self.bins.count(values)
        counts[MISSING] += max(0, rows - len(values))
        self.counts += counts
        self.totals += counts

    def take_window(self) -> Ints:
        """The counts of its window, which begins anew."""
        counts = self.counts
        self.counts = counts * 0
        if not self.seen:
            counts = self.counts  # a column that never came is a finding, not a drift
        self.last = counts
        return counts

    @property
    def verdict(self) -> Verdict | None:
        """That of the last window; put together when asked for, as few are."""
        if self._later is not None:
            self._verdict, self._later = self._later(), None
        return self._verdict

    def judged(self, later: Callable[[], Verdict], level: float, now: float) -> None:
        """Takes the verdict of another window; without a row of its side nothing is known anew."""
        self._later, self.level = later, level
        if self.last.any():
            self.evaluated = now

    def add(self, counts: Ints) -> None:
        """Adds counts of its bins."""
        self.seen = True
        self.counts[:MISSING] += counts
        self.totals[:MISSING] += counts

    def take_scores(self) -> Scores:
        """Those of the last batch, a row each where the rows are aligned."""
        scores, self.scores = self.scores, NO_SCORES
        return scores

    def finding(self) -> str:
        """What is wrong with the match between reference and traffic, or nothing."""
        if not self.seen:
            name = self.base.column.name
            return (
                f"in the reference as {self.base.column.side}, never in the traffic: if it is "
                f"no feature leave it out, if it is a prediction build with --outputs {name}"
            )
        if self.counts_nothing():
            return "absent from the last window"
        return ""

    def key(self) -> Key:
        """Side and name."""
        return self.base.column.side, self.base.column.name

    def recent(self) -> Ints:
        """Counts of what is the new normal if somebody says so: the windows since the alarm."""
        return self.drifted if self.state == "drift" else self.last

    def excess(self) -> float:
        """How far the last verdict's score is beyond its threshold, as a ratio; 0 without one."""
        verdict = self.verdict
        return (verdict.score or 0.0) / (verdict.threshold or 1.0) if verdict else 0.0

    def look_for_examples(self, remembered: Sequence[Remembered], now: float, alone: bool) -> None:
        """Adds requests of the last window; `alone`: it is the only output."""
        column = self.base.column
        alone = alone and column.side == "output"
        found = find(remembered, column, self.bins, self.last, now, alone)
        self.examples[:] = [*found, *self.examples][:SHOWN]

    def counts_nothing(self) -> bool:
        """Whether each row of the last verdict lacked it."""
        return self.verdict is not None and self.verdict.rows > 0 and self.verdict.missing == 1


class Side:
    """The inputs or the outputs of a model."""

    def __init__(self, name: SideName) -> None:
        self.name = name
        self.buffers = Buffers()
        self.rows = 0
        """In the buffers."""
        self.batches = Batches()
        self.columns: dict[str, WatchedColumn] = {}
        self.unexpected: dict[str, None] = {}
        """Names in the traffic that the reference has not."""
        self.classifier: Classifier | None = None
        """Where outputs are probabilities."""
        self.vectors: list[Projector] = []
        self.sums: list[Sums] = []
        """Of the vectors' coordinates."""
        self.is_aligned = False
        """Whether a row has the same place in each buffer: vectors and what is derived need it."""

    def watch(self, columns: Iterable[ColumnProfile], vectors: Iterable[Vector] = ()) -> None:
        """Begins to count on these bins; what was buffered till now is dropped."""
        self.columns = {c.name: WatchedColumn(c) for c in columns if c.side == self.name}
        self.vectors = [Projector(vector) for vector in vectors if vector.side == self.name]
        self.sums = [Sums(projector.vector) for projector in self.vectors]
        self.is_aligned = bool(self.vectors)
        self.classifier = None
        self.take()
        self.batches = Batches()

    def add(self, columns: Columns, rows: int, sizes: Sequence[int] | None = None) -> None:
        """Appends the values of some rows; `sizes` as in `Payload`."""
        if rows > 1:
            self.batches.add(columns, rows, sizes, self.rows)
        buffers = self.buffers
        if not self.rows and not self.columns:
            self.is_aligned = len(columns) >= MIN_SIZE  # there may be a vector to be learned
            buffers.most = MAX_NUMBERED if self.is_aligned else MAX_COLUMNS
        if self.is_aligned:
            buffers.rows_before = self.rows
        self.rows += rows
        for name, values in columns.items():
            buffers[name].extend(values)
        if self.is_aligned and len(columns) != len(buffers):
            buffers.fill(self.rows)

    def count(self) -> None:
        """Counts what is buffered, and empties it."""
        rows, buffers = self.take()
        if rows:
            self.count_rows(rows, buffers)

    def count_rows(self, rows: int, buffers: Mapping[str, Values]) -> None:
        """Counts so many rows, of which these columns have values."""
        buffers = with_views(self.vectors, buffers, rows)
        columns = self.columns
        plain = [name for name in columns if name != CONFIDENCE]
        if len(plain) == 1 and len(buffers) == 1 and self.name == "output":
            # One prediction here and one there are the same one, whatever each side calls it.
            buffers = dict.fromkeys(plain, next(iter(buffers.values())))
        if self.classifier is not None and CONFIDENCE in columns:
            columns[CONFIDENCE].count(self.classifier.confidence_of(buffers, rows), rows)
        for sums in self.sums:
            sums.add(buffers.pop(coordinates(sums.vector)))
        for name in plain:
            column = columns[name]
            column.count(buffers.pop(name, []), rows)
        for name in buffers:
            if len(self.unexpected) < MAX_UNEXPECTED:
                self.unexpected[name] = None

    def row(self, values: Row) -> Row:
        """A single row with what its vectors become."""
        if not self.vectors or not values:
            return values
        found = with_views(self.vectors, {name: (value,) for name, value in values.items()}, 1)
        for sums in self.sums:
            del found[coordinates(sums.vector)]
        return {name: column[0] for name, column in found.items()}

    def counts_of(self, requests: Sequence[Request]) -> tuple[list[Ints], Ints]:
        """Each column's counts [request, bin]; the rows of each request."""
        bins = {name: column.bins for name, column in self.columns.items()}
        if self.vectors:
            requests = [
                one._replace(columns=with_views(self.vectors, one.columns, one.rows))
                for one in requests
            ]
        return counts_of(bins, requests, alone=len(bins) == 1 and self.name == "output")

    def drop_older_half(self) -> int:
        """Of what is buffered, while no batch of it is judged; returns how many rows."""
        dropped = self.rows // 2
        for values in self.buffers.values():
            del values[: len(values) // 2]
        self.buffers.overflow.clear()
        self.batches = Batches()
        self.rows -= dropped
        return dropped

    def take(self) -> tuple[int, dict[str, list[Value]]]:
        """Rows and buffers, which are empty afterwards."""
        taken = self.rows, dict(self.buffers)
        self.buffers = Buffers(MAX_COLUMNS + sum(sums.vector.size for sums in self.sums))
        self.rows = 0
        return taken


def all_columns(sides: Iterable[Side]) -> Iterable[WatchedColumn]:
    """The watched columns of both sides."""
    return chain.from_iterable(side.columns.values() for side in sides)
