"""Any stream of valid requests, in any reads: the same requests, one a read, the rest unparsed.

Beside `test_reader.py`, which holds one stream against all cuts: here the streams are made up,
with upgrades that are refused and have a body, and empty lines wherever they may stand.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings

from agent.exchange import Fields
from agent.proxy.capture import Budget
from agent.proxy.head import BadMessage, RequestHead
from agent.proxy.hop import Hop, Limits, Sampling
from agent.proxy.reader import SLICE, RequestReader
from agent.proxy.routes import Routes
from tests.proxy.streams import Asked, asked, cuts, pieces, streams
from tests.wire import chunked, request


class Told:
    """A sink that writes down what it is told, bodies joined, and holds it to the order."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.raws: list[bytes] = []
        self.ended = 0
        self._stage = "ended"

    def request_begun(self, method: bytes, target: bytes, version: str, fields: Fields) -> None:
        assert self._stage == "ended"
        assert version == "1.1"
        self._stage = "begun"
        self.requests.append(Asked(b"", b"", method, target, fields, b"", [], b""))

    def request_head(self, head: RequestHead, raw: bytes) -> None:
        assert self._stage == "begun"
        self._stage = "body"
        self.raws.append(raw)
        self.requests[-1] = self.requests[-1]._replace(upgrade=head.upgrade)

    def request_piece(self, piece: bytes) -> None:
        assert self._stage == "body"
        last = self.requests[-1]
        self.requests[-1] = last._replace(body=last.body + piece)

    def request_ended(self, trailers: Fields) -> None:
        assert self._stage == "body"
        self._stage = "ended"
        self.ended += 1
        self.requests[-1] = self.requests[-1]._replace(trailers=trailers)


def reader(**limits: int) -> tuple[RequestReader, Told]:
    told = Told()
    hop = Hop(Limits(**limits), Sampling(), Routes(), Budget(0))
    return RequestReader(hop, told), told


def read(pieces: Iterable[bytes]) -> Told:
    """All of a stream, as a connection reads it: what lies behind a request comes again later."""
    requests, told = reader()
    for piece in pieces:
        rest = piece
        while rest:
            before, given = told.ended, rest
            rest = requests.read(rest)
            assert told.ended <= before + 1, "one request a read"
            assert given.endswith(rest)
            assert not rest or told.ended == before + 1
    return told


def read_all(requests: RequestReader, pieces: Iterable[bytes]) -> None:
    """Pieces of one request."""
    for piece in pieces:
        assert requests.read(piece) == b""


def expected(stream: Iterable[Asked]) -> list[Asked]:
    return [one._replace(wire=b"", head=b"") for one in stream]


def upgraded(kind: bytes, *more: bytes, body: bytes | None = None) -> bytes:
    lines = (b"Connection: Upgrade", b"Upgrade: " + kind, *more)
    return request(b"POST" if body is not None or more else b"GET", b"/up", *lines, body=body)


@given(stream=streams, at=cuts)
@settings(max_examples=250, deadline=None)
def test_any_reads_of_any_stream_are_the_same_requests(stream, at):
    told = read(pieces(b"".join(one.wire for one in stream), at))
    assert told.requests == expected(stream)
    assert told.ended == len(stream)


@given(stream=streams, at=cuts)
@settings(max_examples=150, deadline=None)
def test_what_may_be_remembered_of_a_head_is_its_own_bytes(stream, at):
    """Or nothing: never another head's, nor empty lines."""
    told = read(pieces(b"".join(one.wire for one in stream), at))
    for one, raw in zip(stream, told.raws, strict=True):
        assert not raw or raw.startswith(one.head)


@given(asked())
def test_of_a_request_that_came_whole_something_is_remembered(one):
    told = read([one.wire])
    assert bool(told.raws[0]) == one.wire.startswith(one.head)


