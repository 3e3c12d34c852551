"""Two profiles of one column on the bins that they share.

Rule: pure, and exact: a bin of either profile lies wholly in one shared bin, so nothing is
estimated. Numeric bins share the edges that both have; categories are told apart where the counts
of both are known: a profile that has no rows in `other` knows that all other names have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from agent.drift.reference.private import hidden
from agent.drift.reference.profile import ColumnProfile

OTHER_KEY = "hashed with another key: build it with --like the first"


class Shared(NamedTuple):
    """Both on the same bins."""

    a: ColumnProfile
    b: ColumnProfile
    whole_a: ColumnProfile
    whole_b: ColumnProfile
    """As they are in their files."""
    is_whole: bool
    """No bins were given up."""
    note: str = ""
    """What cannot be compared, and why."""


def shared(a: ColumnProfile, b: ColumnProfile) -> Shared:
    """Of one kind."""
    if a.edges is not None and b.edges is not None:
        return _numeric(a, b, a.edges, b.edges)
    return _named(a, b)


def _numeric(
    a: ColumnProfile, b: ColumnProfile, of_a: Sequence[float], of_b: Sequence[float]
) -> Shared:
    if list(of_a) == list(of_b):
        return Shared(a, b, a, b, is_whole=True)
    common = sorted({*of_a} & {*of_b})
    note = f"other bins: {len(common)} of {len(of_a)} edges shared"
    return Shared(_coarser(a, of_a, common), _coarser(b, of_b, common), a, b, False, note)


def _coarser(
    column: ColumnProfile, edges: Sequence[float], common: Sequence[float]
) -> ColumnProfile:
    """The column on fewer edges, all of them among its own."""
    places = np.append(np.searchsorted(common, edges), len(common)).astype(np.int64)
    counts = np.bincount(places, column.counts, len(common) + 1).astype(np.int64)
    return msgspec.structs.replace(
        column, edges=list(common), counts=counts.tolist(), variation=None
    )


def _named(a: ColumnProfile, b: ColumnProfile) -> Shared:
    names_a, names_b = list(a.categories or ()), list(b.categories or ())
    if a.key and b.key and a.key != b.key:
        return Shared(_named_by(a, {}, []), _named_by(b, {}, []), a, b, False, OTHER_KEY)
    if a.key and not b.key:
        names_b = hidden(names_b, a.key)
    elif b.key and not a.key:
        names_a = hidden(names_a, b.key)
    if names_a == names_b:
        return Shared(a, b, a, b, is_whole=True)
    of_a = dict(zip(names_a, a.counts, strict=False))
    of_b = dict(zip(names_b, b.counts, strict=False))
    common = [name for name in of_a if name in of_b or not b.counts[-1]]
    common += [name for name in of_b if name not in of_a and not a.counts[-1]]
    lost = len({*of_a, *of_b}) - len(common)
    note = f"{lost} categories that one of both does not know are compared as one" if lost else ""
    return Shared(_named_by(a, of_a, common), _named_by(b, of_b, common), a, b, not lost, note)


def _named_by(
    column: ColumnProfile, counts: dict[str, int], common: Sequence[str]
) -> ColumnProfile:
    kept = [counts.get(name, 0) for name in common]
    rest = sum(column.counts) - sum(kept)
    return msgspec.structs.replace(
        column, categories=list(common), counts=[*kept, rest], variation=None
    )
