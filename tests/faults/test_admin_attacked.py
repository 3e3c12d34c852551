"""The admin and the health port under attack: requests on the data port do not notice."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress

import pytest

from tests.faults.load import Load, counting_model
from tests.harness import Outrider, eventually, get
from tests.wire import Stream

pytestmark = pytest.mark.slow

TOTAL = 1000
MANY = 200
COUNT = "http_server_request_duration_seconds_count"
ATTACKS = {
    "silence": b"",
    "half a head": b"GET /metrics HTTP/1.1\r\nHost: x\r\n",
    "a body that does not come": b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
    "a head of 200 kB": b"GET /metrics HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000,
    "a thousand fields": b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"A: a\r\n" * 1000 + b"\r\n",
    "pages asked for and not read": b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 2,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
}


@pytest.fixture(scope="module")
def model():
    with counting_model() as model:
        yield model


@pytest.fixture(scope="module")
def proxy(model):
    with Outrider(model.url, {"drain": {"delay": "0s"}}) as proxy:
        yield proxy


def attacker(address: tuple[str, int], data: bytes) -> socket.socket:
    sock = socket.create_connection(address, timeout=10)
    sock.setblocking(False)
    with suppress(OSError):
        sock.send(data)
    return sock


def all_served(proxy: Outrider) -> None:
    before = proxy.metric(COUNT, http_request_method="POST")
    with Load(proxy.address, TOTAL) as load:
        pass
    assert (load.answered, load.lost, load.refused, load.errors) == (TOTAL, 0, 0, {})
    eventually(lambda: proxy.metric(COUNT, http_request_method="POST") == before + TOTAL, "counts")


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("port", ["admin", "health"])
def test_many_hostile_connections(proxy: Outrider, port, attack):
    """Requests are served and counted, the pages and probes answer others meanwhile."""
    address = proxy.admin if port == "admin" else proxy.health
    pids = {role: proxy.pid(role) for role in ("worker", "observer")}
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.callback(attacker(address, ATTACKS[attack]).close)
        all_served(proxy)
        assert {proxy.probe("/healthz"), proxy.probe("/readyz")} == {200}
        assert get(proxy.admin, "/healthz").status == 200
    assert pids == {role: proxy.pid(role) for role in pids}


def test_a_probe_that_does_not_come_to_an_end_is_cut_off(proxy: Outrider):
    """A connection to the health port lives for a few seconds, whatever it sends."""
    with Stream(socket.create_connection(proxy.health, timeout=20)) as probe:
        probe.send(b"GET /healthz HTTP/1.1\r\nHost:")
        assert probe.end() in ("eof", "reset")
