"""Accidents to HTTP messages: what is inserted, lost, doubled, flipped or spliced.

Rule: mutant n of a seed is always the same bytes, so a run is resumed by its seed and a number.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Sequence

TOKENS = (
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"=", b'"', b"\x0b",
    b"\x0c", b"\x7f", b"\x80", b"\xff", b"0", b"1", b"3", b"f", b"-", b"+", b"chunked", b"identity",
    b"gzip, ", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"Connection: close\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"0\r\n\r\n",
    b"3\r\nabc\r\n", b"GET /x HTTP/1.1\r\nHost: c\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1",
    b"HTTP/1.0", b" HTTP/1.1\r\n", b"#", b"%", b"\\", b"*", b"http://b", b"ffffffffffffffff",
    b"99999999999999999999",
)  # fmt: skip
_NUMBER = re.compile(rb"[0-9]+")


def seed() -> int:
    """OUTRIDER_TEST_SEED, or a new one; printed, so that a failure can be had again."""
    number = int(os.environ.get("OUTRIDER_TEST_SEED", "0")) or time.time_ns() & 0xFFFF_FFFF
    print(f"OUTRIDER_TEST_SEED={number}")
    return number


def count(default: int) -> int:
    """How many mutants to try: OUTRIDER_TEST_MUTANTS, or what `make test` has time for."""
    return int(os.environ.get("OUTRIDER_TEST_MUTANTS", default))


def first() -> int:
    """The number of the first mutant: OUTRIDER_TEST_FIRST, to go on where a run was ended."""
    return int(os.environ.get("OUTRIDER_TEST_FIRST", "0"))


def mutant(seed: int, number: int, corpus: Sequence[bytes]) -> bytes:
    """One to four accidents to a member of the corpus."""
    rng = random.Random(seed << 32 | number)
    data = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
        data = rng.choice(_ACCIDENTS)(rng, data, corpus)
    return data


def _place(rng: random.Random, data: bytes) -> int:
    """Anywhere, and more often where lines end and names do."""
    if rng.random() < 0.5 and (found := [m.end() for m in re.finditer(rb"[\r\n: ]", data)]):
        return rng.choice(found)
    return rng.randint(0, len(data))


def _insert(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def _replace(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.choice(TOKENS) + data[at + rng.randint(1, 6) :]


def _delete(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + rng.choice((1, 1, 2, 4, 20)) :]


def _double(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    end = at + rng.choice((1, 2, 4, 20))
    return data[:end] + data[at:end] + data[end:]


def _flip(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = min(_place(rng, data), len(data) - 1)
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _move_line(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    lines = data.split(b"\r\n")
    line = rng.choice(lines)
    if rng.random() < 0.5:
        lines.remove(line)
    lines.insert(rng.randint(0, len(lines)), line)
    return b"\r\n".join(lines)


def _number(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    one = rng.choice(found)
    other = int(one[0][:20]) + rng.choice((-1, 1, 2, 10, 1 << 32, 1 << 64))
    return data[: one.start()] + str(other).encode() + data[one.end() :]


def _splice(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    other = rng.choice(corpus)
    return data[: _place(rng, data)] + other[_place(rng, other) :]


def _cut(rng: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    return data[: _place(rng, data)]


_ACCIDENTS = (
    _insert,
    _insert,
    _replace,
    _delete,
    _double,
    _flip,
    _move_line,
    _number,
    _splice,
    _cut,
)
