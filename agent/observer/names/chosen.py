"""Which names columns get that came without: by the reference, or by what the server told.

Rule: a reference goes before the server, as its columns are those that are judged. What could be
meant in two ways is left as it is, and the status says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from agent.decode.payload import Columns
from agent.decode.rules.routes import are_numbered
from agent.drift.reference.derived import CONFIDENCE
from agent.drift.reference.profile import Profile, SideName

Source = Literal["request or config", "reference", "server", "nobody"]


class Chosen(Struct, frozen=True):
    """The names of a side's columns in order (empty: as they came), from where, and why."""

    names: tuple[str, ...]
    source: Source
    why: str


_OWN = Chosen((), "request or config", "")


def chosen(
    side: SideName,
    columns: Columns,
    reference: Profile | None,
    told: Sequence[str],
    is_fresh: bool,
) -> Chosen:
    """`told`: by the server. `is_fresh`: whether it told them before any row was passed on."""
    if not columns or not are_numbered(columns):
        return _OWN
    if reference is not None:
        return _by_reference(side, columns, reference, told, is_fresh)
    if not told:
        return _nobody("")
    if len(told) != len(columns):
        return _nobody(f"the server names {len(told)} columns, there are {len(columns)}")
    if not is_fresh:
        return _nobody("the server told them after rows had been passed on; restart outrider")
    return Chosen(tuple(told), "server", "")


def _by_reference(
    side: SideName, columns: Columns, reference: Profile, told: Sequence[str], is_fresh: bool
) -> Chosen:
    names = {c.name for c in reference.columns if c.side == side and c.name != CONFIDENCE}
    if any(vector.side == side for vector in reference.vectors):
        return _nobody("the reference has them as a vector")
    if not names.isdisjoint(columns):
        return _nobody("the reference has them without names too")
    order = getattr(reference.order, side) if reference.order else ()
    if len(order) == len(columns) == len(names):
        return Chosen(tuple(order), "reference", f"the order of columns in {reference.short_hash}")
    if len(told) == len(columns) and (is_fresh or names.issuperset(told)):
        return Chosen(tuple(told), "server", "")
    if len(names) != len(columns):
        return _nobody(f"the reference has {len(names)} columns, there are {len(columns)}")
    return _nobody(
        "the reference does not say in which order its columns stood; build it anew of a file "
        "whose columns stand as the model takes them, or set `columns` of the route"
    )


def _nobody(why: str) -> Chosen:
    return Chosen((), "nobody", why)
