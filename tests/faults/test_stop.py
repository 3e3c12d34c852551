"""SIGTERM: readiness fails first, nothing in flight is lost, and the exit code is 0."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.harness import Outrider, alive, eventually
from tests.wire import request, response

pytestmark = pytest.mark.slow

IN_FLIGHT = 50
ROUNDS = int(os.environ.get("OUTRIDER_TEST_ROUNDS", "2"))
"""Of stops with IN_FLIGHT requests; 100 in the soak."""
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


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


def paths_of_records(proxy) -> list[str]:
    lines = [json.loads(line) for line in proxy.stdout().splitlines()]
    return sorted(line["url.path"] for line in lines if "http.response.status_code" in line)


def stop_with_requests_in_flight(origin) -> None:
    """Half of them wait for their answer, half are in the middle of a stream of events."""
    with Outrider(origin.url, {"drain": {"delay": "0s", "grace": "20s", "flush": "9s"}}) as proxy:
        pairs = begin(proxy, origin, IN_FLIGHT)
        for client, stream in pairs[1::2]:
            stream.send(EVENTS + chunk(b"data: 1\n\n"))
            client.until(b"data: 1\n\n\r\n")
        proxy.signal(signal.SIGTERM)
        eventually(lambda: proxy.probe("/readyz") != 200, "not ready")
        for _, stream in pairs[1::2]:
            stream.send(chunk(b"data: 2\n\n"))
        for n, (client, stream) in enumerate(pairs):
            if n % 2:
                stream.send(chunk(b"data: 3\n\n") + b"0\r\n\r\n")
                rest = client.rest()
                assert rest.endswith(chunk(b"data: 2\n\n") + chunk(b"data: 3\n\n") + b"0\r\n\r\n")
            else:
                stream.send(response(b"answer %d" % n))
                assert client.response().body == b"answer %d" % n
            assert client.end() == "eof"
            client.close()
        assert proxy.process.wait(30) == 0
        assert paths_of_records(proxy) == sorted(f"/{n}" for n in range(IN_FLIGHT))
    origin.reset()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_an_observer_told_to_end_while_it_starts_ends_in_order(own_origin):
    """What was sent to it meanwhile is read and written: signals wait until it can heed them."""
    with Outrider(own_origin.url, {"drain": {"delay": "0s", "flush": "9s"}}) as proxy:
        proxy.metric("outrider_build_info")
        observer = proxy.pid("observer")
        os.kill(observer, signal.SIGKILL)
        eventually(lambda: proxy.pid("observer") != observer, "another observer")
        with proxy.connect() as client:
            client.send(request(b"GET", b"/one"))
            own_origin.serve()
            client.response()
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(30) == 0
        assert paths_of_records(proxy) == ["/one"]
        assert not proxy.said("ended with status")


def test_answers_and_streams_in_flight_finish_and_each_has_its_record(own_origin):
    for _ in range(ROUNDS):
        stop_with_requests_in_flight(own_origin)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_rounds_of_fifty_in_flight(own_origin):
    """Goal G6."""
    for _ in range(100):
        stop_with_requests_in_flight(own_origin)


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
