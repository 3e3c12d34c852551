"""One task a sink: take a batch, push it, wait and try again, count.

Rule: only the sender decides about time; the queue decides what is kept, the sink what an
answer means.

A batch goes when it is full or its oldest record has waited `linger`. A push that should be
repeated is, for as long as it takes, after an exponential wait with full jitter
(uniform between 0 and min(cap, base · 2ⁿ)), but never before the receiver's own Retry-After.
Meanwhile the queue fills and drops its oldest. A refused batch is halved where the sink says that
single records are to blame, with a bound on the pushes this may cost.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from agent.ship.outcome import Outcome, Sink, Verdict, retry
from agent.ship.queue import Queue, Record

SENT, REJECTED, RETRIED = "sent", "rejected", "retried"
DROPPED_FULL, DROPPED_STOP, FAILED = "dropped_full", "dropped_stop", "failed"
OUTCOMES = (SENT, REJECTED, RETRIED, DROPPED_FULL, DROPPED_STOP, FAILED)
"""What becomes of a record; `retried` counts tries, the others each record once."""

SAY_AGAIN = 60.0
"""Seconds before the same trouble of a sink is said again: one that comes and goes must not fill
the log."""
MAX_SPLITS = 64
"""Pushes that finding the bad records of one batch may cost; what is left then is dropped."""


class Policy(NamedTuple):
    """When to send and how to try again. Times in seconds."""

    max_bytes: int = 1 << 20
    max_records: int = 8192
    linger: float = 1.0
    timeout: float | None = 10.0
    """For each try; None where waiting costs nothing and ends only with the process."""
    backoff: float = 0.5
    backoff_cap: float = 30.0
    retry_after_cap: float = 300.0
    """More than this is not believed of a Retry-After."""


DEFAULT_POLICY = Policy()


class Status(NamedTuple):
    """What a sender is at, for metrics and people."""

    name: str
    kind: str
    outcomes: dict[str, int]
    records: int
    bytes: int
    oldest_ns: int | None
    away: str
    """Why the last push did not get through; empty if it did."""


class Sender:
    """Runs one sink. `put` may be called at any time after `start`, in the same loop."""

    def __init__(
        self,
        name: str,
        kind: str,
        sink: Sink,
        queue: Queue,
        policy: Policy = DEFAULT_POLICY,
        log: logging.Logger | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._kind = kind
        self._sink = sink
        self._queue = queue
        self._policy = policy
        self._log = log or logging.getLogger("outrider")
        self._jitter = jitter
        self._counts = dict.fromkeys(OUTCOMES, 0)
        self._settled = 0  # units of the batch taken whose end is counted already
        self._away = ""
        self._said: dict[str, float] = {}
        """When each trouble was last said, by the loop's clock."""
        self._task: asyncio.Task[None] | None = None
        self._filled = asyncio.Event()  # a batch is full, or there is a reason not to wait for it
        self._any = asyncio.Event()
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begins to send, in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"sink {self.name}")

    def put(self, records: Iterable[Record]) -> None:
        """Hands records over; never waits."""
        queue = self._queue
        self._counts[DROPPED_FULL] += queue.put(records)
        self._any.set()
        if queue.size >= self._policy.max_bytes or queue.records >= self._policy.max_records:
            self._filled.set()

    async def stop(self, deadline: float) -> None:
        """Sends what is queued, for at most `deadline` seconds, then counts the rest as dropped."""
        self._stopping.set()
        self._any.set()
        self._filled.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=deadline)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._counts[DROPPED_STOP] += self._queue.records - self._settled
        await self._sink.close()

    def status(self) -> Status:
        """Plain numbers of this moment."""
        queue = self._queue
        return Status(
            self.name, self._kind, dict(self._counts),
            queue.records, queue.size, queue.oldest_ns, self._away,
        )  # fmt: skip

    async def _run(self) -> None:
        while True:
            await self._until_due()
            batch = self._queue.take(self._policy.max_bytes, self._policy.max_records)
            if batch:
                await self._deliver(batch)
                self._queue.ack()
                self._settled = 0
            elif self._stopping.is_set():
                return

    async def _until_due(self) -> None:
        policy, queue = self._policy, self._queue
        if queue.records == 0:
            self._any.clear()
            if self._stopping.is_set():
                return
            await self._any.wait()
        if queue.size < policy.max_bytes and queue.records < policy.max_records:
            self._filled.clear()
            if not self._stopping.is_set():
                await _wait(self._filled, policy.linger)

    async def _deliver(self, batch: Sequence[Record]) -> None:
        units, tries = _units(batch), 0
        while True:
            outcome = await self._push(batch)
            if outcome.verdict is not Verdict.RETRY:
                self._note("")
                return await self._settle(batch, outcome)
            self._counts[RETRIED] += units
            self._note(outcome.reason)
            await self._back_off(tries, outcome.after)
            tries += 1

    def _wait_after(self, tries: int, after: float | None) -> float:
        policy = self._policy
        # The exponent is held down so that a day's outage does not make it a huge number.
        wait = self._jitter() * min(policy.backoff_cap, policy.backoff * 2.0 ** min(tries, 16))
        return wait if after is None else max(wait, min(after, policy.retry_after_cap))

    async def _back_off(self, tries: int, after: float | None) -> None:
        wait = self._wait_after(tries, after)
        if self._stopping.is_set():
            await asyncio.sleep(min(wait, 0.1))
        else:
            await _wait(self._stopping, wait)

    async def _push(self, batch: Sequence[Record]) -> Outcome:
        try:
            async with asyncio.timeout(self._policy.timeout):
                return await self._sink.push(batch)
        except TimeoutError:
            return retry("timeout")
        except Exception as error:
            # A fault of ours must neither end the task nor be tried for ever; it is counted.
            if self._is_news(type(error).__name__):
                self._log.exception("sink failed", extra={"sink": self.name})
            return Outcome(Verdict.REJECT, FAILED)

    async def _settle(self, batch: Sequence[Record], outcome: Outcome) -> None:
        units = _units(batch)
        if outcome.verdict is Verdict.OK:
            rejected = min(max(outcome.rejected, 0), units)  # a receiver may say any number
            self._count(SENT, units - rejected)
            self._count(REJECTED, rejected)
        elif outcome.verdict is Verdict.SPLIT:
            await self._halve(batch)
        else:
            self._count(FAILED if outcome.reason == FAILED else REJECTED, units)
            if self._is_news(outcome.reason):
                self._log.warning(
                    "sink refuses records", extra={"sink": self.name, "reason": outcome.reason}
                )

    async def _halve(self, batch: Sequence[Record]) -> None:
        """Pushes ever smaller halves; single records that are refused are dropped."""
        parts, pushes = [batch], 0
        while parts:
            part = parts.pop()
            if len(part) == 1 or pushes >= MAX_SPLITS:
                self._count(REJECTED, _units(part))
                continue
            middle = len(part) // 2
            for half in (part[:middle], part[middle:]):
                pushes += 1
                outcome = await self._push(half)
                if outcome.verdict is Verdict.SPLIT:
                    parts.append(half)
                elif outcome.verdict is Verdict.RETRY:
                    await self._deliver(half)
                else:
                    await self._settle(half, outcome)

    def _count(self, outcome: str, units: int) -> None:
        self._counts[outcome] += units
        self._settled += units

    def _is_news(self, trouble: str) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._said.get(trouble, -SAY_AGAIN) < SAY_AGAIN:
            return False
        if len(self._said) >= 64:  # reasons may hold what the other side made up
            self._said.clear()
        self._said[trouble] = now
        return True

    def _note(self, away: str) -> None:
        """Says once that the sink is away, and once that it is back."""
        if away and not self._away:
            self._log.warning("sink away", extra={"sink": self.name, "reason": away})
        elif self._away and not away:
            self._log.info("sink back", extra={"sink": self.name})
        self._away = away


def _units(batch: Sequence[Record]) -> int:
    return sum(record.units for record in batch)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
