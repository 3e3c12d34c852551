"""The open loop charges a stall to every request that was due in it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from bench import openloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CONNECTIONS = 4
RATE, SECONDS = 200, 3.0
STALL = 1.0


class Server:
    """Answers at once, but from its `stall_at`th request on nobody for `STALL` seconds, once."""

    def __init__(self, stall_at: int = -1, answer: bytes = ANSWER) -> None:
        self._stall_at, self._answer = stall_at, answer
        self._turn = threading.Lock()
        self.served = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while connection.recv(1 << 16):
                with self._turn:
                    self.served += 1
                    if self.served == self._stall_at:
                        time.sleep(STALL)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def stalling() -> Iterator[Server]:
    with closing(Server(stall_at=RATE)) as server:
        yield server


@pytest.mark.slow
def test_a_stall_is_seen_by_all_requests_that_were_due_in_it(stalling: Server) -> None:
    got = openloop.drive(stalling.port, rate=RATE, seconds=SECONDS, connections=CONNECTIONS)
    assert (got.answered, got.failed) == (RATE * SECONDS, 0)
    assert stalling.served == RATE * SECONDS
    # Due in the first 0.9 s of the stall: each waited 0.1 s at least, however slow the machine
    # is. A loop that waits for answers would have seen it four times, once a connection.
    waited = sum(latency > 100.0 for latency in got.milliseconds)
    assert waited >= RATE * (STALL - 0.1) - 1
    # A third of all requests was due in the stall, evenly: the quantiles say so.
    assert openloop.quantile(got.milliseconds, 0.99) >= 900.0
    assert openloop.quantile(got.milliseconds, 0.85) >= 450.0


def test_what_is_no_200_has_failed() -> None:
    with closing(Server(answer=b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as server:
        got = openloop.drive(server.port, rate=1000, seconds=0.05)
    assert (got.answered, got.failed, got.milliseconds) == (0, 50, [])


def test_answers_in_chunks_are_read_to_their_end() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    with closing(Server(answer=chunked)) as server:
        got = openloop.drive(server.port, rate=1000, seconds=0.05)
    assert (got.answered, got.failed) == (50, 0)


def test_a_quantile_is_a_value_that_was_seen() -> None:
    values = [float(n) for n in range(1, 1001)]
    assert [openloop.quantile(values, share) for share in (0.5, 0.99, 0.999, 1.0)] == [
        500.0, 990.0, 999.0, 1000.0,
    ]  # fmt: skip
    assert openloop.quantile([7.0], 0.001) == 7.0
    assert openloop.quantile([], 0.5) != openloop.quantile([], 0.5)
