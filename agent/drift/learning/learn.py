"""Rows to a reference profile: which kind a column is, where its bins lie, how full they are.

Rule: bins are set from a bounded sample, then all rows are counted on them.

Numeric bins are at most `BINS` quantile intervals of the sample, with atoms split off: a value
that is alone more than one bin's share, and each value of a column of at most `BINS` distinct
ones. Below the least and above the greatest value are two bins more, for what is out of range.
Categories are the `BINS` most frequent. A column of texts (long, or nearly all different) gets no
categories: such values are names of people and things, and tell nothing by their share. It gets
numeric bins of its texts' lengths, one of them for the empty. A column of times, which ISO 8601
tells, gets a bin a form (`reference.forms`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from agent.decode.payload import Value
from agent.drift.reference.forms import FORMS, are_times
from agent.drift.reference.lengths import EMPTY, lengths
from agent.drift.reference.private import hidden, looks_private, new_key
from agent.drift.reference.profile import MEASURED, ColumnProfile, Kind, Moments, SideName, pooled
from agent.drift.reference.sketch import (
    INVALID,
    MISSING,
    Floats,
    NumericBins,
    Values,
    category,
    numbers,
)

BINS = 20
"""Quantile bins of a numeric column, and categories kept of another."""
TEXT_LENGTH = 64
"""Characters; a column of longer values on average is text."""
NUMERIC_SHARE = 0.99
"""A column is numeric, or of times, if at least so many of its values are; the rest are invalid."""
_BOOLEAN = ("false", "true")


def shape_of(
    name: str,
    side: SideName,
    sample: Sequence[Value],
    *,
    from_text: bool = False,
    kind: Kind | None = None,
    hide: bool = False,
) -> ColumnProfile:
    """An empty profile: a column's kind and bins by a sample of its values.

    `from_text`: the values come from a format without types, as text (CSV). `kind`: if declared.
    `hide`: categories are hashed, whatever they look like.
    """
    kind = kind or kind_of(sample, from_text=from_text)
    edges = _edges(kind, sample) if kind in MEASURED else None
    categories = None if kind in MEASURED else _categories(kind, sample)
    size = len(edges if edges is not None else categories or ()) + 1
    shape = ColumnProfile(name, side, kind, [0] * size, 0, 0, edges, categories)
    return guarded(shape, always=hide) if kind == "categorical" else shape


def guarded(column: ColumnProfile, *, always: bool = False) -> ColumnProfile:
    """The same with its categories hashed, if one of them looks private."""
    names = column.categories or []
    if not always and not any(map(looks_private, names)):
        return column
    key = new_key()
    return msgspec.structs.replace(column, categories=hidden(names, key), key=key)


class ColumnBuilder:
    """Counts a column's rows on the bins of `shape`."""

    def __init__(self, shape: ColumnProfile) -> None:
        self._shape = shape
        self._bins = shape.bins()
        self._counts = np.zeros(self._bins.size + 2, dtype=np.int64)
        self._moments: Moments | None = None

    def add(self, values: Values, absent: int = 0) -> None:
        """Counts a batch, and so many rows more that lack the column."""
        if isinstance(self._bins, NumericBins):
            batch = self._bins.numbers(values)
            self._counts += self._bins.count_numbers(batch)
            self._moments = pooled(self._moments, _moments(batch.finite))
        else:
            self._counts += self._bins.count(values)
        self._counts[MISSING] += absent

    def profile(self) -> ColumnProfile:
        """What was counted so far."""
        counts = self._counts.tolist()
        moments = self._moments
        if moments and not all(map(math.isfinite, (moments.mean, moments.m2))):
            moments = None  # values near the largest float: their squares are not numbers
        return msgspec.structs.replace(
            self._shape,
            counts=counts[:MISSING],
            missing=counts[MISSING],
            invalid=counts[INVALID],
            moments=moments,
            correlation=None,  # that of the shape's own rows
        )


def kind_of(values: Sequence[Value], *, from_text: bool = False) -> Kind:
    """The kind of a column with these values; text if there are none."""
    present = [value for value in values if value is not None]
    if not present:
        return "text"
    if all(isinstance(v, bool) or (from_text and _is_boolean_text(v)) for v in present):
        return "boolean"
    numeric = sum(_is_number(value, from_text) for value in present)
    if numeric >= NUMERIC_SHARE * len(present):
        return "numeric"
    if are_times(present, NUMERIC_SHARE):
        return "timestamp"
    names = [category(value) for value in present]
    distinct = len(set(names))
    long = sum(map(len, names)) > TEXT_LENGTH * len(names)
    return "text" if long or (distinct > BINS and 2 * distinct > len(names)) else "categorical"


def numeric_edges(finite: Floats) -> list[float]:
    """Edges of the bins of these numbers; none if there are no numbers."""
    if not len(finite):
        return []
    values, counts = np.unique(finite, return_counts=True)
    if len(values) <= BINS:
        atoms = values
        quantiles = values[:0]
    else:
        atoms = values[counts * BINS > len(finite)]
        rest = finite[~np.isin(finite, atoms)]
        parts = BINS - len(atoms)
        # inverted_cdf: an edge is a value that was seen, so the bin `<= edge` has its exact share.
        quantiles = np.quantile(rest, np.arange(1, parts) / parts, method="inverted_cdf")
    with np.errstate(over="ignore"):  # before the least float is -inf, which is dropped
        before = np.nextafter(np.append(atoms, values[0]), -np.inf)
    edges = np.unique(np.concatenate([quantiles, atoms, before, values[-1:]]))
    return [float(edge) for edge in edges[np.isfinite(edges)]]


def _edges(kind: Kind, values: Sequence[Value]) -> list[float]:
    if kind != "text":
        return numeric_edges(numbers(values).finite)
    edges = numeric_edges(lengths(values).finite)
    return sorted({*edges, *EMPTY}) if edges else []


def _categories(kind: Kind, values: Sequence[Value]) -> list[str]:
    if kind == "boolean":
        return list(_BOOLEAN)
    if kind == "timestamp":
        return list(FORMS)
    names = Counter(category(value) for value in values if value is not None)
    most = sorted(names.items(), key=lambda item: (-item[1], item[0]))[:BINS]
    return [name for name, _ in most]


def _moments(finite: Floats) -> Moments | None:
    if not len(finite):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(finite.mean())
        m2 = float(np.square(finite - mean).sum())
    return Moments(len(finite), float(finite.min()), float(finite.max()), mean, m2)


def _is_number(value: Value, from_text: bool) -> bool:
    if not isinstance(value, str):
        return True
    if not from_text:
        return False  # "94110" in JSON is a name that somebody quoted on purpose
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_boolean_text(value: Value) -> bool:
    return isinstance(value, str) and value.lower() in _BOOLEAN
