"""A request or an answer as dialects look at it: bytes, media type, and the JSON document in them.

Rule: bounded already (`text.content`); a document is parsed once, and only if somebody asks. Of a
streamed answer the beginning and the end will do; all else is whole.
"""

from __future__ import annotations

from agent.decode.bodies import lines
from agent.decode.bodies.text import parse
from agent.decode.payload import Refused
from agent.decode.shapes.binary import MARK, json_length
from agent.exchange import STREAMS, Fields, field

_OPENING = (b"{", b"[")
_BEFORE = b"\xef\xbb\xbf \t\r\n"
"""What may stand before a document: white space, and UTF-8's byte order mark."""
_SOON = 64
"""Bytes within which a document begins."""
NO_JSON = object()
"""In the place of a document where the bytes are none."""
_UNREAD = object()


class Message:
    """A body with its head's fields."""

    __slots__ = ("_document", "_kind", "binary", "fields", "is_like_json", "raw", "refused",
                 "tail", "target")  # fmt: skip

    def __init__(
        self, raw: bytes, fields: Fields, target: bytes, tail: bytes | None = None
    ) -> None:
        self.raw = raw
        """The bytes, content coding undone."""
        self.is_like_json = raw[:1] in _OPENING or raw[:_SOON].lstrip(_BEFORE)[:1] in _OPENING
        """Whether it begins as an object or a list does, whatever its type says."""
        self.tail = tail
        """The last bytes, where between `raw` and these some are missing; None: `raw` is all."""
        self.fields = fields
        self.target = target
        """Of the request, or of that which is answered; as it stood on the request line."""
        self.refused: Refused | None = None
        """Why there is no document, once asked for."""
        self.binary: bytes | None = None
        """What comes after the document, once that was asked for, where a field says that."""
        self._document: object = _UNREAD
        self._kind: bytes | None = None

    @property
    def kind(self) -> bytes:
        """The media type in lower case, without parameters; empty if none is named."""
        if self._kind is None:
            named = field(self.fields, b"content-type") or b""
            self._kind = named.partition(b";")[0].strip().lower()
        return self._kind

    @property
    def is_stream(self) -> bool:
        """Whether it comes event by event: by its type, or by how it begins."""
        return self.kind in STREAMS or self.raw[:5] in (b"data:", b"event")

    @property
    def is_lines(self) -> bool:
        """Whether its events are lines, and not server-sent events."""
        return self.kind in lines.KINDS

    @property
    def path(self) -> bytes:
        """Of the target, as it was sent."""
        return self.target.partition(b"?")[0]

    @property
    def document(self) -> object:
        """The JSON document, or NO_JSON; `refused` then says why."""
        if self._document is _UNREAD:
            try:
                if self.tail is not None:
                    raise Refused("too_large", "it is longer than capture.max_body_bytes")
                self._document = self._read()
            except Refused as refused:
                self.refused, self._document = refused, NO_JSON
        return self._document

    def json(self) -> object:
        """The document. Raises Refused where there is none."""
        document = self.document
        if self.refused is not None:
            raise self.refused
        return document

    def _read(self) -> object:
        raw = self.raw
        at = json_length(self.fields, len(raw)) if MARK in raw else None
        if at is None:
            return parse(raw, self.fields)
        self.binary = raw[at:]
        return parse(raw[:at], [])  # the content type is that of the whole


def part_of_stream(
    body: tuple[bytes, bytes, int] | None, fields: Fields, target: bytes
) -> Message | None:
    """An answer of which some is missing, if it is a stream in plain bytes; else None."""
    if body is None or not body[2]:
        return None
    part = Message(body[0], fields, target, body[1])
    coding = field(fields, b"content-encoding") or b"identity"
    return part if part.is_stream and coding.strip().lower() == b"identity" else None
