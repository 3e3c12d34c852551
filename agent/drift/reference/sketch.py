"""Counts of a column's values over the fixed bins of its reference.

Rule: integers on fixed bins. Two sketches of one column merge by adding, exactly, in any order
and any split into batches, across windows, processes and machines.

A numeric column's bins are the intervals `(edge[i-1], edge[i]]`, open at both ends; a single
value that is a bin of its own (an atom) is the interval between the float before it and itself,
so one binary search serves all. The outermost edges are the float before the reference's least
value and its greatest value, so the first and the last bin are what lies out of range.
A categorical column's bins are its known categories and `other`; they may be known by keyed hashes
only (`reference.private`). Texts are counted by their lengths (`reference.lengths`), times by
their form (`reference.forms`).
After the bins come two more counts: missing, and invalid (not finite, or not a number).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from agent.decode.payload import Value
from agent.drift.reference.coded import Coded
from agent.drift.reference.private import Hasher

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Values = Sequence[Value] | Floats
"""A column of some rows. In an array, as files of numbers give them, NaN stands for missing."""

MISSING, INVALID = -2, -1
"""Places of the two extra counts."""


class Bins(Protocol):
    """Turns a batch of values into counts of `size + 2` places."""

    size: int

    def count(self, values: Values) -> Ints: ...


class Numbers(NamedTuple):
    """The numbers among a batch of values, and how many were none."""

    finite: Floats
    missing: int
    invalid: int
    at: npt.NDArray[np.bool_] | None = None
    """Which of the batch are finite; None: all."""


def numbers(values: Values) -> Numbers:
    """Finite numbers of a batch; text that reads as a number is one, as it is to most servers."""
    if isinstance(values, np.ndarray):
        return _numbers_of_array(values)
    if isinstance(values, Coded):
        values = list(values)
    try:
        array = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        array = np.array([_number(value) for value in values], dtype=np.float64)
    good = np.isfinite(array)
    if good.all():
        return Numbers(array, 0, 0)
    finite = array[good]
    missing = values.count(None)
    return Numbers(finite, missing, len(array) - len(finite) - missing, good)


def _numbers_of_array(array: Floats) -> Numbers:
    good = np.isfinite(array)
    finite = array[good]
    missing = int(np.isnan(array).sum()) if len(finite) < len(array) else 0
    return Numbers(finite, missing, len(array) - len(finite) - missing, good)


def _number(value: Value) -> float:
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


class NumericBins:
    """Intervals `(edge[i-1], edge[i]]`; `edges` increase strictly and are finite."""

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = np.array(edges, dtype=np.float64)
        self.size = len(edges) + 1

    def count(self, values: Values) -> Ints:
        """Counts of a batch, `size + 2` of them. Measured: 0.03 µs a value, batches of 1,000."""
        return self.count_numbers(self.numbers(values))

    def numbers(self, values: Values) -> Numbers:
        """What is counted of a batch: the values themselves."""
        return numbers(values)

    def count_numbers(self, batch: Numbers) -> Ints:
        """The same of a batch already converted."""
        return self.count_places(batch, self.places(batch.finite))

    def count_places(self, batch: Numbers, places: Ints) -> Ints:
        """The same of a batch whose `places` are known."""
        counts = np.bincount(places, minlength=self.size + 2)
        counts[MISSING], counts[INVALID] = batch.missing, batch.invalid
        return counts

    def places(self, finite: Floats) -> Ints:
        """The bin of each number."""
        return self.edges.searchsorted(finite, side="left")


class CategoryBins:
    """Known categories, then `other`; with a `key` the categories are known by their hashes."""

    def __init__(self, categories: Sequence[str], *, boolean: bool = False, key: str = "") -> None:
        index = {name: i for i, name in enumerate(categories)}
        self._boolean = boolean
        if boolean:
            for name, number in (("false", "0"), ("true", "1")):
                place = index.get(name, len(categories))
                index |= dict.fromkeys((name.title(), name.upper(), number), place)
        self._other = len(categories)
        self._names: _Names = _Hidden(index, key) if key else index
        self._places = None if key else _Places(index.items(), self._names, self._other)
        self.size = len(categories) + 1

    def count(self, values: Values) -> Ints:
        """Counts of a batch, `size + 2` of them.

        Measured, in batches of 1,000: 0.04 µs a value; with a key 0.8 µs more for each distinct
        value that is none of the categories.
        """
        counts = np.zeros(self.size + 2, dtype=np.int64)
        place, other = self._names.get, self._other
        found = tally(values) if self._boolean else distinct(values)
        for value, times in found.items():
            if value is None:
                counts[MISSING] += times
            else:
                counts[place(category(value), other)] += times
        return counts

    def count_places(self, places: Ints) -> Ints:
        """The same of values whose `places` are known."""
        return np.bincount(places, minlength=self.size + 2)

    def places(self, values: Values) -> Ints:
        """The bin of each value; `size` where it is missing."""
        places = self._places
        if places is None:  # of this batch alone, so that it is bounded and hashes a name once
            places = _BatchPlaces((), self._names, self._other)
        if isinstance(values, Coded):
            of_names = np.array([places[name] for name in values.names], dtype=np.int64)
            return of_names[values.codes]
        return np.array([*map(places.__getitem__, listed(values))], dtype=np.int64)


class _Names(Protocol):
    """Finds the place of a category by its name."""

    def get(self, name: str, other: int, /) -> int: ...


class _Hidden:
    """The places of names that are known by their hashes; it keeps the names that it found."""

    def __init__(self, hashes: Mapping[str, int], key: str) -> None:
        self._hashes = hashes
        self._hash = Hasher(key)
        self._found: dict[str, int] = {}

    def get(self, name: str, other: int, /) -> int:
        place = self._found.get(name)
        if place is None:
            place = self._hashes.get(self._hash(name))
            if place is None:
                return other
            self._found[name] = place
        return place


class _Places(dict[Value, int]):
    """The place of a value; those of categories by name are looked up, which is most."""

    def __init__(self, known: Iterable[tuple[Value, int]], names: _Names, other: int) -> None:
        super().__init__(known)
        self._names = names
        self._other = other
        self[None] = other + 1

    def __missing__(self, value: Value) -> int:
        return self._names.get(category(value), self._other)


class _BatchPlaces(_Places):
    """The same, which keeps what it found."""

    def __missing__(self, value: Value) -> int:
        place = super().__missing__(value)
        if isinstance(value, str):  # to a dict True is 1
            self[value] = place
        return place


def listed(values: Values) -> list[Value]:
    """A batch as no array, whose NaN is None."""
    if not isinstance(values, np.ndarray):
        return list(values)
    return [None if value != value else value for value in values.tolist()]


def distinct(values: Values) -> Mapping[Value, int]:
    """How often each value is there, True told from 1, which to a dict are the same."""
    found = tally(values)
    if (0 in found or 1 in found) and bool in set(map(type, values)):
        return Counter(None if value is None else category(value) for value in values)
    return found


def tally(values: Values) -> Mapping[Value, int]:
    """How often each value is there; an array's NaN is None."""
    if isinstance(values, Coded):
        return values.tally()
    if not isinstance(values, np.ndarray):
        return Counter(values)
    found, times = np.unique(values, return_counts=True)
    return dict(zip(listed(found), times.tolist(), strict=True))


def category(value: Value) -> str:
    """The name of a value as a category: the same from JSON as from CSV."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
