"""One JSON log record a request.

Rule: the fields and their order are the contract's, absent ones are left out; python-json-logger
formats, used directly on one record that is kept, so that a line costs 4 µs and not 15 (python -m
tests.signals.measure). tests/signals/test_logs.py holds it equal to the way through logging.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pythonjsonlogger.msgspec import MsgspecFormatter

from agent.exchange import Exchange

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


class _Formatter(MsgspecFormatter):
    """The library's formatter for a record whose message is all of its fields."""

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data.update(message_dict)


class LogFormatter:
    """Makes lines of exchanges."""

    def __init__(self, service: str, level: str = "info") -> None:
        """`service` is `service.name`; lines below `level` are not made."""
        self._service = service
        self._least = LEVELS[level]
        self._format = _Formatter().format
        self._record = logging.LogRecord("outrider", logging.INFO, "", 0, "", None, None)
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
        record, least = self._record, self._least
        for n, x in enumerate(batch):
            level = level_of(x)
            if LEVELS[level] < least:
                continue
            fields = self.fields(x, level, dialects[n] if dialects else "")
            payload = payloads[n] if payloads else None
            if payload:
                fields.update(payload)
            record.msg = fields  # the formatter takes a dict
            made.append((x, level, self._format(record).encode()))
        return made

    def fields(self, x: Exchange, level: str, dialect: str) -> dict[str, object]:
        """The record's fields, in their order."""
        path = x.target.partition(b"?")[0].decode("latin-1")
        method = x.method.decode("latin-1")
        fields: dict[str, object] = {
            "timestamp": self._timestamp(_end(x)),
            "level": level,
            "message": f"{method} {path} {x.status}",
            "service.name": self._service,
        }
        if x.trace is not None:
            fields["trace_id"] = x.trace[0].hex()
            fields["span_id"] = x.trace[1].hex()
        fields["request_id"] = x.request_id.decode("latin-1")
        fields["http.request.method"] = method
        fields["url.path"] = path
        fields["http.route"] = x.route
        fields["http.response.status_code"] = x.status
        fields["duration_ms"] = round(x.duration * 1e3, 3)
        if x.upstream >= 0:
            fields["upstream_ms"] = round(x.upstream * 1e3, 3)
        fields["overhead_ms"] = round(x.overhead * 1e3, 3)
        fields["http.request.body.size"] = x.request_size
        fields["http.response.body.size"] = x.response_size
        if x.model:
            fields["model"] = x.model
        if dialect:
            fields["dialect"] = dialect
        fields["client.address"] = x.client
        if x.error:
            fields["error.type"] = x.error
        return fields

    def _timestamp(self, ns: int) -> str:
        second, rest = divmod(ns, 10**9)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        return f"{self._second_text}{rest:09d}Z"

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


def _end(x: Exchange) -> int:
    return x.start_ns + int(x.duration * 1e9)


def _metadata(x: Exchange) -> Labels:
    request_id = ("request_id", x.request_id.decode("latin-1"))
    if x.trace is None:
        return (request_id,)
    return (("trace_id", x.trace[0].hex()), ("span_id", x.trace[1].hex()), request_id)
