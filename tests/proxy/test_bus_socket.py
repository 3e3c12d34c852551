"""The worker's end of the bus over a real socket: observers that go, come again, and come late."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from agent.ledger import WORKER, Ledger
from agent.proxy.bus import Bus
from agent.proxy.capture import Budget
from tests.proxy.bus_worker import RECORD, frames


@pytest.fixture
def listener():
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"\0outrider-test-{os.getpid()}-{os.urandom(8).hex()}")
        sock.listen()
        sock.setblocking(False)
        yield sock


def test_over_a_real_socket_all_that_was_put_arrives_by_its_close(listener):
    """And a second observer gets what comes after the first one has gone."""

    async def run() -> tuple[bytes, bytes]:
        loop = asyncio.get_running_loop()
        region, budget = Ledger(1).worker(0), Budget(1 << 20)
        bus = Bus(loop, listener.getsockname(), 0, region, budget)
        bus.start()
        first, _ = await loop.sock_accept(listener)
        while bus.away:
            await asyncio.sleep(0)
        bus.put(RECORD, 0)
        bus.flush()
        got = [await loop.sock_recv(first, 1 << 16)]
        first.close()
        second, _ = await loop.sock_accept(listener)
        while bus.away:
            await asyncio.sleep(0)
        for _ in range(3):
            bus.put(RECORD, 0)
        await bus.close(5.0)
        rest = b""
        while data := await loop.sock_recv(second, 1 << 16):
            rest += data
        second.close()
        assert (budget.used, budget.unsent) == (0, 0)
        assert region.counters[WORKER["handed"]] == region.counters[WORKER["observed"]] == 4
        return got[0], rest

    one, other = asyncio.run(asyncio.wait_for(run(), 10))
    assert frames(one) == [(0, 0, 1)]
    assert frames(other) == [(0, 1, 3)]


def test_an_observer_that_comes_late_is_found(listener):
    """The bus asks again and again; nothing is waited for meanwhile."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        bus = Bus(loop, listener.getsockname() + b"-late", 0, Ledger(1).worker(0), Budget(9999))
        bus.start()
        await asyncio.sleep(0)
        assert bus.away
        with socket.socket(socket.AF_UNIX) as late:
            late.bind(listener.getsockname() + b"-late")
            late.listen()
            late.setblocking(False)
            accepted, _ = await loop.sock_accept(late)
            while bus.away:
                await asyncio.sleep(0)
            await bus.close(1.0)
            assert await loop.sock_recv(accepted, 1) == b""
            accepted.close()

    asyncio.run(asyncio.wait_for(run(), 10))