@given(stream=streams)
@settings(max_examples=100, deadline=None)
@example(stream=[Asked(upgraded(b"h2c"), b"", b"GET", b"/up", [], b"", [], b"")] * 2)
def test_of_a_read_with_many_requests_the_first_is_parsed_and_the_rest_given_back(stream):
    requests, told = reader()
    rest = b"".join(one.wire for one in stream)
    for n, one in enumerate(stream, 1):
        assert rest.startswith(one.wire)
        rest = rest[len(one.wire) :]
        given = one.wire + rest
        assert requests.read(given) == rest
        assert (told.ended, len(told.requests)) == (n, n)
        assert not requests.begun


# ---- upgrades

BODIES = {
    "none": upgraded(b"h2c"),
    "length": upgraded(b"h2c", body=b"0123456789"),
    "zero": upgraded(b"h2c", body=b""),
    "chunked": upgraded(b"h2c", b"Transfer-Encoding: chunked") + chunked(b"01234", b"56789"),
    "chunked and empty": upgraded(b"h2c", b"Transfer-Encoding: chunked") + chunked(),
}


@pytest.mark.parametrize("kind", BODIES)
def test_an_upgrade_that_is_refused_is_a_plain_request_at_any_cut(kind):
    following = request(b"POST", b"/next", body=b"abc")
    whole = BODIES[kind] + following
    for cut in range(1, len(whole)):
        told = read([whole[:cut], whole[cut:]])
        assert [one.target for one in told.requests] == [b"/up", b"/next"], cut
        assert told.requests[0].body == (b"0123456789" if kind in ("length", "chunked") else b"")
        assert told.requests[1].body == b"abc"
        assert told.ended == 2


def test_what_follows_an_upgrade_that_is_allowed_is_not_parsed():
    for behind in (b"", b"\x81\x05hello", request(), b"\r\n"):
        requests, told = reader()
        assert requests.read(upgraded(b"websocket") + behind) == behind
        assert told.ended == 1
        assert told.requests[0].upgrade == b"websocket"


# ---- bounds, whatever the reads


@pytest.mark.parametrize("size", [1, 7, SLICE - 1, SLICE, SLICE + 1, 1 << 20])
def test_a_large_body_is_whole_in_reads_of_any_size(size):
    body = bytes(range(256)) * 40
    for wire in (
        request(b"POST", b"/", body=body),
        request(b"POST", b"/", b"Transfer-Encoding: chunked") + chunked(body, body[:5000], b"x"),
    ):
        whole = wire + request(b"GET", b"/after")
        told = read(whole[n : n + size] for n in range(0, len(whole), size))
        assert [one.target for one in told.requests] == [b"/", b"/after"]
        assert told.requests[0].body in (body, body + body[:5000] + b"x")


