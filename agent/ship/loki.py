"""Loki's push API, in both of its encodings.

JSON, gzipped, or a PushRequest in protobuf compressed as one snappy block (Loki's own default,
a quarter of the bytes to parse). Streams are by labels; what has many values goes into
structured metadata. Within a batch and a stream lines keep their order, oldest first.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from agent.ship.http import NETWORK_ERRORS, Answer, Poster
from agent.ship.outcome import OK, Outcome, Verdict, reject, retry, retry_after
from agent.ship.queue import Labels, Record
from agent.ship.wire import message, text, varint_field

MAX_LINE = 256 << 10
"""Bytes; Loki's default `max_line_size`. A longer line is cut here, and so not refused there."""

POISON = frozenset((400, 413))
"""Some of the lines are at fault, the others may be taken."""

PUSH_PATH = "/loki/api/v1/push"


class LokiSettings(Protocol):
    """What is read of a sink's configuration."""

    @property
    def url(self) -> str:
        """With the path, or without one: then Loki's own is added."""

    @property
    def encoding(self) -> str:
        """ "json", or "protobuf", which needs the extra `snappy`."""

    @property
    def tenant(self) -> str | None: ...
    @property
    def token(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def labels(self) -> Mapping[str, str]:
        """Added to those of each record."""


class Loki:
    """Sink of one Loki. Raises ModuleNotFoundError if its encoding needs a missing extra."""

    def __init__(self, settings: LokiSettings, user_agent: str) -> None:
        json = settings.encoding == "json"
        url, headers = endpoint(settings.url)
        headers["content-type"] = "application/json" if json else "application/x-protobuf"
        headers["user-agent"] = user_agent
        if settings.token:
            headers["authorization"] = f"Bearer {settings.token}"
        if settings.tenant:
            headers["x-scope-orgid"] = settings.tenant
        headers |= {name.lower(): value for name, value in settings.headers.items()}
        self._labels = tuple(settings.labels.items())
        self._encode = encode_json if json else _snappy_encoder()
        self._poster = Poster(url, headers, compress=json)

    async def push(self, batch: Sequence[Record]) -> Outcome:
        """Sends one batch, once."""
        try:
            answer = await self._poster.post(self._encode(batch, self._labels))
        except NETWORK_ERRORS as error:
            return retry(str(error) or type(error).__name__)
        return verdict(answer, time.time())

    async def close(self) -> None:
        """Ends connections."""
        await self._poster.close()


def verdict(answer: Answer, now: float) -> Outcome:
    """Loki's table: only 204 says that the lines are kept. `now` in seconds since the epoch."""
    status = answer.status
    if status == 204:
        return OK
    if status == 429 or status >= 500:
        return retry(f"HTTP {status}", retry_after(answer.retry_after, now))
    if status in POISON:
        return Outcome(Verdict.SPLIT, f"HTTP {status}")
    return reject(f"HTTP {status}")


def endpoint(url: str) -> tuple[str, dict[str, str]]:
    """Where to push, and the header for a user and password that stand in the URL."""
    parts = urlsplit(url)
    path = parts.path if parts.path.strip("/") else PUSH_PATH
    host = parts.netloc.rpartition("@")[2]
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["authorization"] = "Basic " + b64encode(pair.encode()).decode()
    return urlunsplit((parts.scheme, host, path, parts.query, "")), headers


def encode_json(batch: Sequence[Record], more: Labels = ()) -> bytes:
    """The JSON body: streams, each with [nanoseconds, line, metadata] for a line."""
    streams = [
        {
            "stream": dict(labels + more),
            "values": [
                (str(record.timestamp_ns), _line(record).decode(), dict(record.metadata))
                for record in records
            ],
        }
        for labels, records in _streams(batch).items()
    ]
    return msgspec.json.encode({"streams": streams})


def encode_protobuf(batch: Sequence[Record], more: Labels = ()) -> bytes:
    """A PushRequest of logproto, not compressed yet."""
    return b"".join(
        message(1, text(1, selector(labels + more)) + b"".join([_entry(r) for r in records]))
        for labels, records in _streams(batch).items()
    )


def selector(labels: Labels) -> str:
    """Labels as Loki and Prometheus write them: {a="b", c="d"}."""
    quoted = [f"{name}={msgspec.json.encode(value).decode()}" for name, value in labels]
    return "{" + ", ".join(quoted) + "}"


def _entry(record: Record) -> bytes:
    seconds, nanos = divmod(record.timestamp_ns, 10**9)
    when = message(1, varint_field(1, seconds) + varint_field(2, nanos))
    pairs = b"".join([message(3, text(1, k) + text(2, v)) for k, v in record.metadata])
    return message(2, when + message(2, _line(record)) + pairs)


def _line(record: Record) -> bytes:
    line = record.data
    if len(line) <= MAX_LINE:
        return line
    return line[:MAX_LINE].decode("utf-8", "ignore").encode()


def _streams(batch: Sequence[Record]) -> dict[Labels, list[Record]]:
    streams: dict[Labels, list[Record]] = {}
    for record in batch:
        streams.setdefault(record.labels, []).append(record)
    return streams


def _snappy_encoder() -> Callable[[Sequence[Record], Labels], bytes]:
    import cramjam

    def encode(batch: Sequence[Record], more: Labels) -> bytes:
        return bytes(cramjam.snappy.compress_raw(encode_protobuf(batch, more)))

    return encode
