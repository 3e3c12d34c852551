"""A model server that counts and a generator of a fixed number of requests.

Rule: each request is accounted for on both sides: answered, or failed with its connection. Run
as a program this file is the server: it prints its port, and `GET /count` tells how many POSTs
it has read to the end.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httptools
import uvloop

from tests.harness import ROOT, get

BODY = b'{"instances": [{"age": 39, "income": 52000.5, "tenure": 4, "city": "Oslo", "plan": "a"}]}'
REQUEST = (
    b"POST /v1/models/churn:predict HTTP/1.1\r\nHost: model.test\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
ANSWER_BODY = b'{"predictions": [0.25]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(ANSWER_BODY),
    ANSWER_BODY,
)


class CountingServer(asyncio.Protocol):
    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self.parser.get_method() == b"POST":
            CountingServer.count += 1
            self.transport.write(ANSWER)
        else:
            body = b"%d" % CountingServer.count
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )


class Model:
    """The server as seen from the test."""

    def __init__(self, port: int) -> None:
        self.address = ("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{port}"

    def count(self) -> int:
        return int(get(self.address, "/count").body)


@contextmanager
def counting_model() -> Iterator[Model]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.load"], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield Model(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class _Client(asyncio.Protocol):
    """One connection: the next request as soon as the last is answered."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting = False
        self.left = load.per_connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpResponseParser(self)
        self.ask()

    def ask(self) -> None:
        if self.transport.is_closing():
            return
        if not self.left or not self.load.claim():
            self.transport.close()
            return
        self.left -= 1
        self.waiting = True
        self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.waiting = False
        status = self.parser.get_status_code()
        if status == 200:
            self.load.answered += 1
        else:
            self.load.errors[status] = self.load.errors.get(status, 0) + 1
        if self.parser.should_keep_alive() and self.load.think:
            asyncio.get_running_loop().call_later(self.load.think, self.ask)
        elif self.parser.should_keep_alive():
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting:
            self.load.lost += 1
        self.over.set_result(None)


class Load:
    """Sends `total` requests over `connections`, from a thread; look at it while it runs.

    A connection is closed after `per_connection` requests and another made; one that ends
    before its answer loses that request, which is not sent again. `think` is how many seconds
    a client waits between an answer and its next request; `stop` ends it before the total.
    """

    def __init__(
        self,
        address: tuple[str, int],
        total: int,
        connections: int = 16,
        per_connection: int = 1_000_000,
        think: float = 0.0,
    ) -> None:
        self.address, self.per_connection, self.think = address, per_connection, think
        self.total, self._unsent = total, total
        self.answered = self.lost = self.refused = 0
        self.errors: dict[int, int] = {}
        self._connections = connections
        self._thread = threading.Thread(target=lambda: uvloop.run(self._run()))

    def claim(self) -> bool:
        if not self._unsent:
            return False
        self._unsent -= 1
        return True

    @property
    def done(self) -> int:
        return self.answered + self.lost + sum(self.errors.values())

    async def _run(self) -> None:
        await asyncio.gather(*[self._connection() for _ in range(self._connections)])

    async def _connection(self) -> None:
        loop = asyncio.get_running_loop()
        while self._unsent:
            try:
                _, client = await loop.create_connection(lambda: _Client(self), *self.address)
            except OSError:
                self.refused += 1
                await asyncio.sleep(0.01)
                continue
            await client.over
            await asyncio.sleep(self.think if self.per_connection == 1 else 0)

    def stop(self) -> None:
        """Sends no more; what is in flight is still waited for."""
        self._unsent = 0

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._unsent = 0
        self._thread.join()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(CountingServer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