@pytest.mark.parametrize("framing", [b"", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("slices", [1, 2])
def test_an_empty_line_may_lie_across_two_of_the_slices_that_a_read_is_parsed_in(framing, slices):
    """And another request right behind it, in the same read."""
    behind = request(b"GET", b"/behind")
    tail = chunked(b"x") if framing else b""
    for size in range(slices * SLICE - 5, slices * SLICE + 6):
        lines = [framing] if framing else []
        short = len(request(b"POST", b"/", *lines, b"X-A: "))
        head = request(b"POST", b"/", *lines, b"X-A: " + b"v" * (size - short))
        told = read([head + tail + behind])
        assert [one.target for one in told.requests] == [b"/", b"/behind"], size
        assert told.ended == 2


@pytest.mark.parametrize("size", [1, 100, SLICE, 1 << 20])
@pytest.mark.parametrize("after", [b"\r\nabc\r\n", b"\r\n"])
def test_a_chunks_extension_is_held_to_the_limit_of_a_head_in_reads_of_any_size(size, after):
    requests, told = reader(head_bytes=4096)
    requests.read(request(b"POST", b"/", b"Transfer-Encoding: chunked"))
    chunk = b"3;e=" + b"x" * 9000 + after
    with pytest.raises(BadMessage) as caught:
        read_all(requests, (chunk[n : n + size] for n in range(0, len(chunk), size)))
    assert caught.value.status == 400
    assert told.ended == 0


@pytest.mark.parametrize("size", [1, 100, SLICE, 1 << 20])
def test_each_head_extension_and_trailer_section_has_the_limit_for_itself(size):
    large = b"X-A: " + b"v" * 3000
    chunk = b"3;e=" + b"x" * 3000 + b"\r\nabc\r\n"
    wire = (
        request(b"POST", b"/1", b"Transfer-Encoding: chunked", large)
        + chunk * 3
        + (b"0\r\n" + large + b"\r\n\r\n")
        + request(b"GET", b"/2", large) * 2
    )
    requests, told = reader(head_bytes=4096)
    for n in range(0, len(wire), size):
        rest = wire[n : n + size]
        while rest:
            rest = requests.read(rest)
    assert [one.target for one in told.requests] == [b"/1", b"/2", b"/2"]
    assert told.ended == 3


@pytest.mark.parametrize("size", [1, 100, SLICE, 1 << 20])
@pytest.mark.parametrize(
    ("wire", "limits", "status"),
    [
        (request(b"GET", b"/" + b"t" * 9000), {"head_bytes": 4096}, 414),
        (request(b"GET", b"/", b"X-A: " + b"v" * 9000), {"head_bytes": 4096}, 431),
        (request(b"GET", b"/", *[b"X-A: 1"] * 20), {"fields": 20}, 431),
        (request(b"POST", b"/", body=bytes(101)), {"body_bytes": 100}, 413),
        (request(b"POST", b"/", b"Content-Length: 101"), {"body_bytes": 100}, 413),
        (
            request(b"POST", b"/", b"Transfer-Encoding: chunked") + chunked(bytes(60), bytes(41)),
            {"body_bytes": 100},
            413,
        ),
        (b"\r\n" * 5000 + request(), {"head_bytes": 4096}, 414),
    ],
)
def test_limits_hold_in_reads_of_any_size(wire, limits, status, size):
    requests, told = reader(**limits)
    with pytest.raises(BadMessage) as caught:
        read_all(requests, (wire[n : n + size] for n in range(0, len(wire), size)))
    assert caught.value.status == status
    assert told.ended == 0


@pytest.mark.parametrize(
    "wire",
    [
        request(b"POST", b"/", body=bytes(100)),
        request(b"POST", b"/", b"Transfer-Encoding: chunked") + chunked(bytes(60), bytes(40)),
        request(b"GET", b"/", *[b"X-A: 1"] * 19),
    ],
)
def test_just_the_limit_passes(wire):
    requests, told = reader(body_bytes=100, fields=20)
    assert requests.read(wire) == b""
    assert told.ended == 1


def test_a_bad_request_behind_a_good_one_is_bad_only_when_its_turn_comes():
    requests, told = reader()
    rest = requests.read(request() + b"BAD\r\n\r\n")
    assert (told.ended, rest) == (1, b"BAD\r\n\r\n")
    with pytest.raises(BadMessage):
        requests.read(rest)


@pytest.mark.parametrize(
    "bad", [b"GET  /evil HTTP/1.1", b" GET /evil HTTP/1.1", b"GET /evil RTSP/1.0"]
)
@pytest.mark.parametrize("chunks", [False, True])
def test_a_request_line_is_checked_by_itself_whatever_stands_before_it(bad, chunks):
    """Its right form in the body before it, which came in the same read, does not excuse it."""
    good = b"GET /evil HTTP/1.1"
    first = request(b"POST", b"/first", body=good)
    if chunks:
        first = request(b"POST", b"/first", b"Transfer-Encoding: chunked")
    start = chunked(good) if chunks else first
    for cut in range(1, len(bad) + 1):
        requests, told = reader()
        if chunks:
            requests.read(first)
        with pytest.raises(BadMessage):
            read_all(requests, [start + bad[:cut], bad[cut:] + b"\r\nHost: model.test\r\n\r\n"])
        assert told.ended == 1
