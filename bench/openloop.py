"""An open loop: requests are sent when they are due, whether earlier ones were answered or not.

Latency counts from the due time, so that a proxy that stalls cannot hide it by being sent less
(coordinated omission). For low rates: a request is a task.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp

from bench.workload import PATH, bodies


@dataclass(frozen=True)
class Answers:
    """Answers with status 200, all others, and the latencies of the former in ms."""

    answered: int
    failed: int
    milliseconds: list[float]


async def _loop(port: int, rate: float, seconds: float) -> Answers:
    url = f"http://127.0.0.1:{port}{PATH}"
    headers = {"Content-Type": "application/json"}
    latencies: list[float] = []
    failed = 0

    async def one(session: aiohttp.ClientSession, body: bytes, due: float) -> None:
        nonlocal failed
        try:
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                if answer.status != 200:
                    raise aiohttp.ClientError(answer.status)
            latencies.append((time.perf_counter() - due) * 1e3)
        except (TimeoutError, aiohttp.ClientError):
            failed += 1

    cycle = bodies()
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as tasks:
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(due - time.perf_counter())
            tasks.create_task(one(session, cycle[number % len(cycle)], due))
    return Answers(len(latencies), failed, latencies)


def drive(port: int, *, rate: float, seconds: float) -> Answers:
    """Send `rate` requests a second to `port` on loopback for `seconds`; wait for the answers."""
    return asyncio.run(_loop(port, rate, seconds))
