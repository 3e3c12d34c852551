"""Reads the model server's metrics every `scrape.every`, and keeps what came of it.

Rule: one reading at a time, in a loop of its own. Parsing (38 ms for 2,000 series) is done in a
thread, and what came of it is written once, so that it cannot break our page. After STALE failures
in a row nothing is shown any more: never frozen numbers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from prometheus_client.metrics_core import Metric

from agent.scrape import known
from agent.scrape.exposition import Parsed, parse
from agent.scrape.fetch import Page, Unread
from agent.scrape.shaping import shaped, texts
from agent.scrape.wellformed import prove
from agent.settings.scraping import Scrape

LEAST = 0.1
"""Seconds between two readings."""
REST = 9.0
"""Pause after a reading, at least, by the time that it took to parse: a tenth of a core at most."""
AT_ONCE = 50
"""Texts that are looked through before others have their turn: 5 ms of the longest."""
STALE = 3
"""Failures in a row, after which what was read last is dropped."""
REASONS = ("malformed", "series", "label", "native", "duplicate")
"""Why samples are not shown."""


class Result(NamedTuple):
    """Of one good reading."""

    at: float
    families: list[Metric]
    reading: known.Reading
    dropped: Counter[str]

    @property
    def samples(self) -> int:
        """That are shown."""
        return sum(len(family.samples) for family in self.families)


class Scraper:
    """See the module. What it shows is read by `collector` and the status."""

    def __init__(
        self,
        settings: Scrape,
        fetch: Callable[[], Awaitable[Page]],
        show: Callable[[str], str],
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`fetch` raises Unread; `show` hides what must not be shown of a label's value."""
        self.job = settings.job
        self.up: bool | None = None
        """Whether the last reading was good; None before the first."""
        self.seconds = 0.0
        """That it took."""
        self.dropped: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        """Samples not shown, by reason, of all readings."""
        self.why = ""
        """The last one failed."""
        self._settings = settings
        self._fetch = fetch
        self._show = show
        self._log = log
        self._clock = clock
        self._failures = 0
        self._parsing = 0.0
        """Seconds, the last time."""
        self._last: Result | None = None
        self._said: known.Said | None = None
        self._told = ""
        self._cut = False

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            began = self._clock()
            await self.read()
            pause = self._settings.every - (self._clock() - began)
            await asyncio.sleep(max(pause, REST * self._parsing, LEAST))

    async def read(self) -> None:
        """Once; never an exception."""
        began = self._clock()
        try:
            page = await self._fetch()
            came, settings = self._clock(), self._settings
            parsed = await asyncio.to_thread(
                parse, page, settings.keep, known.NAMES, settings.max_series
            )
            result = await self._result(parsed, began)
            await asyncio.to_thread(prove, result.families)
            self._parsing = self._clock() - came
        except Unread as unread:
            self._failed(unread.why)
        except Exception as error:
            self._log.error("a fault in reading the model server's metrics", exc_info=error)
            self._failed(f"a fault of outrider's own ({type(error).__name__})")
        else:
            self._succeeded(result)
        self.seconds = self._clock() - began

    async def _result(self, parsed: Parsed, at: float) -> Result:
        """In the loop no more than `show`, which is not for threads, and a few at a time: labels
        may be many and long."""
        said = await asyncio.to_thread(texts, parsed.shown)
        fit: dict[str, str] = {}
        for batch in (said[n : n + AT_ONCE] for n in range(0, len(said), AT_ONCE)):
            fit |= {text: self._show(text) for text in batch}
            await asyncio.sleep(0)
        families = await asyncio.to_thread(
            shaped, parsed.shown, self.job, fit.__getitem__, parsed.dropped
        )
        return Result(at, families, known.reading(parsed.known), parsed.dropped)

    def _succeeded(self, result: Result) -> None:
        if self._last is not None:
            seconds = result.at - self._last.at
            self._said = known.said(self._last.reading, result.reading, seconds)
        else:
            self._said = known.said(None, result.reading, 0.0)
        self._last, self._failures, self.up, self.why = result, 0, True, ""
        self.dropped.update(result.dropped)
        if self._told:
            self._told = ""
            self._log.info("the model server's metrics are read again")
        if result.dropped.total() and not self._cut:
            self._cut = True
            why = ", ".join(f"{count} {reason}" for reason, count in (+result.dropped).items())
            self._log.warning(
                f"of the model server's metrics samples are left out: {why}; "
                "outrider_scrape_dropped_total counts them"
            )

    def _failed(self, why: str) -> None:
        self.up, self.why = False, why
        self._failures += 1
        if self._failures >= STALE:
            self._last = self._said = None
        if why != self._told:
            self._told = why
            self._log.warning(f"the model server's metrics cannot be read: {why}")

    @property
    def families(self) -> list[Metric]:
        """As they were read last, fit to be shown; none if that is too long ago."""
        return self._last.families if self._last is not None else []

    @property
    def samples(self) -> int:
        """That are shown."""
        return self._last.samples if self._last is not None else 0

    @property
    def said(self) -> known.Said | None:
        """What the server says of its queue."""
        return self._said

    def told(self) -> dict[str, Any] | None:
        """The same as plain data, for the status."""
        return self._said.status() if self._said is not None else None

    def status(self) -> dict[str, Any]:
        """How reading goes, for the status."""
        return {
            "job": self.job,
            "up": self.up,
            "why": self.why or None,
            "seconds": round(self.seconds, 4),
            "samples": self.samples,
            "dropped": {reason: count for reason, count in self.dropped.items() if count},
        }
