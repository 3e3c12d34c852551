"""One JSON log record a request.

Rule: the fields and their order are the contract's, absent ones are left out; python-json-logger's
formatter makes the text, without a LogRecord around the fields, so that a line costs 2 µs and not
15 (python -m tests.signals.measure). tests/signals/test_logs.py holds it equal to the way through
logging.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pythonjsonlogger.msgspec import MsgspecFormatter

from agent.exchange import Exchange
from agent.ledger import ABORTED_BY
from agent.signals.attributes import MAX_TEXT, Kept
from agent.signals.targets import shown_path

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

Labels = tuple[tuple[str, str], ...]


class LogLine(NamedTuple):
    """One line, with what a log store wants to know of it beside the text."""

    timestamp_ns: int
    """When the request ended, since the epoch."""
    data: bytes
    """The JSON object, without a newline."""
    labels: Labels
    """Few values: service_name, model (if it is known), level."""
    metadata: Labels
    """trace_id, span_id, request_id, where they are known."""


class _Alike(NamedTuple):
    """What requests have in common whose lines differ in ids, sizes and times only."""

    method: bytes
    path: bytes
    route: str
    status: int
    error: str
    model: str
    client: str
    level: str
    dialect: str
    traced: bool
    timed: bool
    """The model server answered."""


class LogFormatter:
    """Makes lines of exchanges."""

    def __init__(self, service: str, level: str = "info") -> None:
        """`service` is `service.name`; lines below `level` are not made."""
        self._service = service
        self._least = LEVELS[level]
        self._format = MsgspecFormatter([]).serialize_log_record
        self._common: Kept[tuple[object, ...], dict[str, object]] = Kept(self._in_common)
        self._second = -1
        self._second_text = ""
        self._labels: dict[tuple[str, str], Labels] = {}

    def lines(
        self,
        batch: Sequence[Exchange],
        dialects: Sequence[str] = (),
        payloads: Sequence[Mapping[str, object] | None] = (),
    ) -> list[bytes]:
        """JSON objects without newlines, of those exchanges that reach the level.

        `dialects` and `payloads` (`input`, `output`, redacted) go with `batch` one to one, or are
        empty.
        """
        return [data for _, _, data in self._made(batch, dialects, payloads)]

    def records(
        self,
        batch: Sequence[Exchange],
        dialects: Sequence[str] = (),
        payloads: Sequence[Mapping[str, object] | None] = (),
    ) -> list[LogLine]:
        """The same, each line with its time, labels and metadata."""
        return [
            LogLine(_end(x), data, self._labels_of(x.model, level), _metadata(x))
            for x, level, data in self._made(batch, dialects, payloads)
        ]

    def _made(
        self,
        batch: Sequence[Exchange],
        dialects: Sequence[str],
        payloads: Sequence[Mapping[str, object] | None],
    ) -> list[tuple[Exchange, str, bytes]]:
        made = []
        least, serialize = self._least, self._format
        for n, x in enumerate(batch):
            level = level_of(x)
            if LEVELS[level] < least:
                continue
            fields = self.fields(x, level, dialects[n] if dialects else "")
            payload = payloads[n] if payloads else None
            if payload:
                fields.update(payload)
            made.append((x, level, serialize(fields).encode()))
        return made

    def fields(self, x: Exchange, level: str, dialect: str) -> dict[str, object]:
        """The record's fields, in their order."""
        trace, timed = x.trace, x.upstream >= 0
        path = x.target.partition(b"?")[0]
        alike = (
            x.method, path, x.route, x.status, x.error, x.model, x.client,
            level, dialect, trace is not None, timed,
        )  # fmt: skip
        kept = len(path) <= MAX_TEXT
        fields = self._common[alike].copy() if kept else self._in_common(alike)
        second, rest = divmod(x.start_ns + int(x.duration * 1e9), 10**9)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        fields["timestamp"] = f"{self._second_text}{rest:09d}Z"
        if trace is not None:
            fields["trace_id"] = trace[0].hex()
            fields["span_id"] = trace[1].hex()
        fields["request_id"] = x.request_id.decode("latin-1")
        # Whole µs; a third of the time that round() takes.
        fields["duration_ms"] = (x.duration * 1e6 + 0.5) // 1 / 1e3
        if timed:
            fields["upstream_ms"] = (x.upstream * 1e6 + 0.5) // 1 / 1e3
        if x.overhead >= 0:
            fields["overhead_ms"] = (x.overhead * 1e6 + 0.5) // 1 / 1e3
        else:
            del fields["overhead_ms"]
        fields["http.request.body.size"] = x.request_size
        fields["http.response.body.size"] = x.response_size
        if x.streamed:
            fields |= _of_stream(x)
        return fields

    def _in_common(self, alike: tuple[object, ...]) -> dict[str, object]:
        """All fields of such lines, those that differ as None to keep their places."""
        kind = _Alike._make(alike)
        path = shown_path(kind.path)
        method = kind.method.decode("latin-1")
        what = f"{method} {path}".rstrip() if method else "unreadable request"
        fields: dict[str, object] = {
            "timestamp": None,
            "level": kind.level,
            "message": f"{what} {kind.status}",
            "service.name": self._service,
        }
        if kind.traced:
            fields |= {"trace_id": None, "span_id": None}
        fields["request_id"] = None
        if method:
            fields["http.request.method"] = method
            fields["url.path"] = path
            fields["http.route"] = kind.route
        fields["http.response.status_code"] = kind.status
        fields["duration_ms"] = None
        if kind.timed:
            fields["upstream_ms"] = None
        fields["overhead_ms"] = None
        fields["http.request.body.size"] = None
        fields["http.response.body.size"] = None
        if kind.model:
            fields["model"] = kind.model
        if kind.dialect:
            fields["dialect"] = kind.dialect
        fields["client.address"] = kind.client
        if kind.error:
            fields["error.type"] = kind.error
        return fields

    def _labels_of(self, model: str, level: str) -> Labels:
        labels = self._labels.get((model, level))
        if labels is None:
            named = (("service_name", self._service), ("model", model), ("level", level))
            labels = tuple((name, value) for name, value in named if value)
            self._labels[(model, level)] = labels
        return labels


def level_of(x: Exchange) -> str:
    """`error` for 5xx and for a failure that the proxy found, `warning` for 4xx, else `info`."""
    if x.error or x.status >= 500:
        return "error"
    return "warning" if x.status >= 400 else "info"


def _of_stream(x: Exchange) -> dict[str, object]:
    """The fields of an answer that came event by event."""
    fields: dict[str, object] = {}
    if x.first_piece >= 0:
        fields["stream.first_event_ms"] = (x.first_piece * 1e6 + 0.5) // 1 / 1e3
        fields["stream.largest_gap_ms"] = (x.largest_gap * 1e6 + 0.5) // 1 / 1e3
    if x.error:
        fields["stream.aborted_by"] = ABORTED_BY[x.error]
    return fields


def _end(x: Exchange) -> int:
    return x.start_ns + int(x.duration * 1e9)


def _metadata(x: Exchange) -> Labels:
    request_id = ("request_id", x.request_id.decode("latin-1"))
    if x.trace is None:
        return (request_id,)
    return (("trace_id", x.trace[0].hex()), ("span_id", x.trace[1].hex()), request_id)
