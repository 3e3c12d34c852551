"""The columns that `--columns` names.

Rule: a name that fits none is an error, so that no typing mistake looks like an empty profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from agent.drift.rows.table import TableError


class Named(Protocol):
    """Anything of a column."""

    @property
    def name(self) -> str: ...


Any = TypeVar("Any", bound=Named)


def chosen(columns: Sequence[Any], names: Sequence[str] | None, where: str) -> list[Any]:
    """Those that are named, or fit a pattern such as `addr_*`. Raises TableError."""
    if not names:
        return list(columns)
    found = [c for c in columns if any(c.name == n or fnmatchcase(c.name, n) for n in names)]
    for name in names:
        if not any(c.name == name or fnmatchcase(c.name, name) for c in found):
            raise TableError(f"{where} has no column {name}")
    return found
