"""What conditions are judged by: plain data of one moment, made by who composes the observer.

Rule: declarations alone. Names are fit to be shown already: bounded, and less what is redacted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Key = tuple[str, ...]


class So(NamedTuple):
    """What a condition finds to be so."""

    summary: str
    """One line."""
    description: str
    """With numbers, and what to do first."""
    labels: tuple[tuple[str, str], ...] = ()
    """What it is said of, such as model and column, in order."""
    hold: float = 0.0
    """Seconds that it must be so before it is told."""


class Latencies(Protocol):
    """Durations of requests."""

    def percentile(self, share: float) -> float | None:
        """In seconds; None if there were none."""


class Traffic(Protocol):
    """Sums of an interval."""

    @property
    def seconds(self) -> float:
        """That are known of it."""

    @property
    def requests(self) -> int: ...
    @property
    def server_errors(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def dropped(self) -> int:
        """Records that were lost."""

    @property
    def worker_restarts(self) -> int: ...
    @property
    def observer_restarts(self) -> int: ...
    @property
    def durations(self) -> Latencies: ...


class Window(Protocol):
    """Sums of the last so many seconds, a day at most."""

    def __call__(self, seconds: float) -> Traffic: ...


class Column(NamedTuple):
    """One that is judged for drift, or whose values are counted."""

    model: str
    version: str
    side: str
    name: str
    drifts: bool
    """And nobody has acknowledged it."""
    is_muted: bool
    how: str
    """Test, direction and size of the change, for people."""
    excess: float
    """How far its score is beyond its threshold; 1: at it."""
    rows: int
    """Of the last window."""
    missing: float
    """Share of them without a value."""
    usual_missing: float
    """Share of the reference's rows without one."""
    usual_rows: int
    """The reference's rows."""


class Silent(NamedTuple):
    """A kind of silent failure of one version of a model; counts since the observer's start."""

    model: str
    version: str
    finding: str
    is_active: bool
    total: int
    """Requests that showed it."""
    requests: int
    """Looked at."""
    means: str
    do: str
    where: str
    example: str
    """A request's id; may be empty."""

    @property
    def key(self) -> Key:
        return (self.model, self.version, self.finding)


class Confidence(NamedTuple):
    """Of one output; counts since the observer's start."""

    model: str
    version: str
    output: str
    rows: int
    sum: float

    @property
    def key(self) -> Key:
        return (self.model, self.version, self.output)


class Unseen(NamedTuple):
    """Rows of a model that no verdict speaks of."""

    model: str
    version: str
    share: float
    """Of the recent rows."""
    why: str
    """The reason of most."""


class Sink(NamedTuple):
    """Where logs or spans are sent."""

    name: str
    away: str
    """Why the last push did not get through; empty if it did."""
    oldest: float
    """Seconds that the oldest record has waited."""
    lost: int
    """Records refused or dropped since the observer's start."""
    settled: int
    """Those, and the ones that were sent."""


@dataclass(frozen=True, slots=True)
class View:
    """One moment."""

    now: float
    """Seconds since the epoch."""
    window: Window
    minutes: Callable[[], Sequence[int | None]]
    """Requests of each minute of the last day, that one last which is not over; None: unknown."""
    availability: float
    """The objective, 0 to 1."""
    latency: float
    """The objective, in seconds."""
    columns: Sequence[Column]
    silent: Sequence[Silent]
    confidences: Sequence[Confidence]
    unseen: Sequence[Unseen]
    sinks: Sequence[Sink]
    shed: str
    """What overload has put aside; empty: nothing."""
    observed: int
    """Records made since the start of all."""
