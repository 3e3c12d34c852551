"""Behind Outrider no server ever believes in a request that the client did not send.

Each back end gets the whole corpus, one case a connection, and an ordinary request on another
connection behind each. What it wrote down is then held against a strict reading of what was sent.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator

import pytest

from tests.harness import Outrider
from tests.peers.backends import NAMES, NEEDS, BackEnd
from tests.peers.smuggling import CASES, strictly
from tests.peers.talk import read_responses
from tests.wire import DEADLINE, request

QUIET = 0.3
"""Seconds without a byte after which a case has got what it will get."""

LISTED = b"POST /case/expect-twice "
"""A list in two fields (RFC 9110 section 5.3) is well formed; nginx takes no second Expect."""


def path(target: bytes) -> bytes:
    """A target without scheme and authority: some servers show it so."""
    return re.sub(rb"^https?://[^/]*", b"", target) or b"/"


def send(address: tuple[str, int], sent: bytes, answers: int, quiet: float = QUIET) -> bytes:
    """What came back: as many answers as the case may have, or all until an end or silence."""
    got = b""
    with socket.create_connection(address, timeout=5) as client:
        client.sendall(sent)
        while select.select([client], [], [], quiet)[0]:
            try:
                data = client.recv(1 << 16)
            except ConnectionResetError:
                break
            got += data
            if not data or len(read_responses(got, [b"GET"] * 9)[0]) >= answers:
                break
    return got


@pytest.fixture(scope="module", params=[pytest.param(name, marks=[pytest.mark.needs(NEEDS[name])]
                                        if name in NEEDS else []) for name in NAMES])  # fmt: skip
def behind(request) -> Iterator[tuple[Outrider, BackEnd]]:
    """Each back end in turn, with an Outrider before it."""
    with (
        BackEnd(request.param) as server,
        Outrider(f"http://127.0.0.1:{server.address[1]}") as proxy,
    ):
        yield proxy, server


def own_answer(address: tuple[str, int], target: bytes) -> None:
    """An ordinary request gets the answer that names it."""
    [got], rest = read_responses(send(address, request(b"GET", target), 1, DEADLINE), [b"GET"])
    assert (got.status, got.body, rest) == (200, target, b"")


@pytest.mark.slow
def test_no_request_is_seen_that_was_not_sent(behind):
    proxy, server = behind
    allowed: set[bytes] = set()
    for number, (name, stream) in enumerate(CASES.items()):
        honest = strictly(stream)
        allowed |= {path(target) for target in honest}
        send(proxy.address, stream, max(1, len(honest)))
        canary = b"/canary/%d" % number
        own_answer(proxy.address, canary)
        news = {path(target) for _, target in server.seen()} - allowed
        assert news <= {canary}, name
        allowed.add(canary)
    for number in range(20):
        own_answer(proxy.address, b"/last/%d" % number)
    assert not [line for line in server.refused() if not line.startswith(LISTED)]
    assert sum(target.startswith(b"/canary/") for _, target in server.seen()) == len(CASES)


@pytest.mark.needs("node")
def test_a_server_that_is_fooled_would_be_caught():
    """The corpus is sharp: a lenient server, asked directly, believes in hidden requests."""
    fooled = set()
    with BackEnd("node-lenient") as server:
        for name in ("TE leading comma", "CL and TE x then chunked", "CL.TE", "TE gzip, chunked"):
            send(server.address, CASES[name], 9)
        fooled = {t for _, t in server.seen() if t.startswith(b"/smuggled")}
    honest = {t for stream in CASES.values() for t in strictly(stream)}
    assert fooled - honest


def test_every_case_hides_something_or_is_honest():
    for name, stream in CASES.items():
        assert b"%" not in stream.replace(b"%0d%0a", b""), name
        assert stream.count(b"HTTP/") >= 1 or "version" in name
