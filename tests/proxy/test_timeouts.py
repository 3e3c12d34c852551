"""Every wait has an end, and says so: 408, 504 or a closed connection."""

from __future__ import annotations

import json
import select
import socket

import pytest

from tests.harness import Outrider, eventually
from tests.wire import IncompleteError, request, response

FAILED = "outrider_requests_failed_total"
SHORT = {"head": "300ms", "idle": "600ms", "connect": "300ms", "first_byte": "400ms"}


@pytest.fixture(scope="module")
def short(module_origin):
    with Outrider(module_origin.url, {"timeouts": SHORT}) as proxy:
        yield proxy


def error(got, status: int) -> None:
    assert got.status == status
    assert got.one(b"content-type").startswith(b"application/json")
    assert isinstance(json.loads(got.body), dict)


@pytest.mark.parametrize("part", [b"GET / HT", b"GET / HTTP/1.1\r\nHost: model.test\r\nX-A: 1"])
def test_a_head_that_does_not_end_is_408(short, module_origin, part):
    before = short.metric(FAILED, reason="limit") + short.metric(FAILED, reason="client_protocol")
    with short.connect() as client:
        client.send(part)
        error(client.response(), 408)
        assert client.rest() == b""

    def counted() -> bool:
        now = short.metrics()
        both = now.value(FAILED, reason="limit") + now.value(FAILED, reason="client_protocol")
        return both == before + 1

    eventually(counted, "the breach counted")
    assert module_origin.pending() == 0


def test_a_head_sent_ever_so_slowly_is_not_kept_alive_by_its_bytes(short):
    """The deadline is for the whole head, not for the next byte (slowloris)."""
    with short.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nX-Slow: ")
        for _ in range(500):
            if select.select([client.sock], [], [], 0.02)[0]:
                break
            client.send(b"x")
        error(client.response(), 408)


def test_an_idle_connection_is_closed_without_a_word(short, module_origin):
    with short.connect() as client:
        assert client.rest() == b""
    with short.connect() as client:
        client.send(request())
        module_origin.serve()
        client.response()
        assert client.rest() == b""


def test_no_first_byte_is_504(short, module_origin):
    before = short.metric(FAILED, reason="upstream_timeout")
    with short.connect() as client:
        client.send(request(b"POST", b"/slow", body=b"x"))
        stream = module_origin.take()
        stream.request()
        error(client.response(), 504)
        assert stream.end() in ("eof", "reset")
    module_origin.reset()
    eventually(lambda: short.metric(FAILED, reason="upstream_timeout") == before + 1, "the 504")


def test_first_byte_timeout_does_not_count_the_clients_own_slowness(short, module_origin):
    """Request sent to first byte: while the body still comes, the origin owes nothing."""
    with short.connect() as client:
        client.send(request(b"POST", b"/p", b"Content-Length: 5"))
        stream = module_origin.take()
        message = stream.head()
        for byte in b"hello":  # together longer than first_byte, each shorter than idle
            client.sock.settimeout(0.12)
            assert_silent(client)
            client.send(bytes([byte]))
        client.sock.settimeout(10)
        stream.body(message, default="none")
        stream.send(response(b"ok"))
        module_origin.free(stream)
        assert client.response().body == b"ok"


def assert_silent(client) -> None:
    """Nothing comes within the socket's timeout."""
    with pytest.raises(TimeoutError):
        client.sock.recv(1)


def test_a_stream_is_not_cut_by_the_first_byte_timeout(short, module_origin):
    with short.connect() as client:
        client.send(request())
        stream = module_origin.take()
        stream.request()
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        client.head()
        for byte in b"data":
            client.sock.settimeout(0.2)
            assert_silent(client)
            client.sock.settimeout(10)
            stream.send(bytes([byte]))
            assert client.exactly(1) == bytes([byte])
        module_origin.free(stream)


def test_connect_timeout_is_504(start):
    """A listener whose backlog is full answers no SYN: the network's black hole on loopback."""
    with socket.socket() as listener, socket.socket() as one, socket.socket() as two:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (one, two):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        proxy = start(url, {"timeouts": SHORT}, ready="/healthz")
        with proxy.connect() as client:
            client.send(request(b"POST", b"/p", body=b"x"))
            error(client.response(), 504)
        assert proxy.probe("/readyz") == 503


def test_total_timeout_is_504_before_the_answer_and_an_abort_within(start, own_origin):
    proxy = start(own_origin.url, {"timeouts": {"total": "500ms"}})
    with proxy.connect() as client:
        client.send(request())
        own_origin.take().request()
        error(client.response(), 504)
    own_origin.reset()
    with proxy.connect() as client:
        client.send(request())
        stream = own_origin.take()
        stream.request()
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        with pytest.raises(IncompleteError):
            client.response()
        assert stream.end() in ("eof", "reset")


def test_pooled_connections_are_dropped_when_idle(start, own_origin):
    """timeouts.pool, or the origin's own Keep-Alive less a second, if that is sooner."""
    proxy = start(own_origin.url, {"timeouts": {"pool": "300ms"}})
    with proxy.connect() as client:
        client.send(request())
        stream = own_origin.take()
        stream.request()
        stream.send(response(b"ok"))
        assert client.response().body == b"ok"
        assert stream.end() == "eof"


def test_the_origins_keep_alive_time_is_respected(start, own_origin):
    proxy = start(own_origin.url, {"timeouts": {"pool": "1h"}})
    with proxy.connect() as client:
        client.send(request())
        stream = own_origin.take()
        stream.request()
        stream.send(response(b"ok", b"Connection: keep-alive", b"Keep-Alive: timeout=2, max=9"))
        got = client.response()
        assert got.body == b"ok"
        assert not got.all(b"keep-alive")
        assert stream.end() == "eof"
