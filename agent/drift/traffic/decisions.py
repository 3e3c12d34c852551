"""What people decided about a model's alarms and reference, as it is kept and shown.

Rule: plain data, and what follows from it for a reference; nothing here judges or writes.

A renewal replaces one column of the reference by the counts of the recent windows on the same
bins. It holds for the reference it was made on: another reference is another decision.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct, field

from agent.drift.reference.profile import ColumnProfile, SideName

FORMAT = 1
Key = tuple[SideName, str]
"""A column: its side and its name."""


class Mute(Struct, frozen=True):
    """The alarm of a column is known and not news before `until`. Times in epoch seconds."""

    side: SideName
    column: str
    until: float
    at: float
    by: str
    note: str


class Renewal(Struct, frozen=True):
    """What came lately is a column's new normal."""

    side: SideName
    column: str
    at: float
    by: str
    note: str
    before: ColumnProfile
    now: ColumnProfile
    caveat: str = ""


class Published(Struct, frozen=True):
    """A reference that was put in by hand, in the place of the configured one."""

    at: float
    by: str
    note: str
    hash: str
    before: str
    """Hash of the reference that the settings name, empty if they name none: once they name
    another one, that is the newer decision."""


class Decisions(Struct):
    """All of one model, in one version."""

    format: int = FORMAT
    model: str = ""
    version: str = ""
    base: str = ""
    """Hash of the reference that the renewals were made on."""
    published: Published | None = None
    mutes: list[Mute] = field(default_factory=list)
    renewals: list[Renewal] = field(default_factory=list)

    def muted(self, key: Key) -> Mute | None:
        """The mute of a column."""
        for mute in self.mutes:
            if (mute.side, mute.column) == key:
                return mute
        return None

    def end_mutes(self, now: float) -> set[Key]:
        """Drops those that are over; the columns that they were of."""
        over = [mute for mute in self.mutes if mute.until <= now]
        self.mutes = [mute for mute in self.mutes if mute.until > now]
        return {(mute.side, mute.column) for mute in over}

    def renewed(self, key: Key) -> Renewal | None:
        """The renewal of a column."""
        for renewal in self.renewals:
            if (renewal.side, renewal.column) == key:
                return renewal
        return None

    def mute(self, mutes: Iterable[Mute]) -> None:
        """Adds them, in the place of older ones of the same columns."""
        new = list(mutes)
        keys = {(mute.side, mute.column) for mute in new}
        self.mutes = [m for m in self.mutes if (m.side, m.column) not in keys] + new

    def renew(self, renewals: Iterable[Renewal]) -> None:
        """Adds them; of a column renewed before, the first `before` stays the one to go back to."""
        for new in renewals:
            old = self.renewed((new.side, new.column))
            if old is not None:
                self.renewals.remove(old)
                new = msgspec.structs.replace(new, before=old.before)
            self.renewals.append(new)

    def revert(self, keys: Iterable[Key]) -> tuple[list[Mute], list[Renewal]]:
        """Takes back what was decided of these columns, and gives it."""
        wanted = set(keys)
        mutes = [m for m in self.mutes if (m.side, m.column) in wanted]
        renewals = [r for r in self.renewals if (r.side, r.column) in wanted]
        self.mutes = [m for m in self.mutes if m not in mutes]
        self.renewals = [r for r in self.renewals if r not in renewals]
        return mutes, renewals
