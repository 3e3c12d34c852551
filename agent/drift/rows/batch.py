"""Some rows of a file as named columns, whatever its format.

Rule: a column may be shorter than the batch only by being absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from agent.decode.payload import MAX_NAME
from agent.drift.reference.sketch import Values

BATCH = 5000
"""Rows read at once, of every format: moments of equal rows are then equal to the last digit."""

Told = Callable[[float], object]
"""Hears how much of a file is read, 0 to 1."""


class TableError(Exception):
    """A file of rows that cannot be read."""


class Batch(NamedTuple):
    """Some rows."""

    columns: Mapping[str, Values]
    rows: int


def quietly(_: float) -> None:
    """Tells nobody how much is read."""


def unique(path: Path, where: str, names: Iterable[str]) -> list[str]:
    """The names, cut as those in traffic are. Raises TableError if two are the same then."""
    cut = [name[:MAX_NAME] for name in names]
    for name in cut:
        if cut.count(name) > 1:
            raise TableError(f"{path}: {where} names a column twice: {name!r}; rename one")
    return cut
