"""G19: no request costs ten times an ordinary one of its size, in memory or in CPU.

At the parser and with a sink that keeps all pieces, as a connection does within one read. Memory is
counted by tracemalloc. CPU is `thread_time` against ordinary requests of as many bytes in as many
reads, the best of several tries; the ratios are printed.
"""

from __future__ import annotations

import time
import tracemalloc

import pytest

from agent.proxy.head import BadMessage
from agent.proxy.reader import RequestReader
from tests.fuzz import mutator
from tests.fuzz.malformed import corpus
from tests.proxy.test_reader_streams import reader
from tests.wire import chunked, request

ORDINARY = request(
    b"POST",
    b"/v1/models/m:predict",
    b"User-Agent: test/1",
    b"Accept: */*",
    b"Content-Type: application/json",
    body=b'{"instances": [[1.5, 2.5, 3.5, 4.5, 5.5]]}',
)
HALF = request(b"POST", b"/", b"Transfer-Encoding: chunked")
SIZE = 250_000
"""Bytes that one read brings at most, or nearly so (uvloop's buffer)."""
GREEDY = {
    "chunks of one byte": HALF + b"1\r\na\r\n" * (SIZE // 6) + b"0\r\n\r\n",
    "chunks of one byte with extensions": HALF + b"1;a\r\na\r\n" * (SIZE // 8) + b"0\r\n\r\n",
    "sizes with zeros": HALF + b"000000001\r\na\r\n" * (SIZE // 14) + b"0\r\n\r\n",
    "empty lines within a chunk": HALF + chunked(b"\r\n" * (SIZE // 2)),
    "ends of chunks within a chunk": HALF + chunked(b"0\r\n\r\n" * (SIZE // 5)),
    "empty lines before a request": b"\r\n" * 30_000 + ORDINARY,
    "fields of one byte": request(b"GET", b"/", *[b"a:"] * 250),
    "long fields": request(b"GET", b"/", *[b"X-%d: %b" % (n, b"v" * 240) for n in range(250)]),
    "connection options": request(b"GET", b"/", b"Connection: " + b"a," * 30_000),
    "different connection options": request(
        b"GET", b"/", b"Connection: " + b",".join(b"%x" % n for n in range(12_000))
    ),
    "connection options and their fields": request(
        b"GET", b"/", *[b"Connection: x%d\r\nx%d: 1" % (n, n) for n in range(125)]
    ),
    "forwarded fields": request(b"GET", b"/", *[b"X-Forwarded-For: a"] * 250),
    "tracestate": request(b"GET", b"/", *[b"tracestate: " + b"a=b," * 60] * 250),
    "a long target": request(b"GET", b"/" + b"%2F" * 20_000),
    "a long host": request(b"GET", b"/", b"Host: " + b"a" * 60_000),
    "trailers": HALF + b"0\r\n" + b"a:\r\n" * 10_000 + b"\r\n",
    "a long extension": HALF + b"1;" + b"a" * 60_000 + b"\r\nx\r\n0\r\n\r\n",
    "pipelined": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2_000,
}
TIMES = 10
NOISE = 2
"""What a busy machine may add to a ratio of times; a read that is parsed anew for each of its
bytes costs 30 to 70 times as much."""
ROOM = 64 << 10
"""Bytes that any connection may use, whatever it sends: as much as its head may have."""


class Keeping:
    """A sink that keeps what it is told, as a transaction's `out` does."""

    def __init__(self) -> None:
        self.kept: list[object] = []

    def request_begun(self, *what: object) -> None:
        self.kept.append(what)

    def request_head(self, *what: object) -> None:
        self.kept.append(what)

    def request_piece(self, piece: bytes) -> None:
        self.kept.append(piece)

    def request_ended(self, *what: object) -> None:
        self.kept.append(what)


def connection() -> RequestReader:
    requests, _ = reader()
    requests._sink = Keeping()
    return requests


def feed(requests: RequestReader, data: bytes, step: int = SIZE) -> None:
    """All of it; only the request under way is held."""
    try:
        for at in range(0, len(data), step):
            rest = data[at : at + step]
            while rest:
                rest = requests.read(rest)
                if rest:
                    requests._sink.kept.clear()
    except BadMessage:
        pass


def cpu(data: bytes, step: int = SIZE, tries: int = 5) -> float:
    """Seconds, the best of several, on a connection that is there already."""
    best = float("inf")
    for _ in range(tries):
        requests = connection()
        begun = time.thread_time()
        feed(requests, data, step)
        best = min(best, time.thread_time() - begun)
    return best


def memory(data: bytes) -> int:
    """Bytes at the peak, with all that the sink keeps."""
    tracemalloc.start()
    try:
        feed(connection(), data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def ordinary_cpu(size: int, step: int) -> float:
    """Of `size` bytes of ordinary requests, one after another on one connection."""
    count = 1_000
    requests = connection()
    begun = time.thread_time()
    for _ in range(count):
        feed(requests, ORDINARY, step)
        requests._sink.kept.clear()
    return (time.thread_time() - begun) / count * size / len(ORDINARY)


@pytest.mark.parametrize("kind", GREEDY)
def test_memory(kind):
    data = GREEDY[kind]
    used = memory(data)
    print(f"{kind}: {len(data)} bytes, {used} used: {used / len(data):.1f} times")
    assert used < TIMES * len(data) + ROOM


@pytest.mark.parametrize("kind", GREEDY)
def test_cpu(kind):
    data = GREEDY[kind]
    ratio = cpu(data) / ordinary_cpu(len(data), SIZE)
    print(f"{kind}: {len(data)} bytes cost {ratio:.2f} times ordinary ones")
    assert ratio < TIMES * NOISE


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["long fields", "a long target", "trailers", "chunks of one byte"])
def test_cpu_byte_by_byte(kind):
    """As slowly as it can be sent: what one byte costs does not grow with those before it."""
    data = GREEDY[kind][:60_000]
    ratio = cpu(data, 1, 2) / ordinary_cpu(len(data), 1)
    print(f"{kind}: {len(data)} bytes, each in a read, cost {ratio:.2f} times ordinary ones")
    assert ratio < TIMES * NOISE


@pytest.mark.slow
def test_memory_of_mutants():
    """Malformed or damaged: a request that is refused may not cost more either."""
    seed, seeds = mutator.seed(), corpus()
    payloads = [*seeds, *(mutator.mutant(seed, n, seeds) for n in range(500))]
    worst = max(payloads, key=lambda data: memory(data) - TIMES * len(data))
    print(
        f"an ordinary request uses {memory(ORDINARY)}; of these one with {len(worst)} bytes most,"
    )
    print(f"beyond {TIMES} times its bytes: {memory(worst)}")
    assert memory(worst) < TIMES * len(worst) + ROOM


@pytest.mark.slow
def test_cpu_of_mutants():
    """A hundred together, so that what is measured can be."""
    seed, seeds = mutator.seed(), corpus()
    payloads = [*seeds, *(mutator.mutant(seed, n, seeds) for n in range(500))]
    worst = 0.0
    for at in range(0, len(payloads), 100):
        some = payloads[at : at + 100]
        size = sum(max(len(data), len(ORDINARY)) for data in some)
        worst = max(worst, sum(cpu(data, tries=2) for data in some) / ordinary_cpu(size, SIZE))
    print(f"at most {worst:.2f} times as many ordinary requests, or bytes of them")
    assert worst < TIMES * NOISE
