"""Damaged responses: a client sees the message that was sent, our 502, or an abort.

Each mutant is the answer to a request of its own; h11 reads what the origin sent and what the
client got. A message that is whole for the client must be whole, and the same, at its origin;
one that is cut must be a beginning of it. A canary follows each, over the same pool.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import h11
import httptools
import pytest

from tests.fuzz import mutator
from tests.fuzz.recording import Canary, Recorded, Recording, bound, run, shoot
from tests.harness import Outrider, eventually
from tests.wire import Fields, chunked, response

LANES = 8
SEEDS = (
    response(b"ok", b"X-A: 1", b"Set-Cookie: a", b"Set-Cookie: b"),
    response(b'{"predictions": [1]}', b"Content-Type: application/json"),
    response(b"none", b"Connection: close", length=False),
    response(status=b"204 No Content", length=False),
    response(b"", b"ETag: x", status=b"304 Not Modified"),
    response(b"moved", b"Location: /x", status=b"302 Found"),
    response(b"no", b"Retry-After: 3", b"X-Request-Id: theirs", status=b"503 Busy"),
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + response(b"after"),
    b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"after"),
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc", b"data: 1\n\n"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
    + chunked(b"abc", trailers=b"X: 1\r\n"),
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
    b"Content-Length: 2\r\n\r\nok",
    response(b"one") + response(b"two"),
)
METHODS = (b"GET", b"POST", b"HEAD", b"GET")
OURS = {
    b"via", b"x-request-id", b"connection", b"transfer-encoding", b"content-length", b"keep-alive",
}  # fmt: skip
EMPTY = re.compile(rb"\A[\r\n]+|(?<=\r\n\r\n)[\r\n]+(?=HTTP/1\.)")
"""Empty lines before a status line: llhttp tolerates them, h11 does not, nobody passes them on."""
OWN = b'{"error": {"reason": "upstream_'


class Got(NamedTuple):
    """A response as h11 reads it, as far as it goes."""

    interim: list[int]
    status: int
    fields: Fields
    body: bytes
    whole: bool
    fault: str


def read(method: bytes, data: bytes, closed: bool) -> Got:
    """The first response in `data`; `closed`: the connection ended behind it."""
    client = h11.Connection(h11.CLIENT)
    fields = [(b"host", b"a")] + ([(b"content-length", b"0")] if method == b"POST" else [])
    client.send(h11.Request(method=method, target=b"/", headers=fields))
    client.send(h11.EndOfMessage())
    interim, status, got, body = [], 0, [], b""
    try:
        if data:
            client.receive_data(data)
        if closed:
            client.receive_data(b"")
        while not isinstance(
            event := client.next_event(), (h11.EndOfMessage, h11.ConnectionClosed)
        ):
            if isinstance(event, h11.InformationalResponse):
                interim.append(event.status_code)
            elif isinstance(event, h11.Response):
                status, got = event.status_code, [*event.headers]
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                return Got(interim, status, got, body, False, "")
    except h11.RemoteProtocolError as error:
        return Got(interim, status, got, body, False, str(error))
    return Got(interim, status, got, body, isinstance(event, h11.EndOfMessage), "")


class Sent(NamedTuple):
    """What the origin sends to a request, and what it does then."""

    method: bytes
    data: bytes
    cut: int
    closes: bool


def sent(seed: int, number: int) -> Sent:
    data = mutator.mutant(seed, number, SEEDS)
    method = METHODS[number % len(METHODS)]
    end = _end(method, data)
    # What comes behind a response goes with it: alone, and once the connection has its next
    # request, it would be the answer to that to any client of HTTP/1.1 (RFC 9112 section 9.3.2).
    cut = number % 61 if method != b"HEAD" and end in (None, len(data)) else 0
    return Sent(method, data, cut, number % 3 > 0 or end is None)


def _end(method: bytes, data: bytes) -> int | None:
    """Where the response is over to llhttp; if nowhere, the origin must end it by closing."""
    done: list[int] = []

    class Done:
        def on_message_complete(self) -> None:
            done.append(parser.get_status_code())

    parser = httptools.HttpResponseParser(Done())
    for at in range(len(data)):
        try:
            parser.feed_data(data[at : at + 1])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return None
        if done and done[-1] >= 200:
            return None if method == b"HEAD" else at + 1
    return None


class Answering(Recorded):
    """Answers /N with mutant N, anything else as a good origin."""

    def __init__(self, origin: Recording, mutants: dict[int, Sent]) -> None:
        self._mutants = mutants
        self._target = b""
        super().__init__(origin)

    def on_message_begin(self) -> None:
        self._target = b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_message_complete(self) -> None:
        if not self._target[1:].isdigit():
            super().on_message_complete()
            return
        _, data, cut, closes = self._mutants[int(self._target[1:])]
        self._transport.write(data[:cut])
        asyncio.get_running_loop().call_soon(self._rest, data[cut:], closes)

    def _rest(self, data: bytes, closes: bool) -> None:
        self._transport.write(data)
        if closes:
            self._transport.close()


def check(number: int, one: Sent, got: bytes, ended: str) -> str:
    """What the client saw: "whole", "ours" or "cut". Fails if it may not be so."""
    seen = read(one.method, got, closed=ended == "eof")
    told = read(one.method, one.data, one.closes)
    if told.fault:
        told = read(one.method, EMPTY.sub(b"", one.data), one.closes)
    case = (number, one, got, ended, told)
    if OWN in got[:1000] or (one.method == b"HEAD" and seen.status in (502, 504)):
        assert seen.whole or one.method == b"HEAD", case
        return "ours"
    if not got:
        return "cut"
    assert not seen.fault or not seen.whole, case
    for name, value in seen.fields:
        assert name in OURS or (name, value) in told.fields, case
    if seen.whole:
        assert told.whole, case
        assert (seen.status, seen.body) == (told.status, told.body), case
        assert seen.interim == told.interim, case
        return "whole"
    assert told.body.startswith(seen.body), case
    return "cut"


async def lane(proxy: Outrider, name: int, work: Iterator[tuple[int, Sent]], seen: Counter) -> None:
    _, canary = await asyncio.get_running_loop().create_connection(Canary, *proxy.address)
    for number, one in work:
        length = b"Content-Length: 0\r\n" if one.method == b"POST" else b""
        asked = b"%b /%d HTTP/1.1\r\nHost: model.test\r\n%b\r\n" % (one.method, number, length)
        got, ended = await shoot(proxy.address, asked)
        seen[check(number, one, got, ended)] += 1
        own = b"canary-%d-%d" % (name, number)
        answer = await canary.ask(own)
        assert answer.startswith(b"HTTP/1.1 200 "), (number, one, answer)
        assert answer.endswith(b"\r\n\r\n" + own), (number, one, answer)
        seen["canaries"] += 1
    canary.close()


def attack(proxy: Outrider, listener, numbers: Iterable[int], seed: int) -> Counter:
    """Asks for each of the mutants; what clients saw, by kind."""
    origin, mutants, seen = Recording(), {}, Counter()

    def work() -> Iterator[tuple[int, Sent]]:
        for number in numbers:
            mutants[number] = one = sent(seed, number)
            yield number, one
            mutants.pop(number - 100, None)  # answered long since
            if number % 1_000 == 0:
                origin.take()

    async def all() -> None:
        queue = work()
        await asyncio.gather(*(lane(proxy, n, queue, seen) for n in range(LANES)))

    run(listener, lambda: Answering(origin, mutants), all)
    return seen


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_mutants(start):
    seed, first, count = mutator.seed(), mutator.first(), mutator.count(4_000)
    settings = {"client_eof": "half_close", "timeouts": {"total": "5s"}}
    if count > 50_000:
        settings["logs"] = {"stdout": False}
    with bound() as listener:
        proxy = start(f"http://127.0.0.1:{listener.getsockname()[1]}", settings)
        seen = attack(proxy, listener, range(first, first + count), seed)
        print(dict(seen))
        assert seen["whole"] + seen["ours"] + seen["cut"] == count == seen["canaries"]
        assert seen["whole"] > count // 10
        assert seen["ours"] > count // 10
        name = "http_server_request_duration_seconds_count"
        eventually(lambda: proxy.metric(name) == 2 * count, "each request to be counted, once")
