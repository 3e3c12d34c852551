"""Clients and an origin that do anything, legal or not, in any order, while canaries are served.

A state machine drives one real Outrider: clients send parts of requests or of nonsense, end, reset,
leave, or do not read; the origin answers, answers in part, with nonsense, too early, or goes away.
After each step a canary must get its own answer. At the end nothing is left: no request is active,
the worker's descriptors are as before, each client got answers to its own requests alone, in order,
and the canaries are counted exactly.
"""

from __future__ import annotations

import re
import socket
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from tests.harness import Outrider, eventually
from tests.wire import chunked, request, response

RESET = struct.pack("ii", 1, 0)
CLIENTS = 4
ID = re.compile(rb"\r\nx-request-id: ([^\r]+)\r\n", re.IGNORECASE)
ASKED = {
    "get": lambda name: request(b"GET", b"/a", name),
    "post": lambda name: request(b"POST", b"/b", name, body=b"0123456789"),
    "chunked": lambda name: (
        request(b"POST", b"/c", name, b"Transfer-Encoding: chunked") + chunked(b"abc", b"defgh")
    ),
    "head": lambda name: request(b"HEAD", b"/d", name),
    "upgrade": lambda name: request(
        b"GET", b"/ws", name, b"Connection: Upgrade", b"Upgrade: websocket"
    ),
    "last": lambda name: request(b"GET", b"/e", name, b"Connection: close"),
    "expecting": lambda name: request(b"POST", b"/f", name, b"Expect: 100-continue", body=b"xyz"),
    "two framings": lambda name: request(
        b"POST", b"/g", name, b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "nonsense": lambda name: b"\0\r\n" + name + b"\r\n\r\n",
    "bad chunk": lambda name: (
        request(b"POST", b"/h", name, b"Transfer-Encoding: chunked") + b"xyz\r\n"
    ),
}
ANSWERED = {
    "whole": response(b"ok"),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"ok", b"!"),
    "part": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "to its end": b"HTTP/1.1 200 OK\r\n\r\nall that comes",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    "switched": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\n\r\n",
    "no body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "busy, and closes": response(b"no", b"Connection: close", status=b"503 Busy"),
    "two at once": response(b"one") + response(b"two"),
    "nonsense": b"\xff\xfe\r\n\r\n",
}
UNFINISHED = {"part", "half a head", "to its end", "interim"}
"""After these the origin may still send more."""
which = st.integers(0, 99)


