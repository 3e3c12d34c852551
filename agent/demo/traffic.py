"""The client: sends rows at a steady rate and counts what came back.

Rule: open loop. A request is due by the clock, not when the one before it was answered, as with
real clients; past `LIMIT` in flight it waits, so that a model that hangs is not buried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp

from agent.demo.rows import Row, shifted

LIMIT = 64
"""Requests in flight."""
TIMEOUT = aiohttp.ClientTimeout(total=10.0)


class Traffic:
    """Sends the rows of an endless iterator; `shift` says from when on they are shifted."""

    def __init__(self, session: aiohttp.ClientSession, url: str, rows: Iterator[Row]) -> None:
        self.shift = False
        self.sent = 0
        self.answered = 0
        self.failed = 0
        self.problem = ""
        """The last failure, in words."""
        self._session = session
        self._url = url
        self._rows = rows
        self._free = asyncio.Semaphore(LIMIT)

    async def run(self, rate: float, seconds: float) -> None:
        """Send `rate` requests a second for `seconds`, and wait for the last answer."""
        clock = asyncio.get_running_loop().time
        start = clock()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                wait = start + number / rate - clock()
                if wait > 0:
                    await asyncio.sleep(wait)
                await self._free.acquire()
                group.create_task(self._send(next(self._rows)))

    async def _send(self, row: Row) -> None:
        body = {"instances": [shifted(row) if self.shift else row]}
        self.sent += 1
        try:
            async with self._session.post(self._url, json=body, timeout=TIMEOUT) as response:
                text = await response.text()
                if response.status == 200:
                    self.answered += 1
                else:
                    self._fail(f"{response.status} {text[:200]}")
        except (aiohttp.ClientError, TimeoutError) as error:
            self._fail(f"{type(error).__name__} {error}".strip())
        finally:
            self._free.release()

    def _fail(self, problem: str) -> None:
        self.failed += 1
        self.problem = problem
