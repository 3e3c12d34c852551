"""Clients that send or read next to nothing, by the hundred, while another is served as before.

What ends them: half a head `timeouts.head`, whatever bytes still come; a body or a reader that
stands still `timeouts.idle`. A body that comes at a byte now and then is not ended: there is no
least rate, only `timeouts.total` and `limits.connections`; what it holds is bounded.
"""

from __future__ import annotations

import asyncio
import re
import resource
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import uvloop

from tests.conftest import PATH
from tests.faults.cutting import serving
from tests.faults.moments import gone
from tests.harness import Outrider, eventually
from tests.origin import RawOrigin
from tests.wire import request, response

pytestmark = pytest.mark.slow

MEBI = 1 << 20
RSS = 160 * MEBI
"""Bytes of the worker's memory with 1,000 slow heads, 1,000 slow bodies and 500 slow readers: 25
MiB before them, and one read of an answer, 256 KiB at most, for each reader, are 150."""
HEAD = 2.0
"""Seconds; `timeouts.head` in these tests."""
SIZES = {b"/large": 2 * MEBI, b"/page": MEBI // 8}
"""Bytes of the answers that are read slowly."""
LOAD = "-c 1000 -r 200 -l 15 -p 5 -u"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PIECE = bytes(1 << 16)
FAILED = "outrider_requests_failed_total"


class Size(NamedTuple):
    heads: int
    bodies: int
    readers: int


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """As many open files as may be, here and in what is started."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def model(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        size = SIZES.get(head.split(b" ")[1], 0)
        if not size:
            writer.write(response(b"ok"))
            continue
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()


class Slow:
    """The slow clients, until told to stop."""

    def __init__(self, address: tuple[str, int], pace: float = 0.25) -> None:
        self._address, self._pace = address, pace
        self.stopped = asyncio.Event()
        self.open: Counter[str] = Counter()
        self.took: list[float] = []
        """Seconds after which each slow head was closed."""
        self.answers: Counter[bytes] = Counter()

    async def pause(self) -> None:
        try:
            async with asyncio.timeout(self._pace):
                await self.stopped.wait()
        except TimeoutError:
            pass

    async def head(self) -> None:
        """A byte of an endless field now and then, until it is told off."""
        reader, writer = await asyncio.open_connection(*self._address)
        since = time.monotonic()
        writer.write(b"GET /slow HTTP/1.1\r\nHost: model.test\r\nX-Slow: ")
        answer = asyncio.ensure_future(reader.read())
        self.open["head"] += 1
        while not answer.done() and not self.stopped.is_set():
            writer.write(b"x")
            await asyncio.wait([answer], timeout=self._pace)
        self.answers[(await answer)[9:12]] += 1
        self.took.append(time.monotonic() - since)
        self.open["head"] -= 1
        writer.close()

    async def body(self) -> None:
        _, writer = await asyncio.open_connection(*self._address)
        writer.write(request(b"POST", b"/slow", b"Content-Length: 100000"))
        self.open["body"] += 1
        while not self.stopped.is_set():
            writer.write(b"x")
            await self.pause()
        writer.close()

    async def reader(self) -> None:
        reader, writer = await asyncio.open_connection(*self._address, limit=1024)
        writer.write(request(b"GET", b"/large"))
        self.open["reader"] += 1
        while not self.stopped.is_set():
            await reader.read(512)
            await self.pause()
        writer.close()


async def canary(address: tuple[str, int], stopped: asyncio.Event) -> list[float]:
    """Asks one thing after another on one connection; the seconds each answer took."""
    reader, writer = await asyncio.open_connection(*address)
    took = []
    while not stopped.is_set():
        since = time.monotonic()
        writer.write(request(b"POST", b"/canary", body=b"sings"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert await reader.readexactly(2) == b"ok"
        took.append(time.monotonic() - since)
        await asyncio.sleep(0.005)
    writer.close()
    return took


def show(took: list[float]) -> None:
    took.sort()
    parts = [f"p{p} {took[len(took) * p // 100] * 1e3:.1f}" for p in (50, 99)]
    print(f"canary: {len(took)} answered, {', '.join(parts)}, max {took[-1] * 1e3:.1f} ms")


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(Size(300, 300, 150), id="300+300+150"),
        pytest.param(
            Size(1000, 1000, 500),
            id="1000+1000+500",
            marks=[pytest.mark.soak, pytest.mark.timeout(300)],
        ),
    ],
)
def test_others_are_served_as_before(start, own_origin, size):
    proxy = start(own_origin.url, {"timeouts": {"head": f"{HEAD}s"}})
    before = proxy.rss()

    async def all_of_them() -> Slow:
        slow = Slow(proxy.address)
        async with serving(own_origin.listener, model), asyncio.TaskGroup() as group:
            singing = group.create_task(canary(proxy.address, slow.stopped))
            heads = [group.create_task(slow.head()) for _ in range(size.heads)]
            for _ in range(size.bodies):
                group.create_task(slow.body())
            for _ in range(size.readers):
                group.create_task(slow.reader())
            while (slow.open["body"], slow.open["reader"]) != size[1:]:
                await asyncio.sleep(0.05)
            await asyncio.wait(heads)
            print(f"worker {proxy.rss() / MEBI:.0f} MiB, {before / MEBI:.0f} before")
            assert proxy.rss() < RSS
            slow.stopped.set()
        show(singing.result())
        return slow

    slow = uvloop.run(all_of_them())
    print(f"half heads closed after {min(slow.took):.2f} to {max(slow.took):.2f} s")
    assert slow.answers == {b"408": size.heads}
    assert min(slow.took) >= HEAD * 0.9
    eventually(lambda: proxy.metric(FAILED, reason="limit") == size.heads, "each 408 counted")
    eventually(lambda: proxy.metric("http_server_active_requests") == 0, "all others gone", 30)


def test_a_body_that_stands_still_is_408_and_one_that_trickles_is_not(start, own_origin):
    proxy = start(own_origin.url, {"timeouts": {"idle": "1500ms"}})
    with proxy.connect() as still, proxy.connect() as trickling:
        still.send(request(b"POST", b"/still", b"Content-Length: 20"), b"x")
        trickling.send(request(b"POST", b"/trickling", b"Content-Length: 20"))
        streams = [own_origin.take(), own_origin.take()]
        heads = {stream.head().target: stream for stream in streams}
        for _ in range(20):
            trickling.send(b"x")
            assert heads[b"/trickling"].exactly(1) == b"x"
            gone(trickling, 0.1)
        assert still.response().status == 408
        heads[b"/trickling"].send(response(b"ok"))
        assert trickling.response().body == b"ok"


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.needs("slowhttptest")
@pytest.mark.parametrize(
    "mode", ["-H -i 1 -x 24", "-B -i 1 -s 8192 -x 10", "-X -w 512 -y 1024 -n 1 -z 32 -k 1"]
)
def test_slowhttptest_finds_the_service_available(start, own_origin, mode):
    """1,000 connections of slowhttptest for 15 s, a canary beside them."""
    proxy = start(own_origin.url, {"timeouts": {"head": f"{HEAD}s"}})
    path = "/page" if mode.startswith("-X") else "/slow"
    command = ["slowhttptest", *mode.split(), *LOAD.split()]

    async def attack() -> str:
        stopped = asyncio.Event()
        async with serving(own_origin.listener, model):
            singing = asyncio.ensure_future(canary(proxy.address, stopped))
            process = await asyncio.create_subprocess_exec(
                *command, proxy.url + path, stdout=subprocess.PIPE, env={"PATH": PATH}
            )
            said, _ = await process.communicate()
            print(f"worker {proxy.rss() / MEBI:.0f} MiB")
            assert proxy.rss() < RSS
            stopped.set()
            show(await singing)
        return said.decode(errors="replace")

    said = COLOUR.sub("", uvloop.run(attack()))
    available = re.findall(r"service available:\s*(\w+)", said)
    print(available)
    assert set(available) == {"YES"}, said[-1500:]
    is_there(proxy, own_origin)


def is_there(proxy: Outrider, origin: RawOrigin) -> None:
    with proxy.connect() as client, origin.serving():
        client.send(request(b"GET", b"/after"))
        assert client.response().status == 200
