"""Apache DataSketches' sketches, read from their bytes.

Rule: pure. Bytes that are none are a `WireError`. Little-endian, by the C++ library's form of
`kll_sketch<double>` and `frequent_items_sketch<string>`; whylogs has both from there.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np

from agent.drift.imports.wire import WireError
from agent.drift.reference.sketch import Floats

_KLL, _FREQUENT = 15, 10
"""Families."""
_EMPTY, _SINGLE = 1, 4
"""Flags of KLL."""


class Quantiles(NamedTuple):
    """A KLL sketch: a sample of values, each standing for `weights` of the `n` that were seen."""

    n: int
    low: float
    high: float
    values: Floats
    weights: Floats


class Frequent(NamedTuple):
    """A frequent-items sketch: texts with the least that they were seen."""

    n: int
    error: int
    """How much more often each may have been seen; texts seen no more than so are left out."""
    least: dict[str, int]


def quantiles(data: bytes) -> Quantiles:
    """Raises WireError."""
    ints, flags = _preamble(data, _KLL)
    if flags & _EMPTY:
        return Quantiles(0, 0.0, 0.0, np.empty(0), np.empty(0))
    if flags & _SINGLE:
        (value,) = _unpack("<d", data, 8)
        return Quantiles(1, value, value, np.array([value]), np.ones(1))
    (n,) = _unpack("<Q", data, 8)
    (levels,) = _unpack("<B", data, 18)
    begins = _unpack(f"<{levels}I", data, 4 * ints)
    place = 4 * ints + 4 * levels
    low, high = _unpack("<2d", data, place)
    values = np.frombuffer(data[place + 16 :], dtype="<f8", count=(len(data) - place - 16) // 8)
    sizes = np.diff([*begins, (begins[0] if begins else 0) + len(values)])
    if not levels or levels > 60 or (sizes < 0).any():
        raise WireError("is a KLL sketch whose levels do not fit")
    weights = np.repeat(np.exp2(np.arange(levels)), sizes)
    if weights.sum() != n:
        raise WireError(f"is a KLL sketch of {n} values whose weights are {weights.sum():.0f}")
    return Quantiles(n, low, high, values.astype(np.float64), weights)


def frequent(data: bytes) -> Frequent:
    """Raises WireError."""
    longs, _ = _preamble(data, _FREQUENT)
    if longs == 1:
        return Frequent(0, 0, {})
    (active,) = _unpack("<I", data, 8)
    n, error = _unpack("<2Q", data, 16)
    if 8 * active > len(data):
        raise WireError(f"is a sketch of {active} texts in {len(data)} bytes")
    least: dict[str, int] = {}
    place = 32 + 8 * active
    for count in _unpack(f"<{active}Q", data, 32):
        (length,) = _unpack("<I", data, place)
        text = data[place + 4 : place + 4 + length]
        if len(text) < length:
            raise WireError("is a sketch that ends within a text")
        place += 4 + length
        least[text.decode("utf-8", "replace")] = count
    if sum(least.values()) > n:
        raise WireError(f"is a sketch of {n} texts that counts {sum(least.values())}")
    return Frequent(n, error, least)


def _preamble(data: bytes, family: int) -> tuple[int, int]:
    """Its length in the family's unit, and its flags."""
    if len(data) < 8 or data[2] != family:
        raise WireError(f"is no sketch of family {family}")
    return data[0] & 0x3F, data[3 if family == _KLL else 5]


def _unpack(form: str, data: bytes, place: int) -> tuple[Any, ...]:
    try:
        return struct.unpack_from(form, data, place)
    except struct.error:
        raise WireError(f"is a sketch of {len(data)} bytes, which end too early") from None
