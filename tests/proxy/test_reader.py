"""The reader of requests by itself: the same requests, wherever the reads fall.

Over a socket the kernel joins what was sent apart; here every read is as small as it is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.exchange import Fields
from agent.proxy.head import REQUEST_FIELDS, BadMessage
from agent.proxy.hop import Limits
from agent.proxy.reader import RequestReader
from tests.wire import chunked, request

CHUNKED = request(b"POST", b"/chunked", b"Transfer-Encoding: chunked", b"Trailer: X-T")
STREAM = b"".join(
    (
        request(b"POST", b"/length", b"X-A: 1", body=b"0123456789"),
        request(b"GET", b"/none?q=%2F", b"Accept: */*"),
        CHUNKED + chunked(b"abc", b"\r\n\r\n", b"defgh" * 5, trailers=b"X-T: v\r\n"),
        request(b"POST", b"/empty", b"Transfer-Encoding: chunked") + chunked(),
        b"\r\n" + request(b"HEAD", b"/head"),
        request(b"POST", b"/zero", body=b""),
    )
)


class Recorder:
    """A sink that keeps what it is told, bodies joined, and says when a request is whole."""

    def __init__(self) -> None:
        self.requests: list[list[Any]] = []

    def request_begun(self, method: bytes, target: bytes, version: str, fields: Fields) -> None:
        self.requests.append([method, target, version, fields, b"", None])

    def request_head(self, head: Any, raw: bytes) -> None:
        assert not raw or raw.startswith(self.requests[-1][0] + b" ")

    def request_piece(self, piece: bytes) -> None:
        self.requests[-1][4] += piece

    def request_ended(self, trailers: Fields) -> None:
        assert self.requests[-1][5] is None, "ended twice"
        self.requests[-1][5] = trailers


def read(pieces: Iterable[bytes]) -> list[list[Any]]:
    """What a connection reads of these pieces; what lies behind a request follows at once."""
    hop: Any = SimpleNamespace(
        limits=Limits(), special=REQUEST_FIELDS, tunnels=frozenset({b"websocket"})
    )
    sink = Recorder()
    reader = RequestReader(hop, sink)
    for piece in pieces:
        rest = piece
        while rest:
            rest = reader.read(rest)
    return sink.requests


def cut(data: bytes, at: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(at), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if b > a]


WHOLE = read([STREAM])


def test_the_stream_at_once():
    assert [(one[0], one[1]) for one in WHOLE] == [
        (b"POST", b"/length"),
        (b"GET", b"/none?q=%2F"),
        (b"POST", b"/chunked"),
        (b"POST", b"/empty"),
        (b"HEAD", b"/head"),
        (b"POST", b"/zero"),
    ]
    assert [one[4] for one in WHOLE[:3]] == [b"0123456789", b"", b"abc\r\n\r\n" + b"defgh" * 5]
    assert WHOLE[2][5] == [(b"X-T", b"v")]
    assert all(one[5] is not None for one in WHOLE)


def test_byte_by_byte():
    assert read(cut(STREAM, range(1, len(STREAM)))) == WHOLE


@pytest.mark.parametrize("gap", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("more", [0, 1, 2])
def test_small_reads_anywhere(gap, more):
    """One or two short reads, wherever they fall: an empty line may lie across any of them."""
    for at in range(1, len(STREAM) - gap - more):
        assert read(cut(STREAM, {at, at + gap, at + gap + more})) == WHOLE, at


@given(at=st.sets(st.integers(1, len(STREAM) - 1), max_size=60))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_any_reads(at):
    assert read(cut(STREAM, at)) == WHOLE


@given(at=st.sets(st.integers(1, 120), max_size=30))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_bad_request_is_bad_in_any_reads(at):
    bad = CHUNKED + b"3\r\nabc\r\n0\r\nHost : x\r\n\r\n"
    with pytest.raises(BadMessage):
        read(cut(bad, at))
