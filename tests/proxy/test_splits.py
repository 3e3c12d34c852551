"""However a stream is cut into segments, the exchange is the same."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.origin import RawOrigin
from tests.wire import Message, Stream, chunked, request

UPSTREAM = (
    request(b"POST", b"/length", b"X-A: 1", body=b"0123456789")
    + request(b"GET", b"/none?q=%2F", b"Accept: */*")
    + request(b"POST", b"/chunked", b"Transfer-Encoding: chunked", b"Trailer: X-T")
    + chunked(b"abc", b"defghij" * 30, trailers=b"X-T: v\r\n")
    + request(b"HEAD", b"/head")
)
DOWNSTREAM = (
    b"HTTP/1.1 200 OK\r\nX-Set: a\r\nX-Set: b\r\nContent-Length: 6\r\n\r\nlength",
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
    + chunked(b"first", b"second" * 20, trailers=b"X-T: w\r\n"),
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
)
METHODS = (b"POST", b"GET", b"POST", b"HEAD")
CHANGING = {b"x-request-id", b"date"}

bounded = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted({cut % len(data) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if b > a]


def plain(message: Message) -> tuple[object, ...]:
    """What must not depend on the cuts."""
    fields = [(k, v) for k, v in message.fields if k.lower() not in CHANGING]
    interim = [plain(one) for one in message.interim]
    return message.start, fields, message.body, message.trailers, message.framing, interim


def exchange(
    client: Stream, origin: RawOrigin, up: list[bytes], down: list[int]
) -> list[tuple[object, ...]]:
    """All requests as the origin saw them, then all responses as the client did."""
    answers = iter(DOWNSTREAM)

    def answer(stream: Stream) -> None:
        for piece in pieces(next(answers), down):
            stream.send(piece)

    with origin.serving(answer) as seen:
        for piece in up:
            client.send(piece)
        got = [client.response(method) for method in METHODS]
    return [plain(message) for message in [*seen, *got]]


def test_byte_by_byte_is_the_same_as_at_once(connect, origin):
    whole = exchange(connect(), origin, [UPSTREAM], [])
    every = range(max(map(len, (UPSTREAM, *DOWNSTREAM))))
    assert exchange(connect(), origin, pieces(UPSTREAM, [*every]), [*every]) == whole


@given(up=st.lists(st.integers(0, 4000), max_size=30), down=st.lists(st.integers(0, 999)))
@bounded
def test_any_cuts_give_the_same_exchange(connect, origin, up, down):
    whole = exchange(connect(), origin, [UPSTREAM], [])
    assert exchange(connect(), origin, pieces(UPSTREAM, up), down) == whole


FIRST = {
    "length": request(b"POST", b"/first", body=b"body"),
    "chunked": request(b"POST", b"/first", b"Transfer-Encoding: chunked") + chunked(b"body"),
    "no body": request(b"GET", b"/first"),
}


@pytest.mark.parametrize("kind", FIRST)
def test_a_request_may_begin_before_the_answer_to_the_last_and_end_behind_it(client, origin, kind):
    """Its first bytes came with the request before, the rest after that one was answered."""
    second = b"\r\n" + request(b"POST", b"/second?q", b"X-A: 1", body=b"more")
    for cut in range(len(second) + 1):
        client.send(FIRST[kind], second[:cut])
        assert origin.serve().target == b"/first"
        assert client.response().status == 200
        client.send(second[cut:])
        seen = origin.serve()
        assert (seen.target, seen.body) == (b"/second?q", b"more"), cut
        assert client.response().status == 200


body_chunks = st.lists(st.binary(min_size=1, max_size=300), max_size=6)


@given(asked=body_chunks, answered=body_chunks, cuts=st.lists(st.integers(0, 4000), max_size=12))
@bounded
def test_any_chunked_bodies_arrive_as_they_were(connect, origin, asked, answered, cuts):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    def answer(stream: Stream) -> None:
        for piece in pieces(head + chunked(*answered), cuts):
            stream.send(piece)

    client = connect()
    sent = request(b"POST", b"/", b"Transfer-Encoding: chunked") + chunked(*asked)
    with origin.serving(answer) as seen:
        for piece in pieces(sent, cuts):
            client.send(piece)
        assert client.response().body == b"".join(answered)
    assert seen[0].body == b"".join(asked)
