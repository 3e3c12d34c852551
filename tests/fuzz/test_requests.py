"""G1: whatever bytes a client throws, no parser behind Outrider sees a request that was not meant.

Each payload goes to the real Outrider as a client of its own, and a canary follows it. What the
origin got is read afterwards by four parsers: all must see the same requests, each marked by
exactly one id of Outrider's, and none may find anything malformed. OUTRIDER_TEST_MUTANTS,
OUTRIDER_TEST_SEED and OUTRIDER_TEST_FIRST make a long run, and resume it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.fuzz import mutator
from tests.fuzz.judges import JUDGES
from tests.fuzz.malformed import corpus
from tests.fuzz.recording import Canary, Recorded, Recording, bound, run, shoot
from tests.harness import Outrider, eventually
from tests.wire import chunked, request

LANES = 16
ROUND = 2_000
SEEDS = (
    request(b"GET", b"/a/b?c=d", b"Accept: */*", b"X-A: 1"),
    request(b"POST", b"/p", b"Content-Type: application/json", body=b'{"x": 1}'),
    request(b"POST", b"/p", b"Transfer-Encoding: chunked") + chunked(b"abc", b"defgh"),
    request(b"POST", b"/p", b"Transfer-Encoding: chunked", b"Trailer: X-T")
    + chunked(b"abc", trailers=b"X-T: 1\r\n"),
    request(b"GET", b"/ws", b"Connection: Upgrade", b"Upgrade: websocket"),
    request(b"HEAD", b"/1") + request(b"POST", b"/2", body=b"two"),
    request(b"GET", b"/id", b"X-Request-Id: own", b"X-Forwarded-For: ::1", b"Via: 1.1 a"),
    request(b"PUT", b"/e", b"Expect: 100-continue", b"Connection: X-A, te", b"X-A: 1", body=b"abc"),
    b"POST /p HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
    b"OPTIONS * HTTP/1.1\r\nHost: model.test\r\n\r\n",
    b"GET http://model.test/x HTTP/1.1\r\nHost: model.test\r\n\r\n",
)
OWN_ERRORS = (501, 505)
"""5xx that RFC 9110 (15.6.2, 15.6.6) and 9112 (6.1) ask for: a client's fault all the same."""


class Attack:
    """One Outrider, its origin, and the tallies of a run."""

    def __init__(self, proxy: Outrider, origin: Recording) -> None:
        self.proxy, self.origin = proxy, origin
        self.sent = self.answers = self.requests = 0

    async def all(self, payloads: Iterator[bytes]) -> None:
        """All payloads, each followed by a canary; judged round by round."""
        while batch := [payload for _, payload in zip(range(ROUND), payloads, strict=False)]:
            queue = iter(batch)
            await asyncio.gather(*(self._lane(lane, queue) for lane in range(LANES)))
            self._judge(self.origin.take())
            self.sent += len(batch)

    async def _lane(self, lane: int, queue: Iterator[bytes]) -> None:
        address = self.proxy.address
        _, canary = await asyncio.get_running_loop().create_connection(Canary, *address)
        for number, payload in enumerate(queue):
            got, ended = await shoot(address, payload)
            self._check_answers(payload, got, ended)
            name = b"canary-%d-%d-%d" % (self.sent, lane, number)
            answer = await canary.ask(name)
            assert answer.startswith(b"HTTP/1.1 200 "), (payload, answer)
            assert answer.endswith(b"\r\n\r\n" + name), (payload, answer)
            self.answers += 1
        canary.close()

    def _check_answers(self, payload: bytes, got: bytes, ended: str) -> None:
        """Whole answers, each the origin's with the right id, or our own 4xx as the last."""
        rest = got
        while rest:
            head, end, rest = rest.partition(b"\r\n\r\n")
            assert end, (payload, got, ended)
            status = int(head.split(b" ", 2)[1])
            lower = b"\r\n" + head.lower() + b"\r\n"
            length = int(_value(lower, b"content-length") or 0)
            if b"\r\nx-origin: yes\r\n" in lower:
                assert status == 200
                self.answers += 1
                body = b"" if b"\r\nx-method: head\r\n" in lower else _value(lower, b"x-request-id")
                assert rest.lower().startswith(body), (payload, got)
                rest = rest[len(body) :]
            else:
                assert status < 500 or status in OWN_ERRORS, (payload, got)
                assert b"\r\nconnection: close\r\n" in lower, (payload, got)
                assert len(rest) in (0, length), (payload, got)
                return

    def _judge(self, records: Iterable[bytes]) -> None:
        for record in records:
            readings = {name: read(record) for name, read in JUDGES.items()}
            first = readings["h11"]
            for name, reading in readings.items():
                assert not reading.fault, (name, reading.fault, reading.whole[-1:], _near(record))
                same = first.whole[: len(reading.whole)] if reading.partial else first.whole
                assert reading.whole == same, (name, _first_difference(readings), record)
            for one in first.whole:
                assert len(one.ids) == 1, ("smuggled", one, record)
            self.requests += len(first.whole)


def _value(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n" + name + b": ")[2].split(b"\r\n")[0]


def _near(record: bytes) -> bytes:
    return record[-3000:]


def _first_difference(readings: dict) -> dict:
    lists = {name: reading.whole for name, reading in readings.items()}
    shortest = min(map(len, lists.values()))
    at = next((n for n in range(shortest) if len({r[n] for r in lists.values()}) > 1), shortest)
    return {name: whole[at : at + 1] for name, whole in lists.items()}


def fds(proxy: Outrider) -> int:
    return len(list(Path(f"/proc/{proxy.pid('worker')}/fd").iterdir()))


@pytest.fixture
def attack(start):
    """An Outrider that answers clients which have ended their side, and its recording origin."""
    listener, origin = bound(), Recording()
    settings = {"client_eof": "half_close", "timeouts": {"pool": "1s"}}
    if mutator.count(0) > 50_000:
        settings["logs"] = {"stdout": False}  # a line a request fills the disk
    with listener:
        proxy = start(f"http://127.0.0.1:{listener.getsockname()[1]}", settings)
        floor = fds(proxy)

        def all(payloads: Iterable[bytes]) -> Attack:
            attack = Attack(proxy, origin)
            before = proxy.rss()
            run(listener, lambda: Recorded(origin), lambda: attack.all(iter(payloads)))
            print(f"{attack.sent} payloads, {attack.requests} requests at the origin")
            print(f"worker: {before >> 10} KiB before, {proxy.rss() >> 10} after")
            return attack

        yield all
        eventually(lambda: fds(proxy) <= floor, f"the worker's fds to be {floor} again")


def counted(attack: Attack) -> bool:
    name = "http_server_request_duration_seconds_count"
    got = attack.proxy.metric(name, http_response_status_code="200")
    print(f"{got:.0f} counted, {attack.answers} answers, {attack.origin.answered} by the origin")
    return got == attack.answers


@pytest.mark.slow
def test_malformed_requests_of_every_kind(attack):
    """The tables of RFC 9110 and 9112 times what may be wrong."""
    payloads = corpus()
    assert len(payloads) >= 1_080
    done = attack(payloads)
    assert done.sent == len(payloads)
    eventually(lambda: counted(done), "each answer to be counted, exactly")


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_mutants(attack):
    """Accidents to good and bad requests alike."""
    seed, first, count = mutator.seed(), mutator.first(), mutator.count(10_000)
    seeds = [*SEEDS * 40, *corpus()]
    done = attack(mutator.mutant(seed, n, seeds) for n in range(first, first + count))
    assert done.sent == count
    eventually(lambda: counted(done), "each answer to be counted, exactly")
