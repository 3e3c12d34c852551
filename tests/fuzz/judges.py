"""Four independent readings of the bytes that reached an origin.

Rule: each parser is used as its own server uses it, tolerances and all, on the whole of what one
connection received; what two of them read differently is where a smuggled request would hide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import h11
import httptools
from aiohttp import http_exceptions, http_parser, streams
from gunicorn.config import Config
from gunicorn.http.errors import ExpectationFailed, NoMoreData, ParseException
from gunicorn.http.parser import RequestParser

STEP = 32 << 10
LARGE = 1 << 20


class Seen(NamedTuple):
    """One request as a server would have served it."""

    method: bytes
    target: bytes
    ids: tuple[bytes, ...]
    """Its X-Request-Id fields: how Outrider marks a request that it believes in."""
    body: bytes


class Reading(NamedTuple):
    """What a parser makes of a connection: its whole requests, and what it calls malformed."""

    whole: list[Seen]
    fault: str
    partial: bool = False
    """It refused what the grammar of HTTP allows (an Expect, two Content-Types) and stopped."""


def ids_of(fields: Any) -> tuple[bytes, ...]:
    return tuple(bytes(v) for n, v in fields if n.lower() == b"x-request-id")


def read_by_h11(data: bytes) -> Reading:
    whole: list[Seen] = []
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGE)
    try:
        for at in range(0, len(data), STEP):
            server.receive_data(data[at : at + STEP])
            _pull(server, whole)
    except h11.RemoteProtocolError as error:
        return Reading(whole, str(error))
    return Reading(whole, "")


def _pull(server: h11.Connection, whole: list[Seen]) -> None:
    """Takes out what is complete; the request under way stays in `server.client_request`."""
    while True:
        event = server.next_event()
        if event is h11.NEED_DATA or event is h11.PAUSED:
            return
        if isinstance(event, h11.Request):
            server.asked, server.got = event, bytearray()
        elif isinstance(event, h11.Data):
            server.got += event.data
        elif isinstance(event, h11.EndOfMessage):
            asked, got = server.asked, server.got
            whole.append(Seen(asked.method, asked.target, ids_of(asked.headers), bytes(got)))
            server.send(h11.Response(status_code=404, headers=[(b"content-length", b"0")]))
            server.send(h11.EndOfMessage())
            server.start_next_cycle()


class _Llhttp:
    """httptools' callbacks, as uvicorn uses them."""

    def __init__(self) -> None:
        self.whole: list[Seen] = []
        self._begin()

    def _begin(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self._clear()

    def _clear(self) -> None:
        self._target, self._fields, self._body = b"", [], bytearray()

    def feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._begin()

    def on_message_begin(self) -> None:
        self._clear()

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_body(self, piece: bytes) -> None:
        self._body += piece

    def on_message_complete(self) -> None:
        ids, method = ids_of(self._fields), self.parser.get_method()
        self.whole.append(Seen(method, self._target, ids, bytes(self._body)))


def read_by_llhttp(data: bytes) -> Reading:
    server = _Llhttp()
    try:
        for at in range(0, len(data), STEP):
            server.feed(data[at : at + STEP])
    except httptools.HttpParserError as error:
        return Reading(server.whole, repr(error))
    return Reading(server.whole, "")


_gunicorn = Config()
for _name in ("limit_request_line", "limit_request_field_size"):
    _gunicorn.set(_name, 0)
_gunicorn.set("limit_request_fields", 32768)


def read_by_gunicorn(data: bytes) -> Reading:
    """Its pure Python parser. It reads a request's body to the end before the next request."""
    whole: list[Seen] = []
    source: Iterator[bytes] = iter([data[at : at + STEP] for at in range(0, len(data), STEP)])
    parser = RequestParser(_gunicorn, source, ("127.0.0.1", 1))
    try:
        with suppress(StopIteration, NoMoreData):
            while True:
                asked = next(parser)
                body = asked.body.read()
                fields = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in asked.headers]
                length = next((int(v) for n, v in fields if n == b"CONTENT-LENGTH"), len(body))
                if len(body) < length:
                    break
                line = asked.method.encode(), asked.uri.encode("latin-1")
                whole.append(Seen(*line, ids_of(fields), body))
    except (ParseException, ValueError) as error:
        if isinstance(error, ExpectationFailed) or "'CONTENT-TYPE'" in repr(error):
            return Reading(whole, "", partial=True)
        return Reading(whole, repr(error))
    return Reading(whole, "")


class _Protocol:
    """What aiohttp's parser wants to know of a connection."""

    _reading_paused = False

    def pause_reading(self) -> None: ...
    def resume_reading(self, resume_parser: bool = True) -> None: ...


def _aiohttp_parser() -> http_parser.HttpRequestParserPy:
    return http_parser.HttpRequestParserPy(
        _Protocol(),
        asyncio.get_running_loop(),
        limit=1 << 30,
        max_line_size=LARGE,
        max_headers=LARGE,
        max_field_size=LARGE,
        auto_decompress=False,
    )


def read_by_aiohttp(data: bytes) -> Reading:
    """Its pure Python parser, where an event loop runs; begun anew behind a refused upgrade."""
    parser = _aiohttp_parser()
    found: list[tuple[Any, streams.StreamReader]] = []
    fault, partial = "", False
    try:
        for at in range(0, len(data), STEP):
            rest = data[at : at + STEP]
            while rest:
                messages, upgraded, rest = parser.feed_data(rest)
                found += messages
                if upgraded:
                    parser = _aiohttp_parser()
    except http_exceptions.HttpProcessingError as error:
        partial = "Duplicate 'Content-Type'" in repr(error)
        fault = "" if partial else repr(error)
    whole: list[Seen] = []
    for asked, body in found:
        if body.exception() is not None:
            fault = fault or repr(body.exception())
        elif body.is_eof():
            line = asked.method.encode(), asked.path.encode("utf-8", "surrogateescape")
            whole.append(Seen(*line, ids_of(asked.raw_headers), body.read_nowait(-1)))
    return Reading(whole, fault, partial)


JUDGES: dict[str, Callable[[bytes], Reading]] = {
    "h11": read_by_h11,
    "llhttp": read_by_llhttp,
    "gunicorn": read_by_gunicorn,
    "aiohttp": read_by_aiohttp,
}
