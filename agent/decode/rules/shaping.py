"""Columns as a route's rules want them: renamed, with more of them, without some.

Rule: in this order: names, extra columns, what is ignored. Rows stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec.structs import replace

from agent.decode.payload import MAX_CELLS, MAX_NAME, Columns, Payload, Value, cut
from agent.decode.rules.places import Places, Unfound
from agent.decode.rules.walk import Steps
from agent.settings.expressions import Ignored, Place

_PLAIN = frozenset((float, int, bool, type(None)))
_KINDS = 16
"""Sets of names for which it is remembered what is ignored."""

NotFound = dict[str, str]
"""Names of rules that found nothing, and why; for people."""


def other_names(columns: Columns, names: Mapping[str, str]) -> Columns:
    """The same under other names; a column whose new name another has already keeps its own."""
    if names.keys().isdisjoint(columns):
        return columns
    taken = set(columns) - names.keys()
    found = {
        name if names.get(name, name) in taken else names.get(name, name): values
        for name, values in columns.items()
    }
    return found if len(found) == len(columns) else columns


def names_at(places: Places, of_request: bool, steps: Steps) -> tuple[str, ...]:
    """Names that a document says, or none. A list of them is one for each."""
    try:
        found = places.along(of_request, steps)
    except Unfound:
        return ()
    if len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    names = tuple(name[:MAX_NAME] for name in found if isinstance(name, str))
    return names if len(set(names)) == len(found) else ()


def extended(
    payload: Payload, extra: Mapping[str, Place], places: Places
) -> tuple[Payload, NotFound]:
    """With the extra columns; a value for each row, or the one for all.

    A column of the answer's document is an output. What is not there is a missing value. Over
    MAX_CELLS a column is left out, and counted.
    """
    inputs, outputs, unfound = dict(payload.inputs), dict(payload.outputs), NotFound()
    left_out = payload.left_out
    for name, place in extra.items():
        is_output = place.of == "response"
        side, rows = (outputs, payload.output_rows) if is_output else (inputs, payload.rows)
        if (len(side) + 1) * rows > MAX_CELLS:
            unfound[name] = "bounds"
            left_out += rows
            continue
        values: Sequence[Value] = ()
        try:
            values = _for_rows(places.at(place, payload.inputs, payload.outputs), rows)
            if not values:
                unfound[name] = "type"
        except Unfound as problem:
            unfound[name] = problem.why
        if rows:
            side[name] = values or [None] * rows
    return replace(payload, inputs=inputs, outputs=outputs, left_out=left_out), unfound


def _for_rows(found: Sequence[object], rows: int) -> Sequence[Value]:
    """A value a row, or nothing."""
    if len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    if len(found) not in (1, rows):
        return ()
    values: list[Value] = []
    for value in found:
        if type(value) in _PLAIN:
            values.append(value)  # type: ignore[arg-type]
        elif isinstance(value, str):
            values.append(cut(value))
        else:
            return ()
    return values if len(values) == rows else values * rows


class Unwanted:
    """Names of columns of one side that are ignored."""

    def __init__(self, ignored: Sequence[Ignored], side: str) -> None:
        """`side`: input or output."""
        patterns = [one.pattern for one in ignored if one.pattern and one.of in ("", side)]
        self._pattern = re.compile("|".join(patterns)) if patterns else None
        self._kept = lru_cache(maxsize=_KINDS)(self._find)

    def without(self, columns: Columns) -> Columns:
        """The columns that are not ignored."""
        if self._pattern is None or not columns:
            return columns
        kept = self._kept(tuple(columns))
        return columns if kept is None else {name: columns[name] for name in kept}

    def _find(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        """Those that are kept; None: all."""
        assert self._pattern is not None
        kept = tuple(name for name in names if not self._pattern.match(name))
        return None if len(kept) == len(names) else kept
