"""SIGTERM: readiness fails first, nothing in flight is lost, and the exit code is 0."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.harness import alive, eventually
from tests.wire import request, response

pytestmark = pytest.mark.slow

IN_FLIGHT = 50


def begin(proxy, origin, count: int = 1):
    """That many clients in the middle of a request, each with the origin's end of it."""
    pairs = []
    for n in range(count):
        client = proxy.connect()
        client.send(request(b"POST", b"/%d" % n, body=b"abc"))
        stream = origin.take()
        assert stream.request().target == b"/%d" % n
        pairs.append((client, stream))
    return pairs


def test_all_in_flight_finish_and_the_listener_stays_for_the_delay(start, own_origin):
    proxy = start(own_origin.url, {"drain": {"delay": "2s", "grace": "20s", "flush": "1s"}})
    idle = proxy.connect()
    idle.send(request())
    own_origin.serve()
    idle.response()
    pairs = begin(proxy, own_origin, IN_FLIGHT)

    proxy.signal(signal.SIGTERM)
    eventually(lambda: proxy.probe("/readyz") == 503, "not ready")
    assert proxy.probe("/healthz") == 200
    with proxy.connect() as late:
        late.send(request(b"POST", b"/late", body=b"abc"))
        own_origin.serve()
        got = late.response()
        assert got.body == b"ok"
        assert b"close" in got.tokens(b"connection")
        assert late.end() == "eof"

    assert idle.end() == "eof", "idle connections are closed after the delay"
    for n, (client, stream) in enumerate(pairs):
        stream.send(response(b"answer %d" % n))
        got = client.response()
        assert (got.status, got.body) == (200, b"answer %d" % n)
        assert client.end() == "eof"
    assert proxy.process.wait(20) == 0


def test_a_stream_that_has_begun_is_finished(start, own_origin):
    proxy = start(own_origin.url)
    [(client, stream)] = begin(proxy, own_origin)
    stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")
    client.until(b"one")
    proxy.signal(signal.SIGTERM)
    eventually(lambda: proxy.probe("/readyz") != 200, "not ready")
    stream.send(b"two")
    assert client.exactly(3) == b"two"
    assert client.end() == "eof"
    assert proxy.process.wait(20) == 0


def test_waiting_in_the_accept_queue_is_served(start, own_origin):
    """A connection that the kernel accepted before the listener closed is not reset."""
    proxy = start(own_origin.url)
    worker = proxy.pid("worker")
    os.kill(worker, signal.SIGSTOP)
    clients = [proxy.connect() for _ in range(5)]
    for client in clients:
        client.send(request(b"POST", b"/q", body=b"abc"))
    proxy.signal(signal.SIGTERM)
    os.kill(worker, signal.SIGCONT)
    for _ in clients:
        own_origin.serve()
    assert [client.response().body for client in clients] == [b"ok"] * 5
    assert proxy.process.wait(20) == 0


def test_grace_has_an_end(start, own_origin):
    proxy = start(own_origin.url, {"drain": {"delay": "0s", "grace": "500ms", "flush": "1s"}})
    [(client, stream)] = begin(proxy, own_origin)
    proxy.signal(signal.SIGTERM)
    assert proxy.process.wait(20) == 0
    assert stream.end() in ("eof", "reset")
    got = client.response()
    assert got.status == 503
    assert isinstance(json.loads(got.body), dict)
    assert client.rest() == b""


def test_an_answer_that_outlasts_the_grace_is_cut(start, own_origin):
    proxy = start(own_origin.url, {"drain": {"delay": "0s", "grace": "500ms", "flush": "1s"}})
    [(client, stream)] = begin(proxy, own_origin)
    stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    client.until(b"half")
    proxy.signal(signal.SIGTERM)
    assert proxy.process.wait(20) == 0
    assert client.rest() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(start, own_origin, number):
    proxy = start(own_origin.url, {"drain": {"delay": "1h", "grace": "1h", "flush": "1h"}})
    known = [pid for pids in proxy.pids().values() for pid in pids]
    begin(proxy, own_origin)
    proxy.signal(signal.SIGTERM)
    eventually(lambda: proxy.probe("/readyz") == 503, "not ready")
    proxy.signal(number)
    proxy.exit_code = proxy.process.wait(10)
    eventually(lambda: not alive(known), "all its processes to be gone")


def test_children_end_with_their_supervisor(start, own_origin):
    proxy = start(own_origin.url)
    known = [pid for pids in proxy.pids().values() for pid in pids]
    proxy.signal(signal.SIGKILL)
    proxy.exit_code = proxy.process.wait(10)
    assert proxy.exit_code == -signal.SIGKILL
    eventually(lambda: not alive(known), "its children to be gone", 30)


def test_children_leave_the_terminals_signals_to_the_supervisor(start, own_origin):
    """Ctrl-C reaches the whole group; the drain must be the supervisor's, and in order."""
    proxy = start(own_origin.url)
    [(client, stream)] = begin(proxy, own_origin)
    roles = proxy.pids()
    for pid in roles["worker"] + roles["observer"]:
        os.kill(pid, signal.SIGINT)
    proxy.signal(signal.SIGINT)
    eventually(lambda: proxy.probe("/readyz") != 200, "not ready")
    stream.send(response(b"there"))
    assert client.response().body == b"there"
    try:
        assert proxy.process.wait(20) == 0
    except subprocess.TimeoutExpired as error:
        raise AssertionError(proxy.report()) from error
