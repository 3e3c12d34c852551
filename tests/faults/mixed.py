"""Traffic as it is in life: predictions, some that fail, some given up, some streams.

Rule: the mix follows from a request's number, so that both sides know what to expect. The model
server runs in the test's own process, on a thread with a loop of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from tests.faults.load import ANSWER, REQUEST

EVENTS = 4
EVENT = b"data: %d\n\n"
STREAM = b"GET /stream HTTP/1.1\r\nHost: model.test\r\n\r\n"
BROKEN = b"GET /broken HTTP/1.1\r\nHost: model.test\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: model.test\r\n\r\n"


def kind(n: int) -> str:
    """Of the `n`th request: one in 20 fails, one in 20 is given up, one in 10 is a stream."""
    return {3: "broken", 7: "given up", 11: "stream", 17: "stream"}.get(n % 20, "prediction")


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if head.startswith(b"POST"):
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                await reader.readexactly(size)
                writer.write(ANSWER)
            elif head.startswith(b"GET /broken"):
                writer.write(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n")
            elif head.startswith(b"GET /stream"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
                writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
                for n in range(EVENTS):
                    event = EVENT % n
                    writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                    await asyncio.sleep(0)
                writer.write(b"0\r\n\r\n")
            else:
                await reader.read(1)  # never answered: until the other side goes
                return
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


@contextmanager
def mixed_model() -> Iterator[str]:
    """Its URL."""
    ready: list[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = []
    started = threading.Event()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        stop = asyncio.Event()
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.append((url, asyncio.get_running_loop(), stop))
        started.set()
        await stop.wait()

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    started.wait()
    url, loop, stop = ready[0]
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


class Client:
    """One connection, made anew after a request was given up."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, what: str) -> str:
        """Sends one request; gives what became of it."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        if what == "given up":
            writer.write(SLOW)
            await writer.drain()
            writer.transport.abort()
            self._streams = None
            return "given up"
        writer.write({"prediction": REQUEST, "stream": STREAM, "broken": BROKEN}[what])
        head = await reader.readuntil(b"\r\n\r\n")
        if what == "stream":
            body = await reader.readuntil(b"0\r\n\r\n")
            assert body.count(b"data:") == EVENTS
        else:
            size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(size)
        return head.split(b" ")[1].decode()

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


def send(address: tuple[str, int], total: int, rate: float, connections: int = 16) -> Counter[str]:
    """Sends `total` requests, at most `rate` a second; counts what became of them."""
    seen: Counter[str] = Counter()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        began, numbers = loop.time(), iter(range(total))

        async def work() -> None:
            client = Client(address)
            for n in numbers:
                await asyncio.sleep(max(began + n / rate - loop.time(), 0))
                seen[await client.ask(kind(n))] += 1
            client.close()

        await asyncio.gather(*[work() for _ in range(connections)])

    uvloop.run(main())
    return seen
