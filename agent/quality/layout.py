"""Answers of one kind, by the names of their outputs: all that is looked for in them.

Rule: never an exception for a payload; what makes no sense for a kind is not asked of it. Of a
language model only the finish reason is read: its other outputs measure a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from agent.decode.payload import Value
from agent.quality.batch import Batch, Floats, Mask, evenly
from agent.quality.confidence import Histograms
from agent.quality.constant import Beginning, Constant, is_fraction
from agent.quality.groups import LEARN, Group, departs, groups_of
from agent.quality.inputs import Inputs
from agent.quality.missing import Missing
from agent.quality.rate import Rate
from agent.quality.repeated import Repeated

MAX_OUTPUTS = 16
"""Columns that are looked at for repetition; of more some evenly spread."""
LANGUAGE = "answer.refusal"
"""An output that only language models have, whatever else they say."""
ERRORS = ("error", "errors", "error.message")
PREDICTED = re.compile(
    r"(.*[._-])?(predict(ion|ions|ed)?|predicted_\w+|class|label|outputs?|result|target)(-\d+)?",
    re.I,
)
"""Names of outputs whose classes are predictions, where there are several outputs."""


class Found(NamedTuple):
    """A finding in some rows of a batch."""

    finding: str
    rows: Mask
    where: str


class Layout:
    """Of answers of one kind."""

    def __init__(self) -> None:
        self.groups: list[Group] | None = None
        """None before the first batch."""
        self.histograms: dict[str, Histograms] = {}
        self._rates: dict[str, Rate] = {}
        self._missing = Missing()
        self._inputs = Inputs()
        self._constants: dict[str, Constant] = {}
        self._beginning = Beginning()
        self._repeated = Repeated()
        self._answer: list[str] = []
        """Names of the numbers that are compared as one answer."""

    def examine(self, batch: Batch) -> Iterator[Found]:
        """Takes rows, at least one; what is wrong with them."""
        if LANGUAGE in batch.names:
            failed = np.array([why == "error" for why in batch.column("finish_reason")])
            if failed.any():
                yield Found("error_body", failed, "finish_reason")
            return
        failed_rows = _errors(batch)
        if failed_rows is not None:
            yield failed_rows
            if failed_rows.rows.all():
                return
        if (missing := self._missing.examine(batch)) is not None:
            yield Found("nan_prediction", *missing)
        yield from self._sums(batch)
        self._inputs.see(batch)
        yield from self._repetition(batch)

    def _sums(self, batch: Batch) -> Iterator[Found]:
        if self.groups is None:
            self.groups = groups_of(batch.names, batch.numeric(batch.names))
        for group in self.groups:
            if group.kind == "":
                continue
            values = group.values(batch)
            if values is None:
                if group.kind is None:
                    self.groups = None  # a text was taken for a number that was missing
                    return
                continue
            if group.kind is None:
                group.learn(values)
                if not group.kind:
                    continue
            self.histograms.setdefault(group.name, Histograms()).see(group.kind, values)
            if group.kind == "probabilities":
                apart = departs(values)
                rate = self._rates.setdefault(group.name, Rate(LEARN))
                if rate.see(int(apart.sum()), len(apart)):
                    yield Found("probability_sum", apart, group.name)

    def _repetition(self, batch: Batch) -> Iterator[Found]:
        names = [batch.names[n] for n in evenly(len(batch.names), MAX_OUTPUTS)]
        for name in names:
            values = _values(batch, name)
            if not isinstance(values, np.ndarray) and not _is_predicted(name, names):
                continue
            watch = self._constants.setdefault(name, Constant())
            stuck = watch.see(values, batch, self._inputs)
            if stuck and (is_fraction(watch.value) or _is_predicted(name, names)):
                run = np.arange(batch.rows) >= batch.rows - watch.rows
                yield Found("constant_prediction", run, name)
        if not self._beginning.is_over:
            whole = {name: _values(batch, name) for name in names}
            if self._beginning.see(batch, whole):
                everywhere = np.ones(batch.rows, dtype=np.bool_)
                yield Found("constant_prediction", everywhere, names[0])
        found = [batch.numbers(name) for name in self._answer]
        numbers = [column for column in found if column is not None]
        if len(numbers) < max(1, len(self._answer)):
            self._answer, self._repeated = batch.numeric(names), Repeated()
        elif (same := self._repeated.see(batch, numbers, self._inputs)) is not None:
            yield Found("same_output", same, self._answer[0])


def _values(batch: Batch, name: str) -> Floats | Sequence[Value]:
    numbers = batch.numbers(name)
    return batch.column(name) if numbers is None else numbers


def _is_predicted(name: str, names: Sequence[str]) -> bool:
    return len(names) == 1 or PREDICTED.fullmatch(name) is not None


def _errors(batch: Batch) -> Found | None:
    """Rows that have an error's text and nothing else."""
    name = next((name for name in ERRORS if name in batch.names), None)
    if name is None or batch.numbers(name) is not None:
        return None
    rows = np.array([type(value) is str and bool(value.strip()) for value in batch.column(name)])
    for other in batch.names:
        if other not in ERRORS and rows.any():
            rows &= np.array([value is None for value in batch.column(other)])
    return Found("error_body", rows, name) if rows.any() else None
