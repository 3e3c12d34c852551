"""Streams of valid requests, made up by hypothesis, and the reads that they may come in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import cycle, pairwise
from typing import NamedTuple

from hypothesis import strategies as st

from agent.exchange import Fields
from tests.wire import chunked

HOST = (b"Host", b"model.test")


class Asked(NamedTuple):
    """One request as it goes on the wire, and what a sink is to be told of it."""

    wire: bytes
    head: bytes
    """Its head's bytes."""
    method: bytes
    target: bytes
    fields: Fields
    body: bytes
    trailers: Fields
    upgrade: bytes


token = st.text("abcXYZ019-_", min_size=1, max_size=8).map(str.encode)
value = st.text("abc ,;=/\"'(){}09", max_size=12).map(lambda text: text.strip().encode())
own = st.lists(st.tuples(token.map(b"X-".__add__), value), max_size=3)
data = st.binary(max_size=30) | st.sampled_from(
    [b"\r\n\r\n", b"0\r\n\r\n", b"\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\n\r\n\r"]
)
LINES = b"\r\n" * 3


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    kind = draw(st.sampled_from(["none", "length", "chunked"]))
    upgrade = draw(st.sampled_from([b"", b"", b"h2c", b"foo/1"]))
    methods = [b"POST", b"PUT", b"PATCH"] if kind != "none" else [b"GET", b"HEAD", b"DELETE"]
    method, target = draw(st.sampled_from(methods)), b"/" + draw(token)
    fields = [HOST, *draw(own)]
    if upgrade:
        fields += [(b"Connection", b"Upgrade"), (b"Upgrade", upgrade)]
    body, trailers, tail = b"", [], b""
    if kind == "length":
        tail = body = draw(data)
        fields.append((b"Content-Length", b"%d" % len(body)))
    elif kind == "chunked":
        chunks = [chunk for chunk in draw(st.lists(data, max_size=4)) if chunk]
        trailers = draw(own)
        lines = b"".join(b"%b: %b\r\n" % one for one in trailers)
        body, tail = b"".join(chunks), chunked(*chunks, trailers=lines)
        fields.append((b"Transfer-Encoding", b"chunked"))
    lines = b"".join(b"%b: %b\r\n" % one for one in fields)
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, lines)
    empty = draw(st.sampled_from([b"", b"", b"\r\n", LINES]))
    return Asked(empty + head + tail, head, method, target, fields, body, trailers, b"")


streams = st.lists(asked(), min_size=1, max_size=5)
cuts = st.tuples(
    st.just([]) | st.lists(st.integers(1, 1500), max_size=25) | st.just(range(1500)),
    st.lists(st.sets(st.integers(0, 4), max_size=2), min_size=1, max_size=6),
)
"""Where reads end: at any bytes, and at these places within each empty line in turn."""


def pieces(whole: bytes, at: tuple[Iterable[int], list[set[int]]]) -> list[bytes]:
    """The stream in reads cut there."""
    anywhere, within = at
    found = zip(re.finditer(b"\r\n\r\n", whole), cycle(within), strict=False)
    lines = [line.start() + n for line, places in found for n in places]
    edges = sorted({0, len(whole), *(cut for cut in (*anywhere, *lines) if cut < len(whole))})
    return [whole[a:b] for a, b in pairwise(edges)]
