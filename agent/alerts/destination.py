"""What every destination is: how some news are written for it, sent, and its answer read.

Rule: it sends once and knows nothing of retries, limits or what was told before; that is
`telling`'s and `courier`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import aiohttp

from agent.alerts.telling import Item
from agent.ship.http import Answer
from agent.ship.outcome import OK, Outcome, reject, retry, retry_after

PASSING = (401, 403, 404, 408, 410, 425, 429)
"""Statuses that say nothing of what was sent: they pass when the address or token is mended."""


class Destination(Protocol):
    """A receiver."""

    async def push(self, items: Sequence[Item], now: float) -> Outcome:
        """Sends them, once; `now`: seconds since the epoch. Raises on a fault of its own alone."""

    async def close(self) -> None:
        """Ends connections."""


def outcome_of(answer: Answer, now: float) -> Outcome:
    """Of an answer over HTTP."""
    if 200 <= answer.status < 300:
        return OK
    reason = f"status {answer.status}"
    if answer.status in PASSING or answer.status >= 500 or answer.status < 400:
        return retry(reason, retry_after(answer.retry_after, now))
    return reject(reason)


def unreached(error: Exception) -> Outcome:
    """Of one of NETWORK_ERRORS. Its own text is not told: it may have the URL, which is secret."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return retry(f"no connection to {error.host}:{error.port}")
    return retry(type(error).__name__)
