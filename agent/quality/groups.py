"""Which outputs belong together, by their names; and what they are, by their values.

Rule: names propose, values decide, once, on the first LEARN rows: a group is `probabilities` if
nearly all of its rows sum to one, `scores` (independent ones, of labels) if it is called so and
all are shares, else nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from agent.quality.batch import Batch, Floats, Mask

LEARN = 100
MOST = 0.99
"""Of the first rows that must be so."""
SUM_WITHIN = 1e-3
"""Of 1, to be taken for probabilities."""
DEPARTS = 0.01
"""From 1: a finding."""
HUNDREDTH = 0.01
"""Whole ones are rounded: each may be half of one off."""
MAX_GROUPS = 8
MAX_MEMBERS = 128
"""Wider groups are embeddings or cost more than they tell: they are not looked at."""
ROW = "output"
"""The name of a group without one."""

Kind = Literal["", "probabilities", "scores", "confidence"]

_SCORED = re.compile(r"score|prob|confidence", re.I)
_STEMS = (
    re.compile(r"(?P<stem>.*)-\d+\.(?:score|prob\w*|confidence)"),
    re.compile(r"(?P<stem>.*)-\d+"),
    re.compile(r"(?P<stem>.*)\.[^.]*"),
    re.compile(r"(?P<stem>prob\w*?|scores?)_.+"),
)


class Group:
    """Outputs that may be probabilities or scores."""

    def __init__(self, name: str, members: Sequence[str]) -> None:
        self.name = name
        self.members = list(members)
        self.kind: Kind | None = None
        """None: not known yet."""
        self._rows = self._shares = self._sums = 0

    def values(self, batch: Batch) -> Floats | None:
        """As [row, member], whole rows and others; None if a member has no numbers here."""
        found = [batch.numbers(name) for name in self.members]
        known = [column for column in found if column is not None]
        return np.stack(known, axis=1) if len(known) == len(found) else None

    def learn(self, values: Floats) -> None:
        """Takes some more of the first rows."""
        whole = values[np.isfinite(values).all(axis=1)]
        self._rows += len(whole)
        self._shares += int(_are_shares(whole).sum())
        if len(self.members) > 1:
            self._sums += int((np.abs(whole.sum(axis=1) - 1) <= SUM_WITHIN).sum())
        if self._rows >= LEARN:
            self.kind = self._kind()

    def _kind(self) -> Kind:
        most = MOST * self._rows
        if self._shares < most:
            return ""
        if self._sums >= most:
            return "probabilities"
        if not any(map(_SCORED.search, (self.name, *self.members[:1]))):
            return ""
        return "scores" if len(self.members) > 1 else "confidence"


def _are_shares(rows: Floats) -> Mask:
    return np.asarray(((rows >= -SUM_WITHIN) & (rows <= 1 + SUM_WITHIN)).all(axis=1))


def departs(values: Floats) -> Mask:
    """Rows of probabilities that are none: their sum is not one, or one is no share."""
    whole = np.isfinite(values).all(axis=1)
    rounded = (np.abs(values - values.round(2)) < HUNDREDTH * 1e-6).all(axis=1)
    most = np.where(rounded, max(DEPARTS, values.shape[1] * HUNDREDTH / 2), DEPARTS) + 1e-9
    apart = np.abs(values.sum(axis=1, where=np.isfinite(values)) - 1) > most
    outside = ((values < -DEPARTS) | (values > 1 + DEPARTS)).any(axis=1)
    found: Mask = whole & (apart | outside)
    return found


def groups_of(names: Iterable[str], numeric: Iterable[str]) -> list[Group]:
    """Those that the names propose: numbered and dotted ones, and all that have neither."""
    stems: defaultdict[str, list[str]] = defaultdict(list)
    plain: list[str] = []
    kept = set(numeric)
    for name in names:
        if name in kept:
            stem = _stem(name)
            (plain if stem is None else stems[stem]).append(name)
    found = [Group(stem or ROW, members) for stem, members in stems.items() if len(members) > 1]
    if len(plain) > 1:
        found.append(Group(ROW, plain))
    found += [Group(name, [name]) for name in plain if _SCORED.search(name)]
    return [group for group in found if len(group.members) <= MAX_MEMBERS][:MAX_GROUPS]


def _stem(name: str) -> str | None:
    for pattern in _STEMS:
        if found := pattern.fullmatch(name):
            return found["stem"]
    return None
