"""What the pipeline feeds, as it sees it: the rooms below, each by what it does with a batch.

Rule: declarations alone; `agent.observer.parts` says what stands behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.decode.payload import Payload
from agent.decode.rules.tally import Tally
from agent.drift.traffic.unseen import Reason
from agent.exchange import Exchange
from agent.observer.kept import Strange
from agent.ship.queue import Record

Payloads = Sequence[Mapping[str, object] | None]
"""`input` and `output` of each exchange's line; empty: of none."""


class Spans(Protocol):
    """Makes one export request of a batch."""

    def encode(self, batch: Sequence[Exchange]) -> tuple[int, bytes, int] | None: ...


class Lines(Protocol):
    """Makes log lines of a batch; as records with their time, line, labels and metadata."""

    def lines(
        self, batch: Sequence[Exchange], dialects: Sequence[str], payloads: Payloads
    ) -> Sequence[bytes]: ...

    def records(
        self, batch: Sequence[Exchange], dialects: Sequence[str], payloads: Payloads
    ) -> Sequence[tuple[int, bytes, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]]: ...


class Sender(Protocol):
    """Where records go; never waits."""

    def put(self, records: Sequence[Record]) -> None: ...


@dataclass(slots=True)
class Outlets:
    """What the pipeline feeds; None or empty where it is not configured."""

    exemplars: Callable[[Sequence[Exchange]], None]
    spans: Spans | None
    span_senders: Sequence[Sender]
    lines: Lines | None
    payload_log: Callable[[Exchange], Mapping[str, object] | None] | None
    """None: bodies are in no log record."""
    stdout: Sequence[Sender]
    log_senders: Sequence[Sender]
    drift: Callable[[Payload], bool]
    """Says whether the payload's first request is worth keeping."""
    quality: Callable[[Payload], None]
    unseen: Callable[[str, Reason, int, str], None]
    """Model, reason and number of rows that drift did not get though the model scored them, and the
    version, as far as it is known."""
    strange: Callable[[Payload], Strange]
    """What in a payload's first row is like nothing in the reference."""
    values: Callable[[str, str, Sequence[Tally]], None]
    """Model, version, and the business values of one exchange."""
    rows: Callable[[Payload], None]
    """Counts a payload's predictions."""
