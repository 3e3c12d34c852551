"""What came of one push, as far as it decides what happens next.

Rule: a sink translates its protocol's answers into these four and knows nothing of retries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import NamedTuple, Protocol

from agent.ship.queue import Record


class Verdict(Enum):
    OK = "ok"
    """Delivered; `Outcome.rejected` units of it were refused by the receiver all the same."""
    RETRY = "retry"
    """Not delivered; the same batch may succeed later, not before `Outcome.after` seconds."""
    REJECT = "reject"
    """Refused as a whole: sending it again would be refused again."""
    SPLIT = "split"
    """Refused for some of its records: find them by halving the batch."""


class Outcome(NamedTuple):
    """One push's result."""

    verdict: Verdict
    reason: str = ""
    """For people, short."""
    after: float | None = None
    """Seconds that the receiver asked to wait, if it did."""
    rejected: int = 0
    """Units refused in a batch that was otherwise accepted."""


OK = Outcome(Verdict.OK)


def retry(reason: str, after: float | None = None) -> Outcome:
    return Outcome(Verdict.RETRY, reason, after)


def reject(reason: str) -> Outcome:
    return Outcome(Verdict.REJECT, reason)


class Sink(Protocol):
    """A receiver: how a batch is encoded for it, sent, and its answer read."""

    async def push(self, batch: Sequence[Record]) -> Outcome:
        """Sends one batch, once. Raises nothing but on a fault of its own."""

    async def close(self) -> None:
        """Ends connections."""


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds from a Retry-After field: a number or a date; None if absent or unreadable.

    `now` in seconds since the epoch.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _until(value, now)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _until(date: str, now: float) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except (TypeError, ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(when.timestamp() - now, 0.0)
