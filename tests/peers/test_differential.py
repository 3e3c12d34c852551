"""The same bytes at Outrider, nginx, HAProxy and Envoy: every difference has a reason with a name.

OUTRIDER_TEST_MUTANTS and OUTRIDER_TEST_SEED: how many damaged streams `make soak` adds, and which.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest

from tests.fuzz import malformed, mutator
from tests.harness import Outrider
from tests.peers import peers
from tests.peers.differential import Outcome, drive, drive_back
from tests.peers.explained import explain, explain_back
from tests.peers.rows import REQUESTS, RESPONSES
from tests.peers.smuggling import CASES
from tests.peers.talk import Origin
from tests.proxy.test_conformance_responses import BAD, BAD_BODIES, OK, TE

PEERS = ("nginx", "haproxy", "envoy")
CORPUS = [*CASES.values(), *(row.sent for row in REQUESTS), *malformed.corpus()]
RESPONSE_CORPUS = [
    *(row.answer for row in RESPONSES),
    *BAD.values(),
    *(OK + TE + b"chunked\r\n\r\n" + body for body in BAD_BODIES.values()),
]
PATIENCE = 3.0
FIXED_SEED = 9112
SEED = int(os.environ.get("OUTRIDER_TEST_SEED", FIXED_SEED))


def damaged(corpus: list[bytes], seed: int, count: int) -> list[bytes]:
    return [mutator.mutant(seed, number, corpus) for number in range(count)]


def at_all(streams: list[bytes], how=drive) -> dict[str, list[Outcome]]:
    """What each proxy made of each stream; all four at once, each before an origin of its own."""

    def at(name: str, address: tuple[str, int], origin: Origin) -> list[Outcome]:
        return [how(address, origin, stream) for stream in streams]

    with ExitStack() as stack:
        running = {}
        for name in ("outrider", *PEERS):
            origin = stack.enter_context(Origin())
            proxy = Outrider(f"http://127.0.0.1:{origin.port}") if name == "outrider" else None
            running[name] = (stack.enter_context(proxy or peers.Peer(name, origin.port)), origin)
        with ThreadPoolExecutor(len(running)) as pool:
            told = {n: pool.submit(at, n, p.address, o) for n, (p, o) in running.items()}
            return {name: future.result() for name, future in told.items()}


def unexplained(streams: list[bytes], how=drive, why=explain) -> Iterable[str]:
    told = at_all(streams, how)
    for name in PEERS:
        for stream, ours, theirs in zip(streams, told["outrider"], told[name], strict=True):
            if ours.differs(theirs) and not why(name, stream, ours, theirs):
                yield f"{name}: {stream[:400]!r}\n  Outrider: {ours}\n  {name}: {theirs}"


def check(streams: list[bytes], how=drive, why=explain) -> None:
    """What differs without a reason is asked again, alone and with patience: no pause of the
    machine is to be taken for silence."""
    if found := [*unexplained(streams, how, why)]:
        suspects = [s for s in streams if any(repr(s[:400]) in text for text in found)]
        found = [*unexplained(suspects, partial(how, quiet=PATIENCE), why)]
    assert not found, "\n".join(found[:20])


@pytest.mark.slow
@pytest.mark.needs(*PEERS)
def test_every_difference_in_requests_is_explained():
    check([*CORPUS[::4], *damaged(CORPUS, FIXED_SEED, 150)])


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.needs(*PEERS)
def test_every_difference_in_many_requests_is_explained():
    check([*CORPUS, *damaged(CORPUS, SEED, mutator.count(5_000))])


@pytest.mark.slow
@pytest.mark.needs(*PEERS)
def test_every_difference_in_responses_is_explained():
    check([*RESPONSE_CORPUS, *damaged(RESPONSE_CORPUS, FIXED_SEED, 100)], drive_back, explain_back)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.needs(*PEERS)
def test_every_difference_in_many_responses_is_explained():
    many = damaged(RESPONSE_CORPUS, SEED, mutator.count(5_000))
    check([*RESPONSE_CORPUS, *many], drive_back, explain_back)
