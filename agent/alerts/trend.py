"""How much counts have risen in a time: samples of counters, kept for as long as is asked.

Rule: pure, bounded (MAX_KEYS counters, a sample each `step`). A counter that comes after the first
look has grown from nothing; one that has fallen, because its process was started again, begins
anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from agent.alerts.view import Key, View

Values = tuple[float, ...]

MAX_KEYS = 512
LOST, RECORDS, SILENT, SILENT_STILL = 600.0, 900.0, 1800.0, 600.0
CONFIDENCE, BEFORE, DAY = 1800.0, 3600.0, 86400.0
"""Seconds that the conditions look back; the day BEFORE ends so long ago."""


class Trend:
    """Of some counters that belong together by key, such as rows and the sum of their values."""

    def __init__(self, step: float, length: float) -> None:
        """`step`: seconds between samples; `length`: seconds that they are kept."""
        self._step, self._length = step, length
        self._samples: dict[Key, deque[tuple[float, Values]]] = {}
        self._now: dict[Key, tuple[float, Values]] = {}
        self._looked: float | None = None

    def see(self, now: float, counters: Mapping[Key, Values]) -> None:
        """Takes the counters as they are; those that are not there any more are forgotten."""
        for key in self._samples.keys() - counters.keys():
            del self._samples[key], self._now[key]
        for key, values in counters.items():
            if key not in self._samples and len(self._samples) >= MAX_KEYS:
                continue
            samples = self._samples.get(key)
            if samples is None:
                samples = self._samples[key] = deque()
                if self._looked is not None:
                    samples.append((self._looked, (0.0,) * len(values)))
            if samples and _is_anew(samples[-1], now, values):
                samples.clear()
            if not samples or now - samples[-1][0] >= self._step:
                samples.append((now, values))
            while len(samples) > 1 and now - samples[1][0] >= self._length:
                samples.popleft()
            self._now[key] = (now, values)
        self._looked = now

    def rise(self, key: Key, begin: float, end: float = 0.0) -> Values | None:
        """From `begin` to `end` seconds ago, as far as it is known; None: nothing is."""
        samples = self._samples.get(key)
        if not samples:
            return None
        now, latest = self._now[key]
        first = _at(samples, now - begin)
        last = latest if end <= 0 else _at(samples, now - end)
        return tuple(b - a for a, b in zip(first, last, strict=True))


class Trends:
    """What conditions need to know of before, beside the traffic."""

    def __init__(self) -> None:
        self.silent = Trend(30.0, SILENT)
        """Requests that showed a silent failure, and those looked at."""
        self.confidence = Trend(300.0, BEFORE + DAY)
        """Rows, and the sum of their confidences."""
        self.lost = Trend(30.0, LOST)
        """Of a sink: lost, and settled."""
        self.observed = Trend(60.0, RECORDS)
        """Records made."""

    def see(self, view: View) -> None:
        """Takes the counts of a moment; to be called before it is judged."""
        now = view.now
        self.silent.see(now, {one.key: (one.total, one.requests) for one in view.silent})
        self.confidence.see(now, {one.key: (one.rows, one.sum) for one in view.confidences})
        self.lost.see(now, {(sink.name,): (sink.lost, sink.settled) for sink in view.sinks})
        self.observed.see(now, {("observed",): (view.observed,)})


def _is_anew(last: tuple[float, Values], now: float, values: Values) -> bool:
    return now < last[0] or any(b < a for a, b in zip(last[1], values, strict=True))


def _at(samples: deque[tuple[float, Values]], when: float) -> Values:
    """The last sample not after `when`; the first if all are."""
    found = samples[0][1]
    for at, values in samples:
        if at > when:
            break
        found = values
    return found
