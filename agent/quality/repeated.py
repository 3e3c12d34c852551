"""The same answer to different inputs, far more often than ever before: a fallback, a default.

Rule: judged against the answers' own history, in windows of WINDOW rows. An answer is a finding
that made up less than RARE of all answers and makes up more than OFTEN in two windows in
succession, to different inputs that are, all in all, like those before. Trees repeat themselves,
and rounded answers too: that is their history. Whole numbers and the least and greatest value,
where answers are cut off, are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from agent.quality.batch import Batch, Floats, Mask, evenly
from agent.quality.constant import is_fraction
from agent.quality.frequent import Frequent
from agent.quality.inputs import Inputs

WINDOW = 256
SAMPLE = 128
"""Rows of a batch that are counted."""
RARE, OFTEN = 0.02, 0.3
HISTORY = 8 * WINDOW
INPUTS = 50
"""Different ones, in a window."""
LOOKED_AT = 64
"""Rows of a batch whose inputs are."""

Answer = tuple[float, ...]


class Repeated:
    """Of answers of one kind."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        """The one that is a finding."""
        self._window: Counter[Answer] = Counter()
        self._rows = 0
        self._inputs: dict[Answer, set[int]] = {}
        self._suspect: Answer | None = None
        """Of the window before."""
        self._held_back: Counter[Answer] = Counter()
        """That window's counts."""
        self._history = Frequent()
        self._least = self._greatest = np.zeros(0)

    def see(self, batch: Batch, columns: Sequence[Floats], inputs: Inputs) -> Mask | None:
        """Takes a batch's columns; the rows that are a finding, or None."""
        places = evenly(batch.rows, SAMPLE)
        answers = [*zip(*[column[:: places.step].tolist() for column in columns], strict=True)]
        self._window.update(answers)
        self._rows += len(answers)
        [(most, count)] = self._window.most_common(1)
        if count > OFTEN / 2 * self._rows and self._is_odd(most):
            self._look(batch, most, [n for n, a in zip(places, answers, strict=True) if a == most])
        if self._rows >= WINDOW:
            self._end(most, count, inputs)
        if self.answer is None:
            return None
        same = [column == value for column, value in zip(columns, self.answer, strict=True)]
        found: Mask = np.logical_and.reduce(same)
        return found if found.any() else None

    def _is_odd(self, answer: Answer) -> bool:
        if self._history.total < HISTORY or not any(map(is_fraction, answer)):
            return False
        if self._history.most(answer) > RARE:
            return False
        if len(answer) > 1:
            return True
        return bool(self._least[0] < answer[0] < self._greatest[0])

    def _look(self, batch: Batch, answer: Answer, rows: Sequence[int]) -> None:
        seen = self._inputs.setdefault(answer, set())
        if len(seen) < INPUTS:
            keys = {batch.key(rows[n]) for n in evenly(len(rows), LOOKED_AT)}
            seen |= {key for key in keys if key is not None}

    def _end(self, most: Answer, count: int, inputs: Inputs) -> None:
        """Of a window."""
        varied = len(self._inputs.get(most, ())) >= INPUTS
        is_odd = OFTEN * self._rows <= count < self._rows and varied and self._is_odd(most)
        window, self._window = self._window, Counter()
        self._inputs.clear()
        self._rows = 0
        if is_odd and inputs.are_alike():
            self.answer = most if self._suspect == most else None
            if self._suspect != most:
                self._release()
                self._suspect, self._held_back = most, window
            return
        self._release()
        self.answer = None
        self._keep(window)

    def _release(self) -> None:
        """The window held back was like any."""
        if self.answer is None and self._held_back:
            self._keep(self._held_back)
        self._suspect, self._held_back = None, Counter()

    def _keep(self, window: Counter[Answer]) -> None:
        self._history.add({answer: float(count) for answer, count in window.items()})
        values = np.array([*window], dtype=np.float64)
        least, greatest = np.fmin.reduce(values), np.fmax.reduce(values)
        if not len(self._least):
            self._least, self._greatest = least, greatest
        self._least = np.fmin(self._least, least)
        self._greatest = np.fmax(self._greatest, greatest)
