"""What the sinks are at, as Prometheus families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client.metrics_core import Metric

from agent.signals import catalog
from agent.signals.metrics import counter, gauge


class SinkStatus(Protocol):
    """What is read of a sink."""

    @property
    def name(self) -> str: ...
    @property
    def outcomes(self) -> Mapping[str, int]: ...
    @property
    def records(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def oldest_ns(self) -> int | None: ...


class SinkCollector:
    """`statuses()` gives the sinks of this moment, `now_ns()` the time since the epoch."""

    def __init__(
        self, statuses: Callable[[], Iterable[SinkStatus]], now_ns: Callable[[], int]
    ) -> None:
        self._statuses = statuses
        self._now_ns = now_ns

    def collect(self) -> Iterator[Metric]:
        """Families of this moment."""
        sinks, now = list(self._statuses()), self._now_ns()
        yield counter(
            catalog.SINK_RECORDS,
            {(s.name, outcome): n for s in sinks for outcome, n in s.outcomes.items()},
        )
        yield gauge(catalog.SPOOL_RECORDS, {(s.name,): s.records for s in sinks})
        yield gauge(catalog.SPOOL_BYTES, {(s.name,): s.bytes for s in sinks})
        yield gauge(
            catalog.SPOOL_OLDEST,
            {(s.name,): _age(s.oldest_ns, now) for s in sinks},
        )


def _age(oldest_ns: int | None, now_ns: int) -> float:
    return 0.0 if oldest_ns is None else max(0.0, (now_ns - oldest_ns) / 1e9)
