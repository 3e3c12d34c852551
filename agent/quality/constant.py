"""An output that has stopped to vary, while the inputs have not.

Rule: judged against the output's own history. A run of one value is a finding when

- its share in the history would make so long a run a chance of less than CHANCE, if rows were
  independent; and, as they are not, it is LONGER times as long as any run before;
- so many of its rows had *different* inputs, by those that were looked at;
- it has varied CHANGES times: a setting that is told in each answer changes once in a while;
- the value is an inner one: two predictions of a continuous output are never the same by chance.
  The least and the greatest value, whole numbers and classes may be all that there is to say for
  hours (no sun, no fraud): these count only while the inputs are like before.

A model that never varied is known by `Beginning`: its whole answer, a fraction among it that is not
called like a setting, is the same for FIRST_ROWS rows.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from agent.decode.payload import Value
from agent.quality.batch import Batch, Floats, evenly
from agent.quality.frequent import KEPT, Frequent
from agent.quality.inputs import Inputs

CHANCE = 1e-6
LONGER = 5
LEAST_SHARE = 0.01
"""Of a value, whatever its history says."""
HISTORY = 1000
"""Rows that must have been seen before a run."""
CHANGES = 10
"""Of the value, before a run."""
FRACTIONS, OTHERS = 200, 1000
"""Rows of different inputs that a run must have at least: of a fraction; of a class or a whole
number."""
INPUTS = 50
"""Different inputs that must have been seen among those that were looked at."""
SUSPECT = 50
"""Rows of a run from which on its inputs are looked at."""
SAMPLE = 64
"""Rows of a batch whose inputs are."""
MAX_INPUTS = 4096
COUNTED = 128
"""Values of a batch that are counted."""
FIRST_ROWS, FIRST_INPUTS = 500, 50
SETTING = re.compile(r"thresh|cut_?off|limit|version|level|margin|tolerance|quantile", re.I)
"""Names of fractions that may be the same for good."""


class Constant:
    """Of one output."""

    def __init__(self) -> None:
        self.value: Value = None
        """Of the run in progress."""
        self.rows = 0
        self.is_stuck = False
        self._inputs: set[int] = set()
        self._looked = 0
        """Rows whose inputs were looked at."""
        self._longest = 0
        self._changes = 0
        self._history = Frequent()
        self._least, self._greatest = math.inf, -math.inf

    def see(self, values: Floats | Sequence[Value], batch: Batch, inputs: Inputs) -> bool:
        """Takes a batch's; whether the run in progress is a finding."""
        column = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
        changes = np.flatnonzero(column[1:] != column[:-1]) + 1
        ends = [*changes.tolist(), len(column)]
        first = column[0].item() if isinstance(values, np.ndarray) else column[0]
        self._changes += len(ends) - 1
        if self.rows and first != self.value:
            self._changes += 1
            self._close(self.rows)
            self.rows = 0
        if len(ends) > 1:
            runs = np.diff([0, *ends])
            self._close(self.rows)
            longest = max(self.rows + int(runs[0]), int(runs[1:-1].max(initial=0)))
            self._longest = max(self._longest, longest)
            self._count(column[: ends[-2]])
            self.rows = 0
        begin = ends[-2] if len(ends) > 1 else 0
        self.value = column[begin].item() if isinstance(values, np.ndarray) else column[begin]
        self.rows += len(column) - begin
        if self.rows >= SUSPECT and self._has_varied:
            self._look(batch, begin)
        self.is_stuck = self._judge(inputs)
        return self.is_stuck

    @property
    def _has_varied(self) -> bool:
        """Whether there is a history against which a run can be judged."""
        return self._history.total >= HISTORY and self._changes >= CHANGES

    def _close(self, rows: int) -> None:
        """The run in progress is over."""
        if rows:
            self._longest = max(self._longest, rows)
            if not isinstance(self.value, float) or math.isfinite(self.value):
                self._history.add({self.value: float(rows)})
                self._bound(self.value)
        self._inputs.clear()
        self._looked = 0

    def _bound(self, value: Value) -> None:
        if isinstance(value, (int, float)):
            self._least, self._greatest = min(self._least, value), max(self._greatest, value)

    def _count(self, column: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
        some = column[:: max(1, -(-len(column) // COUNTED))]
        weight = len(column) / len(some)
        if column.dtype == object:
            self._history.add({v: n * weight for v, n in Counter(some.tolist()).items()})
            return
        finite = some[np.isfinite(some)]
        if not len(finite):
            return
        unique, counts = np.unique(finite, return_counts=True)
        self._bound(float(unique[0]))
        self._bound(float(unique[-1]))
        if len(unique) > KEPT and counts.max() == 1:
            self._history.singles(len(column), weight)
        else:
            self._history.add(dict(zip(unique.tolist(), (counts * weight).tolist(), strict=True)))

    def _look(self, batch: Batch, begin: int) -> None:
        """At the inputs of the run in this batch."""
        if len(self._inputs) < MAX_INPUTS:
            rows = batch.rows - begin
            places = evenly(rows, SAMPLE)
            self._looked += len(places)
            self._inputs.update(key for n in places if (key := batch.key(begin + n)) is not None)

    def _judge(self, inputs: Inputs) -> bool:
        if self.rows < FRACTIONS or not self._has_varied or self.value is None:
            return False
        if self.rows < LONGER * self._longest:
            return False
        inner = is_fraction(self.value) and self._least < self.value < self._greatest  # type: ignore[operator]
        share = max(LEAST_SHARE, self._history.most(self.value))
        if share >= 1:
            return False
        least = FRACTIONS if is_fraction(self.value) else OTHERS
        needed = max(least, math.log(CHANCE) / math.log(share))
        different = len(self._inputs)
        if different < INPUTS or self.rows * different < needed * self._looked:
            return False
        return inner or inputs.are_alike()


class Beginning:
    """Of whole answers, as long as they have never varied."""

    def __init__(self) -> None:
        self.is_over = False
        self._first: Hashable = None
        self._rows = 0
        self._inputs: set[int] = set()

    def see(self, batch: Batch, columns: Mapping[str, Floats | Sequence[Value]]) -> bool:
        """Takes a batch's, by name; whether it is a finding that nothing ever varied."""
        first = tuple([column[0] for column in columns.values()])
        if self._first is None:
            self._first = first
        same = first == self._first and all(map(_is_same, columns.values()))
        told = [value for name, value in zip(columns, first, strict=True) if _is_told(name)]
        if not same or not any(map(is_fraction, told)):
            self.is_over = True
            self._inputs.clear()
            return False
        self._rows += batch.rows
        if len(self._inputs) < FIRST_INPUTS:
            keys = {batch.key(row) for row in evenly(batch.rows, SAMPLE)}
            self._inputs |= {key for key in keys if key is not None}
        return self._rows >= FIRST_ROWS and len(self._inputs) >= FIRST_INPUTS


def _is_told(name: str) -> bool:
    return SETTING.search(name) is None


def _is_same(column: Floats | Sequence[Value]) -> bool:
    if isinstance(column, np.ndarray):
        return bool((column == column[0]).all())
    return column.count(column[0]) == len(column)


def is_fraction(value: object) -> bool:
    """Whether it is a finite number that is not whole."""
    return isinstance(value, float) and math.isfinite(value) and not value.is_integer()
