"""The load on the model, second by second: composes what this room knows.

Rule: `tick` once a second, with the time; bounded by KEPT looks and the levels of a table.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple, Protocol

from agent.load.cost import Look, Meter, Predictions, Used, predictions
from agent.load.limit import LimitTable
from agent.load.little import Span, between
from agent.load.readings import Reading
from agent.load.rows import Rows

WINDOW = 60.0
"""Seconds that rates and means are over."""
STEP, LONGEST_STEP = 2.0, 10.0
"""Seconds whose traffic is one observation of the table, and of what waits just now: the longer if
fewer than STEP_REQUESTS finish, as few requests are long or short by chance."""
STEP_REQUESTS = 100
EARLY = 0.5
"""Seconds: a tick comes when it comes."""
KEPT = 90
"""Looks at most: ticks may come a little early."""


class Server(Protocol):
    """What the model server says of itself."""

    def told(self) -> dict[str, Any] | None:
        """Its queue, for the status; None: it says nothing."""


class View(NamedTuple):
    """The load as it is; None where it is not known."""

    in_flight: int
    span: Span | None
    """Of the last WINDOW."""
    limit: float | None
    limit_unknown: str
    """Why."""
    queue: float | None
    """Requests in flight above the limit, the mean of the last STEP."""
    rows_per_second: dict[str, float]
    """By model, as far as decoded."""
    predictions: Predictions | None
    cpu_seconds: float | None
    gpu_seconds: float | None
    """Each a prediction."""

    @property
    def saturation(self) -> float | None:
        """Concurrency by its limit."""
        if self.span is None or self.limit is None:
            return None
        return self.span.concurrency / self.limit


class Load:
    """See the module. `rows` is fed by the pipeline."""

    def __init__(self, read: Callable[[float], Reading], used: Used | None = None) -> None:
        """`read` gives the ledger's sums, as of the time that it is given."""
        self.rows = Rows()
        self.used = used
        self.server: Server | None = None
        self._read = read
        self._looks: deque[Look] = deque(maxlen=KEPT)
        self.table = LimitTable()
        """What was seen of the server's limit."""
        self._cpu, self._gpu = Meter(WINDOW), Meter(WINDOW)
        self._stepped: float | None = None
        self._step: Span | None = None

    def tick(self, now: float) -> None:
        """Looks; `now` in seconds of a clock that never goes back."""
        look = Look(self._read(now), dict(self.rows.by_model))
        self._looks.append(look)
        if self.used is not None:
            self._cpu.add(self.used.cpu_seconds(), look)
            self._gpu.add(self.used.gpu_seconds(), look)
        while len(self._looks) > 2 and now - self._looks[1].reading.at >= WINDOW:
            self._looks.popleft()
        if self._stepped is None:
            self._stepped = now
        elif now - self._stepped >= STEP - EARLY:
            step = between(self._since(self._stepped))
            if step is None or (
                step.requests < STEP_REQUESTS and now - self._stepped < LONGEST_STEP - EARLY
            ):
                return
            self.table.add(step)
            self._step, self._stepped = step, now

    def _since(self, at: float) -> list[Reading]:
        first = next(n for n, look in enumerate(self._looks) if look.reading.at >= at)
        return [look.reading for look in islice(self._looks, first, None)]

    def view(self) -> View | None:
        """None before the first tick."""
        if not self._looks:
            return None
        looks = [*self._looks]
        first, last = looks[0], looks[-1]
        span = between([look.reading for look in looks])
        limit, why = self.table.limit()
        made = predictions(looks) if span is not None else None
        now = last.reading.at
        return View(
            sum(flow.active for flow in last.reading.flows.values()),
            span,
            limit,
            why,
            _queue(self._step, limit),
            _rates(first, last),
            made,
            self._cpu.each(now),
            self._gpu.each(now),
        )

    def status(self) -> dict[str, Any] | None:
        """For `/api/v1/status`."""
        view = self.view()
        if view is None:
            return None
        span, made = view.span, view.predictions
        return {
            "window_seconds": _round(span and span.seconds),
            "in_flight": view.in_flight,
            "concurrency": _round(span and span.concurrency),
            "requests_per_second": _round(span and span.rate),
            "mean_seconds": _round(span and span.mean),
            "concurrency_limit": _round(view.limit),
            "concurrency_limit_unknown": view.limit_unknown or None,
            "saturation": _round(view.saturation),
            "queue": _round(view.queue),
            "rows_per_second": {m: _round(rate) for m, rate in view.rows_per_second.items()},
            "predictions_per_second": _round(span and made and made.number / span.seconds),
            "predictions_counted": made.counted if made is not None else None,
            "cpu_seconds_per_prediction": _round(view.cpu_seconds),
            "gpu_seconds_per_prediction": _round(view.gpu_seconds),
            "levels": [
                {name: _round(value) for name, value in level._asdict().items()}
                for level in self.table.levels()
            ],
            "server": self.server.told() if self.server is not None else None,
        }

    def overview(self) -> dict[str, Any] | None:
        """The few numbers of `/api/v1/overview`; None while nothing is known."""
        view = self.view()
        if view is None or view.span is None:
            return None
        return {
            "concurrency": _round(view.span.concurrency),
            "saturation": _round(view.saturation),
            "queue": _round(view.queue),
            "rows_per_second": _round(sum(view.rows_per_second.values())),
            "cpu_seconds_per_prediction": _round(view.cpu_seconds),
        }


def _queue(step: Span | None, limit: float | None) -> float | None:
    if step is None or limit is None:
        return None
    return max(step.concurrency - limit, 0.0)


def _rates(first: Look, last: Look) -> dict[str, float]:
    seconds = last.reading.at - first.reading.at
    if seconds <= 0:
        return {}
    return {m: (rows - first.rows.get(m, 0)) / seconds for m, rows in last.rows.items()}


def _round(value: float | None) -> float | None:
    """To what is worth reading: four digits."""
    return None if value is None else float(f"{value:.4g}")
