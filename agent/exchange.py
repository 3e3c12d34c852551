"""What one request and its response were: the only thing that proxy and observer both know.

Rule: plain data and its wire form, nothing else. The worker makes an `Exchange` when a request
is over, appends it to a batch and sends the batch as one frame; the observer reads frames back.

Wire form (both ends are forks of one process, so the interpreter's own `marshal` serves): a frame
is a 16-byte little-endian header, length of the payload, number of the worker and when it was
handed over (`time.monotonic_ns`, one clock for all processes of a machine: a wall clock may jump),
then the payload: its CRC-32 and `marshal.dumps((first, [tuple(exchange), ...]))`, where `first` is
the sequence number of the batch's first record, counted by the worker over its whole life. The
observer knows from a gap in it how many records were lost with a connection or a process, to the
last one. The checksum (measured: 0.1 µs a record) is there because `marshal` makes room for as many
items as damaged bytes say: gigabytes for a few.
"""

from __future__ import annotations

import marshal
import struct
from functools import partial
from typing import NamedTuple
from zlib import crc32

FRAME = struct.Struct("<IIQ")
_BEGIN = struct.Struct("<IIQI")
"""`FRAME`, and the payload's checksum."""
_CHECK = _BEGIN.size - FRAME.size
MAX_FRAME = 64 << 20
"""Bytes; a longer frame is a fault of the sender's and ends its connection."""

Fields = list[tuple[bytes, bytes]]
"""Header fields as they came: order, case and duplicates kept."""

ABSENT = -1.0
"""A timing of something that did not happen (no connect on a reused connection, say)."""

JSON_LINES = frozenset(
    (
        b"application/jsonlines",
        b"application/x-jsonlines",
        b"application/jsonl",
        b"application/x-ndjson",
        b"application/ndjson",
    )
)
"""Media types of JSON documents, one a line; none is registered."""
STREAMS = JSON_LINES | {b"text/event-stream"}
"""Media types of what comes event by event."""


class Body(NamedTuple):
    """A bounded copy of a body: its first bytes, its last ones, and how many between are missing.

    `head + tail` is the whole body if `skipped` is 0.
    """

    head: bytes
    tail: bytes
    skipped: int


class Trace(NamedTuple):
    """The two spans' identity, made by the worker because it had to put them on the wire."""

    trace_id: bytes
    """16 bytes."""
    server_span_id: bytes
    """8 bytes."""
    client_span_id: bytes
    """8 bytes."""
    parent_span_id: bytes
    """8 bytes, or empty if the client sent no trace context."""
    tracestate: bytes


class Exchange(NamedTuple):
    """One request and its response. Durations in seconds, sizes in bytes."""

    start_ns: int
    """Wall clock when the request head was complete, ns since the epoch."""
    request_id: bytes
    method: bytes
    """Empty, as the target is, if no request could be read."""
    target: bytes
    """As on the request line, query and all; never a label."""
    version: str
    """Of the client's request: "1.1" or "1.0"."""
    route: str
    """Bounded template, such as "/v1/models/{model}:predict"."""
    model: str
    """What the worker could know cheaply (path, header, config); may be empty."""
    status: int
    """What the client got, or 499 if it left before the end."""
    error: str
    """Empty, or one of `ledger.REASONS`: the failure was found by the proxy."""
    duration: float
    """Request head received to last byte of the response handed to the kernel, or given up."""
    sent: float
    """Request head received to head written upstream, or ABSENT."""
    connect: float
    """Opening the upstream connection, or ABSENT on a reused one."""
    upstream: float
    """Request sent (its last byte) to the response's first byte, or ABSENT."""
    stream: float
    """First to last byte of the response, or ABSENT."""
    overhead: float
    """Ours alone, as the contract defines it."""
    request_size: int
    response_size: int
    pieces: int
    """Reads in which the response arrived."""
    largest_gap: float
    """Longest wait for the model server between two reads of the body, in seconds."""
    first_piece: float
    """Request sent (its last byte) to the first byte of the response's body, or ABSENT."""
    streamed: bool
    """The response was one of `STREAMS`, of a length that its head did not say."""
    client: str
    """Address of the peer, without its port."""
    upstream_reused: bool
    resent: bool
    """Sent a second time by the one retry rule."""
    upgrade: str
    """"websocket" if the connection became a tunnel, else empty; sizes then are the tunnel's."""
    trace: tuple[bytes, bytes, bytes, bytes, bytes] | None
    """A `Trace` as a plain tuple, or None: not sampled, or no exporter."""
    request_fields: Fields
    response_fields: Fields
    capture: str
    """Why bodies are here or not: "full", "unsampled", "budget" or "off"."""
    request_body: tuple[bytes, bytes, int] | None
    """A `Body` as a plain tuple."""
    response_body: tuple[bytes, bytes, int] | None


_made = partial(tuple.__new__, Exchange)
"""Of a whole tuple of its fields; what `Exchange(*fields)` does, without naming them one by one."""
_LENGTHS = {len(Exchange._fields)}


def encode(worker: int, first: int, sent_ns: int, batch: list[tuple[object, ...]]) -> bytes:
    """One frame of a batch of exchanges, each already a plain tuple of `Exchange`'s fields."""
    data = marshal.dumps((first, batch))
    return _BEGIN.pack(_CHECK + len(data), worker, sent_ns, crc32(data)) + data


def decode(payload: bytes | bytearray | memoryview) -> tuple[int, list[Exchange]]:
    """Sequence number of the first record, and the records of one frame's payload.

    Raises ValueError, or TypeError if what was encoded were no exchanges.
    """
    data = memoryview(payload)[_CHECK:]
    if not data or crc32(data) != int.from_bytes(payload[:_CHECK], "little"):
        raise ValueError("a damaged frame")
    first, batch = marshal.loads(data)
    if not set(map(len, batch)) <= _LENGTHS:
        raise TypeError("a record with more or fewer fields than an exchange")
    return first, [*map(_made, batch)]


def field(fields: Fields, name: bytes) -> bytes | None:
    """First value of the field `name` (given in lower case), or None."""
    for key, value in fields:
        if len(key) == len(name) and key.lower() == name:
            return value
    return None
