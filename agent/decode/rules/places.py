"""Values at the places that rules name: in an exchange's documents, its head and its columns.

Rule: bounded as `agent.decode.rules.walk` is, and nothing is parsed before a rule asks for it.

A JSON Lines body, or an answer that comes event by event, is the list of its documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs

from agent.decode.bodies import lines
from agent.decode.bodies.events import events_of
from agent.decode.bodies.message import NO_JSON, Message
from agent.decode.bodies.text import content
from agent.decode.payload import Columns, Refused
from agent.decode.rules.tally import Why
from agent.decode.rules.walk import Steps, TooMany, Walk
from agent.decode.shapes import delimited
from agent.exchange import Exchange, field
from agent.settings.expressions import Place

MAX_QUERY = 8192
"""Bytes of a target's query that are read."""
MAX_PARAMETERS = 256


class Unfound(Exception):
    """There is nothing at a place, and why."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


class Places:
    """Of one exchange."""

    __slots__ = ("_documents", "_exchange", "_walk")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._documents: dict[bool, tuple[object] | Unfound] = {}
        self._walk = Walk()

    def at(self, place: Place, inputs: Columns, outputs: Columns) -> Sequence[object]:
        """All values at a place; at least one. Raises Unfound."""
        of, name = place.of, place.name
        if not name:
            return self.along(of == "request", place.steps)
        if of == "header":
            return (self._in_field(name),)
        if of == "query":
            return (self._in_query(name),)
        column = outputs.get(name) if of != "input" else None
        if column is None and of != "output":
            column = inputs.get(name)
        if column is None or not len(column):
            raise Unfound("absent")
        return column

    def along(self, of_request: bool, steps: Steps) -> list[object]:
        """All values on a path, at least one. Raises Unfound."""
        try:
            found = self._walk.along(self._document(of_request), steps)
        except TooMany:
            raise Unfound("bounds") from None
        if not found:
            raise Unfound("absent")
        return found

    def _document(self, of_request: bool) -> object:
        found = self._documents.get(of_request)
        if found is None:
            found = self._documents[of_request] = _read(self._exchange, of_request)
        if isinstance(found, Unfound):
            raise found
        return found[0]

    def _in_field(self, name: str) -> object:
        sent = field(self._exchange.request_fields, name.encode("utf-8"))
        if sent is None:
            raise Unfound("absent")
        return delimited.cell(sent.decode("latin-1"))

    def _in_query(self, name: str) -> object:
        query = self._exchange.target.partition(b"?")[2][:MAX_QUERY].decode("latin-1")
        try:
            named = parse_qs(query, errors="replace", max_num_fields=MAX_PARAMETERS)
        except ValueError:
            raise Unfound("bounds") from None
        if name not in named:
            raise Unfound("absent")
        return delimited.cell(named[name][0])


def _read(x: Exchange, of_request: bool) -> tuple[object] | Unfound:
    """The document, or why there is none."""
    body = x.request_body if of_request else x.response_body
    fields = x.request_fields if of_request else x.response_fields
    try:
        message = Message(content(body, fields), fields, x.target)
        if message.is_lines:
            return (lines.documents(message.raw),)
        if message.is_stream:
            return (events_of(message).head,)
        if message.document is NO_JSON and message.raw[:1] in (b"{", b"["):
            return (lines.documents(message.raw),)
        return (message.json(),)
    except Refused as refused:
        return Unfound("bounds" if refused.outcome == "too_large" else "not_json")
    except RecursionError:
        return Unfound("bounds")
