"""A whylogs profile, as `profile.view().write()` and its writers make it (a `.bin` file).

Rule: bytes in, columns out. whylogs itself is not needed, which wants NumPy before 2.0: its file
is protobuf about sketches of Apache DataSketches, and both are read here.

Numbers come as a KLL sketch of the values, categories as a frequent-items sketch: counts of those
are the least that whylogs is sure of, the rest is `other`.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

import numpy as np

from agent.drift.imports import bins
from agent.drift.imports.sketches import Frequent, Quantiles, frequent, quantiles
from agent.drift.imports.wire import WireError, delimited, entries, fields, varint
from agent.drift.learning.learn import BINS, NUMERIC_SHARE
from agent.drift.reference.profile import MAX_COUNT, ColumnProfile, Moments, ProfileError
from agent.drift.reference.sketch import category

MAGIC = b"WHY1"
_REMEDY = "write it again with whylogs 1.x: why.log(frame).view().write(path)"
_SEGMENTS = 1
_COLUMNS, _PATHS = 2, 5
_COMPONENTS = 1
_INTEGER, _DOUBLE, _FREQUENT, _KLL = 2, 3, 4, 6
"""Fields of its messages: segment header, profile header, chunk, component."""


_FRACTIONAL = re.compile(r"-?\d+\.\d{6}")
"""How whylogs names a fractional number among texts."""


class Parts(NamedTuple):
    """A column's metric components by their path, such as `counts/n`."""

    name: str
    integers: dict[str, int]
    doubles: dict[str, float]
    sketches: dict[str, bytes]

    def count(self, path: str) -> int:
        found = self.integers.get(path, 0)
        if found > MAX_COUNT:
            raise WireError(f"counts {found} at {path}")
        return found


def columns(raw: bytes, source: str) -> tuple[int, list[ColumnProfile], list[str]]:
    """Rows, columns and notes. Raises ProfileError."""
    where = "file"
    found: list[ColumnProfile] = []
    notes: list[str] = []
    try:
        for name, parts in _read(raw).items():
            where = f"columns.{name}"
            column, note = _column(parts)
            found.append(column)
            notes += [f"{name}: {note}"] if note else []
    except (WireError, UnicodeDecodeError) as problem:
        value = f"{len(raw)} bytes"
        raise ProfileError(source, where, value, f"is damaged: {problem}", _REMEDY) from None
    return max((column.rows for column in found), default=0), found, notes


def _read(raw: bytes) -> dict[str, Parts]:
    segments, place = delimited(raw, len(MAGIC))
    if any(number == _SEGMENTS and value for number, value, _ in fields(segments)):
        raise WireError("has segments; write the whole profile, or one segment's")
    header, begin = delimited(raw, place)
    paths = {key: path.decode().partition(":")[0] for key, _, path in entries(header, _PATHS)}
    found: dict[str, Parts] = {}
    for _, name, offsets in entries(header, _COLUMNS):
        parts = found[name.decode()] = Parts(name.decode(), {}, {}, {})
        for offset in _offsets(offsets):
            _add(raw, begin + offset, paths, parts)
    return found


def _offsets(message: bytes) -> list[int]:
    """A packed list of integers, or its items one by one."""
    found: list[int] = []
    for _, number, packed in fields(message):
        place = 0
        if not packed:
            found.append(number)
        while place < len(packed):
            number, place = varint(packed, place)
            found.append(number)
    return found


def _add(raw: bytes, place: int, paths: dict[int, str], parts: Parts) -> None:
    """Reads the chunk at `place`: a header that says its length, and the components."""
    header, begin = delimited(raw, place)
    length = next((value for number, value, _ in fields(header) if number == 3), 0)
    chunk = raw[begin : begin + length]
    if len(chunk) < length:
        raise WireError(f"ends within {length} bytes that begin at byte {begin}")
    for key, _, component in entries(chunk, _COMPONENTS):
        path = paths.get(key, "")
        for number, value, content in fields(component):
            if number == _INTEGER:
                parts.integers[path] = value
            elif number == _DOUBLE and len(content) == 8:
                (parts.doubles[path],) = struct.unpack("<d", content)
            elif number in (_FREQUENT, _KLL):
                sketch = next((inner for one, _, inner in fields(content) if one == 1), b"")
                parts.sketches[path] = sketch


