"""A sink under a test's control, and help to run a sender."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import uvloop

from agent.ship.outcome import OK, Outcome
from agent.ship.queue import Record

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], seconds: float = 60) -> T:
    """Runs to its end, within a minute unless said otherwise, on the loop that the observer has."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asyncio.wait_for(main, seconds))


async def until(condition: Callable[[], bool]) -> None:
    """Lets others run until it holds."""
    while not condition():
        await asyncio.sleep(0.002)


def record(n: int, size: int = 10, units: int = 1) -> Record:
    return Record(n, str(n).encode().ljust(size), units=units)


Answer = Outcome | Callable[[Sequence[Record]], Outcome | Awaitable[Outcome]]


class FakeSink:
    """Answers by a list, the last one for ever after; keeps what was pushed."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers) or [OK]
        self.pushed: list[list[int]] = []
        self.closed = False

    async def push(self, batch: Sequence[Record]) -> Outcome:
        self.pushed.append([r.timestamp_ns for r in batch])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(batch)
        return answer if isinstance(answer, Outcome) else await answer

    async def close(self) -> None:
        self.closed = True
