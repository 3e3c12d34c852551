"""A request or an answer as dialects look at it: bytes, media type, and the JSON document in them.

Rule: bounded already (`text.content`); a document is parsed once, and only if somebody asks.
"""

from __future__ import annotations

from agent.decode.payload import Refused
from agent.decode.text import parse
from agent.exchange import Fields, field

NO_JSON = object()
"""In the place of a document where the bytes are none."""
_UNREAD = object()


class Message:
    """A whole body with its head's fields."""

    __slots__ = ("_document", "_kind", "fields", "raw", "refused", "target")

    def __init__(self, raw: bytes, fields: Fields, target: bytes) -> None:
        self.raw = raw
        """The bytes, content coding undone."""
        self.fields = fields
        self.target = target
        """Of the request, or of that which is answered; as it stood on the request line."""
        self.refused: Refused | None = None
        """Why there is no document, once asked for."""
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
    def path(self) -> bytes:
        """Of the target, as it was sent."""
        return self.target.partition(b"?")[0]

    @property
    def document(self) -> object:
        """The JSON document, or NO_JSON; `refused` then says why."""
        if self._document is _UNREAD:
            try:
                self._document = parse(self.raw, self.fields)
            except Refused as refused:
                self.refused, self._document = refused, NO_JSON
        return self._document

    def json(self) -> object:
        """The document. Raises Refused where there is none."""
        document = self.document
        if self.refused is not None:
            raise self.refused
        return document
