"""Heads that were parsed before, byte for byte.

Rule: nothing goes on unparsed. A peer on a kept connection sends the same head again and again;
the same bytes parse to the same head, so llhttp and our checks see them once. Only the plain case
is looked up: a whole message in one read, with a Content-Length or without a body, whose head asks
nothing of the connection. Everything else goes through the parser.

Measured: a third of the worker's own work a request (`bench hop`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from agent.exchange import Fields
from agent.proxy.head import RequestHead, ResponseHead
from agent.proxy.routes import Route

END = b"\r\n\r\n"
MAX_HEAD = 2048
"""Bytes; longer heads are not kept."""
MAX_HEADS = 512
"""Of each kind, a worker; past it the memory starts anew."""
GIVE_UP = 32
"""Misses in a row after which a connection is not looked up any more: its heads carry ids."""


class KnownRequest(NamedTuple):
    """A request's head, and what it becomes."""

    length: int
    """Of the body; bytes."""
    method: bytes
    target: bytes
    fields: Fields
    route: Route
    start: bytes
    """Request line and field lines to send on, without our own."""
    host: bytes


class KnownResponse(NamedTuple):
    """A response's head, and what it becomes."""

    length: int
    status: int
    fields: Fields
    start: bytes
    """Status line and field lines to send on, up to our own request id's value."""


_T = TypeVar("_T", KnownRequest, KnownResponse)


class Known(Generic[_T]):
    """The heads of one kind."""

    __slots__ = ("_heads", "get")

    get: Callable[[bytes], _T | None]
    """By the bytes of the head, its empty line included."""

    def __init__(self) -> None:
        self._heads: dict[bytes, _T] = {}
        self.get = self._heads.get

    def keep(self, raw: bytes, known: _T) -> None:
        """`raw` begins with the head and may hold more."""
        end = raw.find(END) + len(END)
        if end < len(END) or end > MAX_HEAD:
            return
        if len(self._heads) >= MAX_HEADS:
            self._heads.clear()
        self._heads[raw[:end]] = known


def is_plain_request(version: str, head: RequestHead) -> bool:
    """Whether a request asks nothing of the connection and carries no id of its own."""
    return (
        version == "1.1"
        and bool(head.host)
        and not (head.chunked or head.close or head.upgrade)
        and not (head.request_id or head.traceparent or head.tracestate or head.forwarded)
    )


def is_plain_response(status: int, head: ResponseHead) -> bool:
    """Whether a response ends by its Content-Length and leaves the connection open."""
    return (
        status >= 200
        and head.framing == "length"
        and head.version == "1.1"
        and not (head.close or head.request_id or head.upgrade or head.keep_alive)
    )
