"""Predictions that are none: NaN, infinite, or null.

Rule: a row whose every output is NaN or infinite is a finding at once. All else may be a habit (a
column that is filled sometimes, a model that abstains): it is one if it is more than it was in the
first LEARN rows; null alone from the start if most rows have nothing else. Where lists are of any
length null in them may be the end of a shorter one, and is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from agent.quality.batch import Batch, Mask, evenly
from agent.quality.rate import Rate

LEARN = 200
FEWEST = 20
"""Rows of nothing but null that are a finding before anything else was seen."""
MAX_COLUMNS = 64
"""That are all looked at."""
SPREAD = 16
"""Of more these, evenly spread: a vector that is NaN mostly is so everywhere."""
_OF_LIST = re.compile(r"-\d+(?=$|[.-])")
"""In the name of an output that is, or is in, an item of a list."""
WHOLE = ""
"""The name under which rows without any output are counted."""


class Missing:
    """Of the answers of one kind."""

    def __init__(self) -> None:
        self._rates: dict[str, Rate] = {}
        self._rows = 0
        self._width = 0
        """Outputs of the first batch."""
        self._is_ragged = False
        """Whether lists have been longer or shorter than others."""

    def examine(self, batch: Batch) -> tuple[Mask, str] | None:
        """The rows of a batch that are a finding, and in which column; None: there is none."""
        names = batch.names
        self._see_width(batch)
        most = MAX_COLUMNS if len(names) <= MAX_COLUMNS else SPREAD
        looked = [names[n] for n in evenly(len(names), most)]
        bad = {name: hit for name in looked if (hit := _bad(batch, name)) is not None}
        found = self._judge(batch, bad, len(looked)) if bad else None
        for name, rate in self._rates.items():
            if name not in bad and (name != WHOLE or not bad):
                rate.see(0, batch.rows)
        self._rows += batch.rows
        return found

    def _judge(self, batch: Batch, bad: dict[str, Mask], columns: int) -> tuple[Mask, str] | None:
        found = np.zeros(batch.rows, dtype=np.bool_)
        where = ""
        if len(bad) == columns:
            whole = np.logical_and.reduce(list(bad.values()))
            nothing = whole & ~_is_null(batch, bad)
            if nothing.any():
                found |= nothing
                where = next(iter(bad))
            null = whole & ~nothing
            if self._is_news(WHOLE, null) or self._never(null):
                found |= null
                where = where or next(iter(bad))
        elif WHOLE in self._rates:
            self._rates[WHOLE].see(0, batch.rows)
        for name, bad_rows in bad.items():
            hit = bad_rows
            if self._is_ragged and _OF_LIST.search(name):
                hit = bad_rows & ~_is_null(batch, (name,))
            if columns > 1 and self._is_news(name, hit):
                found |= hit
                where = where or name
        return (found, where) if found.any() else None

    def _see_width(self, batch: Batch) -> None:
        width = len(batch.names)
        self._width = self._width or width
        if not self._is_ragged:
            self._is_ragged = width != self._width or any(
                len(payload.outputs) != width for payload in batch.payloads
            )

    def _is_news(self, name: str, hit: Mask) -> bool:
        rate = self._rates.get(name)
        if rate is None:
            if len(self._rates) > MAX_COLUMNS:
                return False
            rate = self._rates[name] = Rate(LEARN)
            rate.rows = self._rows  # until now it was never so
        return rate.see(int(hit.sum()), len(hit), forgiven=1)

    def _never(self, null: Mask) -> bool:
        """Whether most rows since the beginning had no prediction."""
        rate = self._rates.get(WHOLE)
        known = rate is not None and rate.rows >= FEWEST and rate.is_usual
        return known and bool(null.any())


def _bad(batch: Batch, name: str) -> Mask | None:
    """Rows without a value or with one that is no finite number; None: there is none."""
    numbers = batch.numbers(name)
    if numbers is None:
        values = batch.column(name)
        return np.array([v is None for v in values]) if None in values else None
    finite = np.isfinite(numbers)
    return None if finite.all() else ~finite


def _is_null(batch: Batch, names: Iterable[str]) -> Mask:
    """Rows all of these outputs of which are null."""
    found = np.ones(batch.rows, dtype=np.bool_)
    for name in names:
        found &= np.array([value is None for value in batch.column(name)])
    return found
