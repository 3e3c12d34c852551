"""Relations that change while each column stays: rows, through what is derived of them.

The same 20 columns, but that two of the normal ones go together, before and after otherwise. No
rule that looks at a column by itself can see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from agent.drift.derived.derivation import Derivation
from agent.drift.derived.fit import derived_of
from agent.drift.derived.scores import Scorer
from agent.drift.derived.watch import SHARE
from agent.drift.engine.chart import Chart
from agent.drift.learning.learn import ColumnBuilder, shape_of
from agent.drift.reference.profile import Profile, make
from agent.drift.reference.sketch import Values
from bench.drift.changes import BEFORE, Delay, awaited
from bench.drift.data import COLUMNS, Generator
from bench.drift.ours import MONTH, REFERENCE, SECONDS, Window, push

CHANGES = {
    "correlation 0.9 to 0": (0.9, 0.0),
    "correlation 0.5 to -0.5": (0.5, -0.5),
    "correlation 0 to 0.8": (0.0, 0.8),
    "correlation 0 to 0.3": (0.0, 0.3),
}
"""Of the columns of PAIR: before and after."""
PAIR = ("normal0", "normal1")


def delays(change: str, rows: int, cap: int, seeds: Sequence[int]) -> list[Delay]:
    """Each seed with a reference of its own; `named`: one of the pair is among the first."""
    before, after = CHANGES[change]
    return [
        one
        for seed in seeds
        for one in _delay(np.random.default_rng([seed, rows, 19]), before, after, rows, cap)
    ]


def _delay(rng: Generator, before: float, after: float, rows: int, cap: int) -> list[Delay]:
    counter = _Counter(_reference(rng, before))
    for number, window in enumerate(counter.windows(rng, rows, before, BEFORE)):
        push(counter.chart, window, number * SECONDS)
    windows = counter.windows(rng, rows, after, cap)
    return awaited(counter.chart, windows, 1, counter.pair)


def _drawn(rng: Generator, rows: int, correlation: float) -> dict[str, Values]:
    drawn: dict[str, Values] = {name: source.rows(rng, rows) for name, source in COLUMNS}
    first, second = rng.normal(size=(2, rows))
    drawn[PAIR[0]] = first
    drawn[PAIR[1]] = correlation * first + np.sqrt(1 - correlation**2) * second
    return drawn


def _reference(rng: Generator, correlation: float) -> Profile:
    rows = {name: list(v) for name, v in _drawn(rng, REFERENCE, correlation).items()}
    columns = []
    for name, values in rows.items():
        builder = ColumnBuilder(shape_of(name, "input", values))
        builder.add(values)
        columns.append(builder.profile())
    return derived_of(make("", REFERENCE, columns), rows, {}, REFERENCE, None)


class _Counter:
    """Counts the derived columns of windows, as a model's watch does, and has their chart."""

    def __init__(self, profile: Profile) -> None:
        derived = profile.derived
        assert derived is not None
        bins = {column.name: column.bins() for column in profile.columns}
        self._derivation = Derivation(derived)
        self._scorers = [(one.name, Scorer(bins[one.name], one.scores)) for one in derived.inputs]
        self.chart = Chart(
            self._derivation.profiles(), false_alarms=1 / MONTH, share=SHARE, min_effect=0.0
        )
        self.pair = {
            place for place, (_, i) in enumerate(self._derivation.places)
            if self._derivation.inputs[i] in PAIR
        }  # fmt: skip

    def windows(
        self, rng: Generator, rows: int, correlation: float, count: int
    ) -> Iterator[Window]:
        derivation = self._derivation
        for _ in range(count):
            drawn = _drawn(rng, rows, correlation)
            scores = np.stack([scorer.of(drawn[name]) for name, scorer in self._scorers])
            counts = np.zeros((len(derivation.places), len(derivation.derived.edges) + 3), int)
            for begin in range(0, rows, derivation.rows_at_once):
                part = scores[:, begin : begin + derivation.rows_at_once]
                counts[:, :-2] += derivation.counts(part, None)
            yield Window(counts.ravel(), SECONDS)
