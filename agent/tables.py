"""The ledger's tables as arrays, for who reads all of them often.

Rule: reads and keeps nothing; numpy is not for the workers, so this is not in `agent.regions`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agent.ledger import KEY_BYTES, Table

_WORD = 8
"""Bytes."""
_KEY = 1 + KEY_BYTES // _WORD
"""Words before a row's fields."""


def used(table: Table, known: int) -> int:
    """Rows in use, `known` or more; those beyond are not looked at, so that they need no memory."""
    words, stride = table.words, table.stride
    while known < table.rows and words[known * stride]:
        known += 1
    return known


def words(table: Table, rows: int) -> npt.NDArray[np.uint64]:
    """The fields of so many rows as unsigned integers, a row each, without its key."""
    whole = np.frombuffer(table.words, dtype=np.uint64, count=rows * table.stride)
    return whole.reshape(rows, table.stride)[:, _KEY:]


def floats(table: Table, rows: int) -> npt.NDArray[np.float64]:
    """The same as doubles."""
    return words(table, rows).view(np.float64)
