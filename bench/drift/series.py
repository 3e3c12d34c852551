"""A history cut into windows, and its shuffled twin in which nothing drifts.

Rule: pure; rows stay whole: what belonged to one row still does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.drift.data import Generator

Columns = dict[str, list[Any]]


class Part(NamedTuple):
    """Rows in order, by column."""

    inputs: Columns
    outputs: Columns
    at: list[str] | None
    """When each row was, ISO 8601."""

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, places: Sequence[int]) -> Part:
        """These rows, in this order."""
        inputs, outputs = (
            {name: [values[i] for i in places] for name, values in side.items()}
            for side in (self.inputs, self.outputs)
        )
        return Part(inputs, outputs, self.at and [self.at[i] for i in places])

    def columns(self) -> Columns:
        """Of both sides."""
        return self.inputs | self.outputs

    def rows(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Of each row what is asked and what was answered."""
        for i in range(len(self)):
            yield (
                {name: values[i] for name, values in self.inputs.items()},
                {name: values[i] for name, values in self.outputs.items()},
            )


class History(NamedTuple):
    """What was before, and what came then, in whole windows of `size` rows."""

    reference: Part
    analysis: Part
    size: int

    @property
    def windows(self) -> list[Part]:
        """In order."""
        return [
            self.analysis.take(range(at, at + self.size))
            for at in range(0, len(self.analysis), self.size)
        ]


def spaced(rows: int, wanted: int) -> list[int]:
    """Places of `wanted` rows of so many, evenly spaced from the first to the last, in order."""
    return np.linspace(0, rows - 1, wanted).round().astype(int).tolist() if wanted else []


def cut(reference: Part, analysis: Part, size: int, most: int) -> History:
    """At most `most` windows: of a longer history every so many rows, over its whole length."""
    windows = min(most, len(analysis) // size)
    whole = windows * size
    places = spaced(len(analysis), whole) if windows == most else list(range(whole))
    return History(reference, analysis.take(places), size)


def shuffled(history: History, rng: Generator) -> History:
    """The same rows before and after, by lot; without times."""
    before, after = history.reference, history.analysis

    def joined(new: Columns, old: Columns) -> Columns:
        return {name: values + old[name] for name, values in new.items()}

    inputs, outputs = joined(after.inputs, before.inputs), joined(after.outputs, before.outputs)
    pool = Part(inputs, outputs, None)
    order = rng.permutation(len(pool)).tolist()
    return History(pool.take(order[len(after) :]), pool.take(order[: len(after)]), history.size)


def first(said: Sequence[Sequence[str]]) -> int | None:
    """The first window, from 1, in which a column is said to drift."""
    return next((i for i, columns in enumerate(said, 1) if columns), None)
