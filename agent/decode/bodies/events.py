"""The events of a streamed answer: server-sent events, or JSON documents one a line (NDJSON).

Rule: bounded, and never guessed. Of a long answer the beginning and the end are there and what lies
between is missing; events that it cuts are left out.

Source: the HTML standard's "Server-sent events" for lines and their three ends. The events' names
are not read: each API that is decoded says in the JSON what an event is.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from agent.decode.bodies.message import Message
from agent.decode.bodies.text import parse
from agent.decode.payload import Refused

MAX_EVENTS = 1 << 15
"""Of the beginning and of the end each; an answer of more is refused."""
MOST_DAMAGED = 64
"""Events that are no strict JSON, before an answer is refused: they cost the most."""
END = b"[DONE]"
"""OpenAI's last event; the only one that is no JSON."""

_reader = msgspec.json.Decoder()
_document, _documents = _reader.decode, _reader.decode_lines

Document = dict[str, object]
"""A JSON object."""


class Events(NamedTuple):
    """What is there of an answer."""

    head: list[Document]
    """From the first one on."""
    tail: list[Document]
    """Up to the last one, if some between are missing; else empty."""
    gap: bool
    """Whether some are missing."""
    ended: bool
    """Whether the last one was `END`."""


def events_of(answer: Message) -> Events:
    """The events of an answer that `is_stream`. Raises Refused: too_large, malformed or empty."""
    raw, tail = answer.raw, answer.tail
    if tail is None:
        head, ended = _read(raw, answer.is_lines)
        found = Events(head, [], False, ended)
    else:
        head, _ = _read(raw[: max(raw.rfind(b"\n"), raw.rfind(b"\r")) + 1], answer.is_lines)
        begins = [at for at in (tail.find(b"\n"), tail.find(b"\r")) if at >= 0]
        rest, ended = _read(tail[min(begins) :] if begins else b"", answer.is_lines)
        found = Events(head, rest, True, ended)
    if not found.head:
        raise Refused("empty", "it has no events")
    return found


def _read(raw: bytes, is_lines: bool) -> tuple[list[Document], bool]:
    """The documents of whole lines, and whether `END` came."""
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = raw.split(b"\n")
    data = lines if is_lines else [line[5:] for line in lines if line[:5] == b"data:"]
    ended = False
    if END in raw:
        kept = [line for line in data if line.strip() != END]
        ended, data = len(kept) < len(data), kept
    if len(data) > MAX_EVENTS:
        raise Refused("too_large", f"it has more than {MAX_EVENTS} events")
    try:
        found = _documents(b"\n".join(data))
    except (ValueError, RecursionError):
        found = _one_by_one(data)
    return [document for document in found if type(document) is dict], ended


def _one_by_one(data: list[bytes]) -> list[object]:
    """Where one is damaged or cut: all others."""
    found: list[object] = []
    damaged = 0
    for line in data:
        try:
            found.append(_document(line))
        except (ValueError, RecursionError):
            if not line.strip():
                continue
            damaged += 1
            if damaged > MOST_DAMAGED:
                raise Refused("malformed", "most of its events are no JSON") from None
            try:
                found.append(parse(line, []))
            except Refused:
                continue
    return found
