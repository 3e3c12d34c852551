"""The model server closes a pooled connection just as a request goes out on it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
import uvloop

from tests.harness import eventually
from tests.wire import request, response

pytestmark = pytest.mark.slow

COUNT = "http_server_request_duration_seconds_count"
CLIENTS = 16
BODY = b"pay"
RACE = 0.005
"""Seconds at most between an answer and the end of its connection, or the client's next request."""


class ClosingModel:
    """Closes each connection that is idle for 0 to 5 ms; keeps what it has executed.

    If polite it reads on behind its end, and so knows each request that came too late; else it
    just closes, as most servers do.
    """

    def __init__(self, chance: random.Random, polite: bool) -> None:
        self.chance, self.polite = chance, polite
        self.executed: Counter[bytes] = Counter()
        self.too_late: set[bytes] = set()


class Closing(asyncio.Protocol):
    """One connection of it."""

    def __init__(self, model: ClosingModel) -> None:
        self._model = model
        self._data = b""
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        model = self._model
        if self._timer is not None:
            self._timer.cancel()
        self._data += data
        if not self._data.endswith(BODY):
            return
        target, self._data = self._data.split(b" ")[1], b""
        if self._ended:
            model.too_late.add(target)
            return
        model.executed[target] += 1
        self._transport.write(response(b"ok"))
        idle = model.chance.random() * RACE
        self._timer = asyncio.get_running_loop().call_later(idle, self._end)

    def _end(self) -> None:
        self._ended = True
        self._transport.write_eof() if self._model.polite else self._transport.close()


@pytest.mark.parametrize(
    "total", [1000, pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
@pytest.mark.parametrize("polite", [True, False], ids=["reads on", "just closes"])
def test_a_post_is_never_executed_twice_and_only_lost_if_it_came(start, own_origin, total, polite):
    """What had not reached the model server is sent again; a 502 is for what came too late."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    proxy = start(own_origin.url, {"timeouts": {"pool": "1h"}})
    model = ClosingModel(chance, polite)
    answers: dict[bytes, bytes] = {}
    todo = iter([b"/%d" % n for n in range(total)])

    async def client() -> None:
        reader, writer = await asyncio.open_connection(*proxy.address)
        for target in todo:
            writer.write(request(b"POST", target, body=BODY))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            answers[target] = head.split(b" ")[1]
            await asyncio.sleep(chance.random() * RACE)
        writer.close()

    async def all_of_them() -> None:
        loop, listener = asyncio.get_running_loop(), own_origin.listener.dup()
        async with await loop.create_server(lambda: Closing(model), sock=listener):
            await asyncio.gather(*[client() for _ in range(CLIENTS)])

    uvloop.run(all_of_them())
    failed = {target for target, status in answers.items() if status != b"200"}
    print(f"{dict(Counter(answers.values()))}, {len(model.too_late)} came too late")
    assert len(answers) == total
    assert max(model.executed.values()) == 1, "executed twice"
    assert model.executed.keys() == answers.keys() - failed
    if polite:
        assert failed <= model.too_late, "a 502 though no byte had reached the model server"
        assert len(failed) <= len(model.too_late) / 2, "unless acknowledged it is sent again"
    else:
        assert len(failed) <= total / 20, "a fifth is lost where nothing is sent again"
    eventually(lambda: proxy.metric(COUNT) >= total, "all counted")
    scrape = proxy.metrics()
    assert scrape.value(COUNT) == total
    assert scrape.value(COUNT, error_type="upstream_reset") == len(failed)