def _column(parts: Parts) -> tuple[ColumnProfile, str]:
    """A column, and a note on it or nothing."""
    rows = parts.count("counts/n")
    missing = parts.count("counts/null")
    present = rows - missing
    if present < 0:
        raise WireError(f"has {missing} nulls in {rows} rows")
    numbers = parts.count("types/integral") + parts.count("types/fractional")
    if present and numbers >= NUMERIC_SHARE * present:
        return _numeric(parts, present, missing)
    booleans, true = parts.count("types/boolean"), parts.count("counts/true")
    if present and booleans == present and true <= present:
        seen = {"false": present - true, "true": true}
        return bins.categorical(parts.name, missing, present, seen, distinct=2), ""
    sketch = parts.sketches.get("frequent_items/frequent_strings")
    found = frequent(sketch) if sketch else None
    return _texts(parts.name, present, missing, _renamed(parts, found))


def _renamed(parts: Parts, found: Frequent | None) -> Frequent | None:
    """Numbers and booleans among texts named as `sketch.category` names them."""
    if found is None or parts.count("types/string") == found.n:
        return found
    least: dict[str, int] = {}
    for text, count in found.least.items():
        name = category(float(text)) if _FRACTIONAL.fullmatch(text) else text
        name = name.lower() if name in ("True", "False") else name
        least[name] = least.get(name, 0) + count
    return found._replace(least=least)


def _numeric(parts: Parts, present: int, missing: int) -> tuple[ColumnProfile, str]:
    sketch = parts.sketches.get("distribution/kll")
    if sketch is None:
        raise WireError("has numbers, but no distribution/kll")
    found = _exact(parts, quantiles(sketch), present)
    finite = np.isfinite(found.values)
    infinite = min(parts.count("counts/inf"), present)
    if infinite == present:
        return ColumnProfile(parts.name, "input", "numeric", [0], missing, present, []), ""
    if not finite.any():
        raise WireError("has numbers, but no finite one in distribution/kll")
    counted = min(found.n - infinite, present - infinite)
    if counted <= 0:
        raise WireError(f"has {present} values, {infinite} of them infinite, {found.n} in its KLL")
    values, weights = found.values[finite], found.weights[finite]
    is_bounded = np.isfinite([found.low, found.high]).all() and found.low <= found.high
    low = found.low if is_bounded else float(values.min())
    high = found.high if is_bounded else float(values.max())
    edges, counts = bins.from_weighted(values, weights, low, high, counted)
    moments = None if infinite else _moments(parts, found)
    column = ColumnProfile(
        parts.name, "input", "numeric", counts, missing, present - counted, edges, moments=moments
    )
    return column, ""


def _exact(parts: Parts, found: Quantiles, present: int) -> Quantiles:
    """Of a column of few integers the frequent items are all there is, and exact."""
    sketch = parts.sketches.get("frequent_items/frequent_strings")
    items = frequent(sketch) if sketch else None
    if items is None or items.error or sum(items.least.values()) != present:
        return found
    if parts.count("types/integral") != present or len(items.least) > BINS:
        return found
    try:
        values = np.array([float(int(text)) for text in items.least])
    except (ValueError, OverflowError):
        return found
    weights = np.array(list(items.least.values()), dtype=np.float64)
    return found._replace(values=values, weights=weights)


def _moments(parts: Parts, found: Quantiles) -> Moments | None:
    mean, m2 = parts.doubles.get("distribution/mean"), parts.doubles.get("distribution/m2")
    if mean is None or m2 is None or not np.isfinite([mean, m2]).all() or m2 < 0:
        return None
    return Moments(found.n, found.low, found.high, mean, m2)


def _texts(
    name: str, present: int, missing: int, found: Frequent | None
) -> tuple[ColumnProfile, str]:
    least = found.least if found is not None else {}
    sure = sum(least.values())
    if sure > present:
        raise WireError(f"has {present} values, but {sure} frequent ones")
    if found is None or (found.error and 2 * sure < present):
        column = bins.categorical(name, missing, present, {}, distinct=0)
        return column, "more different texts than whylogs keeps: taken for free text" * (
            found is not None
        )
    note = f"each category was seen up to {found.error} times more" if found.error else ""
    distinct = BINS if found.error else len(least)
    return bins.categorical(name, missing, present, least, distinct=distinct), note
