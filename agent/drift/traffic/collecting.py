"""The period of a learned reference: its windows' counts until it is over, then the reference.

Rule: bins are those of the first rows, counts those of the period. No window is judged by a
reference that it is in: until the period is over the first rows are what is judged by, and
everything that comes after is judged by the period, which is then frozen.

Days without a row do not count, so that an outage makes the period longer and not emptier.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from agent.drift.engine.history import History
from agent.drift.engine.natural import DAY, HOUR, is_long_enough
from agent.drift.learning.period import of_period, recounted, varied_columns, width_of
from agent.drift.reference.profile import ColumnProfile, Profile
from agent.drift.reference.sketch import Ints
from agent.drift.reference.variation import varies
from agent.drift.settings import Settings

SLOT = 300.0
"""Seconds of a slot of the history, and more where windows are longer."""
MAX_BYTES = 8 << 20
"""Of a model's history: four weeks of slots of 10 minutes for 20 columns of 25 counts."""
PROVISIONAL = 0.5
"""Standard deviations: the least effect that alarms before the period is over, as hours of day and
days of the week are not told from drift till then."""
NAMED = 5
"""Columns."""


class Collecting:
    """The windows of a model since its reference was learned."""

    def __init__(
        self, reference: Profile, seconds: float, window_seconds: float, least_effect: float = 0.0
    ) -> None:
        """`seconds`: of the period; `window_seconds`: the longest that a window lasts;
        `least_effect`: less alarms only when the period is over."""
        self.reference = reference
        self.seconds = seconds
        self.least_effect = least_effect
        slot = min(max(SLOT, window_seconds), HOUR)
        self.history = History(width_of(reference), slot, MAX_BYTES)
        self._steps: Iterator[tuple[ColumnProfile, float]] | None = None
        self._done: list[tuple[ColumnProfile, float]] = []
        self._whole = reference

    def add(self, at: float, windows: Sequence[Ints]) -> None:
        """A window about this time: of each of the reference's judged columns its counts.

        What follows them is of derived columns that were dropped, and come again.
        """
        if self._steps is None:
            whole = np.concatenate(windows)
            self.history.add(at, whole[: width_of(self.reference)])

    def drop_derived(self) -> None:
        """Derived columns are not counted any more: the reference will be without them."""
        if self.reference.derived is not None:
            self.reference = msgspec.structs.replace(self.reference, derived=None)
            self.history.narrow(width_of(self.reference))
            self._steps = None
            self._done = []

    def begin_again(self) -> None:
        """Forgets what was collected: it is not normal any more."""
        self.history = History(width_of(self.reference), self.history.seconds, MAX_BYTES)
        self._steps = None
        self._done = []

    def days(self) -> float:
        """How much of the period there is, in days; those without a row are left out."""
        slots = self.history.slots()
        if not len(slots.places):
            return 0.0
        times = (slots.places - slots.places[0]) * slots.seconds
        seen = np.unique(times // DAY)
        return float(len(seen) - 1 + (times[-1] + slots.seconds) / DAY - seen[-1])

    @property
    def is_over(self) -> bool:
        """Whether the period is known."""
        period = self.history.period()
        if period is None or period.ended - period.began < self.seconds:
            return False
        return self.days() * DAY >= self.seconds and is_long_enough(self.history.slots())

    def step(self) -> Profile | None:
        """Once the period is over a part of the work, a column's; when all is done the reference.

        For each second: a column takes some hundredths of one.
        """
        if self._steps is None:
            if not self.is_over:
                return None
            self._whole = recounted(self.reference, self.history)
            self._steps = varied_columns(self._whole, self.history)
        step = next(self._steps, None)
        if step is None:
            return of_period(self._whole, self.history, self._done)
        self._done.append(step)
        return None

    def told(self) -> str:
        """How far it is, for people."""
        days, of = self.days(), self.seconds / DAY
        return f"learning its variation: day {min(math.floor(days) + 1, math.ceil(of))} of {of:g}"


def collecting(reference: Profile, source: str, settings: Settings) -> Collecting | None:
    """For a reference that was learned of first rows, if it shall be of a period; else None."""
    seconds = settings.learn_period
    if seconds is None or source != "learned" or reference.period is not None:
        return None
    least = 0.0 if settings.natural_variation == "off" else PROVISIONAL
    return Collecting(reference, seconds, settings.window_seconds, least)


def told_of(reference: Profile) -> str:
    """For the log: that the period is over, and what it showed."""
    period = reference.period
    assert period is not None
    days = (period.ended - period.began) / DAY
    varying = sum(varies(column.variation) for column in reference.columns)
    said = (
        f"the reference is now that of {days:.1f} days, {reference.rows} rows; {varying} of "
        f"{len(reference.columns)} columns vary by themselves; verdicts begin anew"
    )
    if period.changed:
        said += f". It changed meanwhile, in {named(period.changed)}: both are taken as normal"
    return said


def named(names: Sequence[str]) -> str:
    """The first few of them."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
