"""Brings one destination its news: one message at a time, tried again for as long as it takes.

Rule: only the courier decides about time; what is due is `telling`'s. `step` never waits: a message
under way, or a pause after one that failed, lets news come together.

The pause is exponential with full jitter, between a second and five minutes, and not shorter than
the receiver's own Retry-After.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence

from agent.alerts.destination import Destination
from agent.alerts.state import Alert
from agent.alerts.telling import Item, Telling
from agent.ship.outcome import Outcome, Verdict, retry

SENT, RETRIED, REJECTED, FAILED = "sent", "retried", "rejected", "failed"
OUTCOMES = (SENT, RETRIED, REJECTED, FAILED)
"""What becomes of a message: `retried` counts tries; those rejected (by the receiver) or failed (by
a fault of ours) are given up."""
BACKOFF, BACKOFF_CAP = 1.0, 300.0
RETRY_AFTER_CAP = 3600.0
"""Seconds; more is not believed."""


class Courier:
    """Of one destination. Not thread-safe: one loop steps."""

    def __init__(
        self,
        name: str,
        kind: str,
        destination: Destination,
        telling: Telling,
        timeout: float,
        log: logging.Logger,
        *,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`timeout`: seconds for one message; `clock`: seconds since the epoch."""
        self.name, self.kind, self.telling = name, kind, telling
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.away = ""
        """Why the last message did not get through; empty if it did."""
        self.last_error = ""
        """The last of them, and when."""
        self._destination, self._timeout, self._log = destination, timeout, log
        self._clock, self._jitter = clock, jitter
        self._task: asyncio.Task[None] | None = None
        self.settled: Callable[[], object] = int
        """Called when a message was told or given up: what was told is to be kept."""
        self._tries = 0
        self._not_before = 0.0
        """By the loop's clock."""

    def step(self, now: float, alerts: Sequence[Alert]) -> None:
        """Begins to send what is due, in the running loop."""
        loop = asyncio.get_running_loop()
        if self._is_busy() or loop.time() < self._not_before:
            return
        items = self.telling.due(now, alerts)
        if items:
            self._task = loop.create_task(self._send(items), name=f"alerts to {self.name}")

    async def stop(self, now: float, alerts: Sequence[Alert], deadline: float) -> None:
        """Sends what is left, once, for at most `deadline` seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline
        is_free = await self._end(deadline)
        items = self.telling.due(now, alerts, at_once=True)
        if items and is_free:
            self._task = loop.create_task(self._send(items))
            await self._end(until - loop.time())
        await self._destination.close()

    async def _end(self, deadline: float) -> bool:
        """Waits for the message under way; whether it came to its end in time."""
        if self._task is None:
            return True
        await asyncio.wait([self._task], timeout=max(0.0, deadline))
        is_done = self._task.done()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return is_done

    def _is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _send(self, items: Sequence[Item]) -> None:
        outcome = await self._push(items)
        now = self._clock()
        if outcome.verdict is Verdict.RETRY:
            self.counts[RETRIED] += 1
            self._wait(outcome.after)
            self._note(outcome.reason, now)
            return
        self._tries = 0
        self.telling.tell(now, items)
        if outcome.verdict is Verdict.OK:
            self.counts[SENT] += 1
            self._note("", now)
        else:
            self.counts[FAILED if outcome.reason == FAILED else REJECTED] += 1
            self._note(outcome.reason, now)
        self.settled()

    async def _push(self, items: Sequence[Item]) -> Outcome:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._destination.push(items, self._clock())
        except TimeoutError:
            return retry("timeout")
        except Exception:
            # A fault of ours must not be tried for ever; it is counted.
            self._log.exception("alerts cannot be told", extra={"destination": self.name})
            return Outcome(Verdict.REJECT, FAILED)

    def _wait(self, after: float | None) -> None:
        # The exponent is held down so that a day's outage does not make it a huge number.
        longest = min(BACKOFF_CAP, BACKOFF * 2.0 ** min(self._tries, 16))
        wait = BACKOFF + self._jitter() * (longest - BACKOFF)
        if after is not None:
            wait = max(wait, min(after, RETRY_AFTER_CAP))
        self._tries += 1
        self._not_before = asyncio.get_running_loop().time() + wait

    def _note(self, trouble: str, now: float) -> None:
        """Says once that the destination takes nothing, and once that it does again."""
        extra = {"destination": self.name, "reason": trouble}
        if trouble and not self.away:
            self._log.warning("alerts do not get through", extra=extra)
        elif self.away and not trouble:
            self._log.info("alerts get through again", extra={"destination": self.name})
        self.away = trouble
        if trouble:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
            self.last_error = f"{stamp} {trouble}"