class Client:
    """One client: what it means to send, what it sent, what it got."""

    def __init__(self, proxy: Outrider) -> None:
        self.sock = socket.create_connection(proxy.address, timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unsent = b""
        self.ids: list[bytes] = []
        self.ended = False

    def check(self) -> None:
        """What came is for its own requests, each at most once, in their order."""
        got = bytearray()
        self.sock.settimeout(0.0)
        with suppress(OSError):
            while data := self.sock.recv(1 << 16):
                got += data
        seen = [name for name in ID.findall(bytes(got)) if name.startswith(b"r")]
        places = [self.ids.index(name) for name in seen]
        assert places == sorted(set(places)), (self.ids, bytes(got))

    def close(self) -> None:
        self.check()
        self.sock.close()


class Connections(RuleBasedStateMachine):
    proxy: Outrider
    listener: socket.socket
    canaries = requests = 0

    def __init__(self) -> None:
        super().__init__()
        self.clients = [Client(self.proxy), Client(self.proxy)]
        self.servers: list[socket.socket] = []
        self.heard: dict[socket.socket, bytes] = {}
        self.canary = self.proxy.connect()

    # ---- clients

    @precondition(lambda self: len(self.clients) < CLIENTS)
    @rule()
    def connect(self) -> None:
        self.clients.append(Client(self.proxy))

    @precondition(lambda self: self.clients)
    @rule(at=which, kinds=st.lists(st.sampled_from(sorted(ASKED)), min_size=1, max_size=3))
    def ask(self, at: int, kinds: list[str]) -> None:
        """Some requests, of which all but the last bytes go out at once."""
        client = self.clients[at % len(self.clients)]
        for kind in kinds:
            type(self).requests += 1
            client.ids.append(b"r%d" % self.requests)
            client.unsent += ASKED[kind](b"X-Request-Id: " + client.ids[-1])
        self.send_part(client, len(client.unsent) - at % 60)

    @precondition(lambda self: any(client.unsent for client in self.clients))
    @rule(at=which, size=st.sampled_from([1, 7, 50, 1 << 16]))
    def send(self, at: int, size: int) -> None:
        ready = [client for client in self.clients if client.unsent]
        self.send_part(ready[at % len(ready)], size)

    def send_part(self, client: Client, size: int) -> None:
        size = max(size, 1)
        part, client.unsent = client.unsent[:size], client.unsent[size:]
        with suppress(OSError):  # it was closed meanwhile, as it may be
            client.sock.sendall(part)

    @precondition(lambda self: self.clients)
    @rule(at=which, how=st.sampled_from(["half", "close", "reset"]))
    def leave(self, at: int, how: str) -> None:
        client = self.clients[at % len(self.clients)]
        client.unsent = b""
        if how == "half":
            with suppress(OSError):
                client.sock.shutdown(socket.SHUT_WR)
            return
        self.clients.remove(client)
        if how == "reset":
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()

    # ---- the origin

    def hear(self) -> None:
        """Takes what has come to the origin, without waiting."""
        self.listener.settimeout(0.0)
        with suppress(BlockingIOError):
            while True:
                server, _ = self.listener.accept()
                server.setblocking(False)
                self.servers.append(server)
                self.heard[server] = b""
        for server in [*self.servers]:
            try:
                while data := server.recv(1 << 16):
                    self.heard[server] += data
                self.drop(server)
            except BlockingIOError:
                pass
            except OSError:
                self.drop(server)

    def drop(self, server: socket.socket) -> None:
        server.close()
        self.servers.remove(server)
        del self.heard[server]

    @rule(at=which, kind=st.sampled_from(sorted(ANSWERED)))
    def answer(self, at: int, kind: str) -> None:
        """Where something was asked: bytes before any request would be the next one's answer."""
        self.hear()
        asked = [server for server in self.servers if self.heard[server]]
        if not asked:
            return
        server = asked[at % len(asked)]
        with suppress(OSError):
            server.send(ANSWERED[kind])
        if kind not in UNFINISHED:
            self.heard[server] = b""

    @rule(at=which, reset=st.booleans())
    def go_away(self, at: int, reset: bool) -> None:
        if not self.servers:
            return
        server = self.servers[at % len(self.servers)]
        if reset:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.drop(server)

    # ---- what must always be so

    @invariant()
    def a_canary_gets_its_own_answer(self) -> None:
        type(self).canaries += 1
        name = b"canary-%d" % self.canaries
        self.canary.send(request(b"GET", b"/canary", b"X-Request-Id: " + name))
        server = eventually(lambda: self.asked(name), f"{name!r} at the origin")
        self.heard[server] = b""
        server.send(response(name, b"X-Canary: yes"))
        got = self.canary.response()
        assert (got.status, got.body, got.one(b"x-request-id")) == (200, name, name)

    def asked(self, name: bytes) -> socket.socket | None:
        self.hear()
        end = b"x-request-id: " + name + b"\r\nvia: 1.1 outrider\r\n\r\n"
        return next((s for s, heard in self.heard.items() if heard.endswith(end)), None)

    def teardown(self) -> None:
        for client in self.clients:
            client.close()
        for server in [*self.servers]:
            self.drop(server)
        self.canary.close()


def fds(proxy: Outrider) -> int:
    return len(list(Path(f"/proc/{proxy.pid('worker')}/fd").iterdir()))


@pytest.mark.slow
@pytest.mark.parametrize("eof", ["abort", "half_close"])
def test_any_order_of_anything(start, eof):
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    proxy = start(url, {"client_eof": eof, "timeouts": {"pool": "1s"}})
    floor, worker = fds(proxy), proxy.pid("worker")

    class Machine(Connections):
        pass

    Machine.proxy, Machine.listener = proxy, listener
    bounds = settings(
        max_examples=20,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    with listener:
        run(Machine, settings=bounds)
    name = "http_server_request_duration_seconds_count"
    canaries = {"http_route": "/canary", "http_response_status_code": "200"}
    print(f"{Machine.canaries} canaries, {Machine.requests} other requests")
    eventually(lambda: proxy.metric(name, **canaries) == Machine.canaries, "all canaries counted")
    eventually(lambda: proxy.metric("http_server_active_requests") == 0, "no request is active")
    eventually(lambda: fds(proxy) <= floor, f"the worker's {floor} descriptors again")
    assert proxy.pid("worker") == worker
