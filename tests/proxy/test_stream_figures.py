"""What is counted and said of answers that come event by event, and that no byte waits for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from agent.ledger import ABORTED_BY, REASONS, Ledger
from agent.proxy.account import Accountant
from agent.proxy.routes import Route
from agent.proxy.transaction import Transaction
from agent.proxy.upstream import Upstream
from tests.harness import Outrider, eventually
from tests.origin import RawOrigin
from tests.wire import Stream, chunked, request, response

SSE, LINES = b"text/event-stream; charset=utf-8", b"application/x-ndjson"
EVENTS = {SSE: b'data: {"n": %d}\n\n', LINES: b'{"n": %d}\n'}
LAST = b"0\r\n\r\n"
PAUSE = 0.02
"""Seconds that a model server is silent for at least, in tests; a stall is shorter."""


@pytest.fixture(scope="module")
def watched(module_origin: RawOrigin) -> Iterator[Outrider]:
    """One that takes a short wait for a stall."""
    with Outrider(module_origin.url, {"streams": {"stall": "15ms"}}) as proxy:
        eventually(lambda: proxy.metric("outrider_build_info") == 1, "the observer")
        yield proxy


def silent(proxy: Outrider) -> float:
    """Until some time has passed; gives how much."""
    begun = time.monotonic()
    eventually(lambda: time.monotonic() > begun + PAUSE and proxy.metrics(), "time to pass")
    return time.monotonic() - begun


def begin(proxy: Outrider, origin: RawOrigin, path: bytes, kind: bytes) -> tuple[Stream, Stream]:
    """The client, and the origin's side of a stream whose head has come, and no event."""
    client = proxy.connect()
    client.send(request(target=path))
    stream = origin.take()
    stream.request()
    stream.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert client.head().one(b"content-type") == kind
    return client, stream


def send(client: Stream, stream: Stream, *events: bytes) -> None:
    """Each is with the client before the next one is sent."""
    for event in events:
        stream.send(chunked(event)[: -len(LAST)])
        assert client.chunk() == event


def whole(proxy: Outrider, origin: RawOrigin, path: bytes, kind: bytes = SSE) -> None:
    """A stream without a wait: by it a path becomes known."""
    client, stream = begin(proxy, origin, path, kind)
    stream.send(chunked(EVENTS[kind] % 0))
    assert client.chunk() == EVENTS[kind] % 0
    assert client.chunk() == b""
    origin.free(stream)
    client.close()


def line(proxy: Outrider, path: str, number: int = 0) -> dict[str, Any]:
    """What was logged of the path's request of this number."""

    def lines() -> list[dict[str, Any]]:
        whole = proxy.stdout().rpartition("\n")[0].splitlines()
        return [found for one in whole if (found := json.loads(one))["url.path"] == path]

    return eventually(lambda: lines()[number : number + 1], "a line")[0]


@pytest.mark.parametrize("kind", [SSE, LINES], ids=["events", "lines"])
def test_the_first_event_is_told_from_the_head(watched, module_origin, kind):
    path = "/first/" + ("events" if kind == SSE else "lines")
    client, stream = begin(watched, module_origin, path.encode(), kind)
    waited = silent(watched)
    send(client, stream, *(EVENTS[kind] % n for n in range(5)))
    stream.send(LAST)
    assert client.chunk() == b""
    module_origin.free(stream)
    client.close()
    said = line(watched, path)
    assert said["stream.first_event_ms"] - said["upstream_ms"] >= waited * 1e3 - 1
    assert said["stream.largest_gap_ms"] < said["duration_ms"] - waited * 1e3 + 1
    assert "stream.aborted_by" not in said
    metrics = watched.metrics()
    of = {"http_route": path}
    assert metrics.value("outrider_stream_first_event_seconds_count", **of) == 1
    assert metrics.value("outrider_stream_first_event_seconds_sum", **of) >= waited - 0.001
    assert metrics.value("outrider_stream_gap_seconds_count", **of) == 1


def test_an_answer_that_is_no_stream_has_none_of_it(watched, module_origin):
    with watched.connect() as client:
        for kind in (b"application/json", SSE, LINES):
            client.send(request(target=b"/plain"))
            module_origin.serve(response(b"{}\n", b"Content-Type: " + kind))
            assert client.response().body == b"{}\n"
        client.send(request(target=b"/plain"))
        stream = module_origin.take()
        stream.request()
        json_head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        stream.send(json_head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"{}"))
        assert client.response().body == b"{}"
        module_origin.free(stream)
    assert not [key for n in range(4) for key in line(watched, "/plain", n) if "stream." in key]
    assert not watched.metric("outrider_stream_first_event_seconds_count", http_route="/plain")


def test_a_stall_is_counted_once_a_stream_and_only_where_there_is_one(watched, module_origin):
    whole(watched, module_origin, b"/stall")
    client, stream = begin(watched, module_origin, b"/stall", SSE)
    waited = []
    for n in range(3):
        send(client, stream, EVENTS[SSE] % n)
        waited.append(silent(watched))
    send(client, stream, EVENTS[SSE] % 3)
    stream.send(LAST)
    assert client.chunk() == b""
    module_origin.free(stream)
    client.close()
    assert line(watched, "/stall", 1)["stream.largest_gap_ms"] >= max(waited) * 1e3 - 1
    of = {"http_route": "/stall"}
    assert watched.metric("outrider_stream_stalls_total", **of) == 1
    assert watched.metric("outrider_stream_first_event_seconds_count", **of) == 2


def test_a_client_that_leaves_is_told_and_so_is_the_wait_that_it_ended(watched, module_origin):
    whole(watched, module_origin, b"/left")
    client, stream = begin(watched, module_origin, b"/left", SSE)
    send(client, stream, EVENTS[SSE] % 0)
    waited = silent(watched)
    client.close()
    stream.end()
    said = line(watched, "/left", 1)
    assert (said["stream.aborted_by"], said["error.type"]) == ("client", "client_abort")
    assert said["stream.largest_gap_ms"] >= waited * 1e3 - 1
    of = {"http_route": "/left"}
    assert watched.metric("outrider_stream_aborted_total", by="client", **of) == 1
    assert watched.metric("outrider_stream_aborted_total", **of) == 1
    assert watched.metric("outrider_stream_stalls_total", **of) == 1


def test_a_client_that_leaves_before_the_first_event(watched, module_origin):
    whole(watched, module_origin, b"/early")
    client, stream = begin(watched, module_origin, b"/early", LINES)
    client.close()
    stream.end()
    said = line(watched, "/early", 1)
    assert said["stream.aborted_by"] == "client"
    assert "stream.first_event_ms" not in said
    of = {"http_route": "/early"}
    assert watched.metric("outrider_stream_first_event_seconds_count", **of) == 1
    assert watched.metric("outrider_stream_aborted_total", by="client", **of) == 1


@pytest.mark.parametrize("kind", [SSE, LINES], ids=["events", "lines"])
def test_a_model_server_that_breaks_off_is_told(watched, module_origin, kind):
    path = b"/broken/events" if kind == SSE else b"/broken/lines"
    whole(watched, module_origin, path, kind)
    client, stream = begin(watched, module_origin, path, kind)
    send(client, stream, EVENTS[kind] % 0)
    stream.reset()
    client.end()
    said = line(watched, path.decode(), 1)
    assert (said["stream.aborted_by"], said["error.type"]) == ("upstream", "upstream_reset")
    of = {"http_route": path.decode(), "by": "upstream"}
    assert watched.metric("outrider_stream_aborted_total", **of) == 1


def test_a_stream_that_takes_too_long_ends_by_the_timeout(start, own_origin):
    proxy = start(own_origin.url, {"timeouts": {"total": "300ms"}})
    client, stream = begin(proxy, own_origin, b"/long", SSE)
    send(client, stream, EVENTS[SSE] % 0)
    client.end()
    stream.end()
    assert line(proxy, "/long")["stream.aborted_by"] == "timeout"
    assert proxy.metric("outrider_stream_aborted_total", by="timeout") == 1


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_says_who_ended_a_stream(reason):
    ledger = Ledger(1)
    accountant = Accountant(ledger.worker(0), None)
    tx = Transaction(None, b"POST", b"/", "1.1", [], 1.0, 1)  # type: ignore[arg-type]
    tx.route, tx.status, tx.streamed, tx.error = Route("/", ""), 200, True, reason
    accountant.begin(tx)
    accountant.end(tx)
    counts = {
        by: sum(ledger.route_counts(f"aborted_{by}").values()) for by in set(ABORTED_BY.values())
    }
    assert counts == {by: int(by == ABORTED_BY[reason]) for by in counts}


def test_a_wait_for_the_client_is_no_gap_of_the_model_server():
    pool = SimpleNamespace(idle_limit=1.0)
    upstream = Upstream(pool, SimpleNamespace(limits=None))  # type: ignore[arg-type]
    upstream.transport = SimpleNamespace(pause_reading=lambda: 0, resume_reading=lambda: 0)  # type: ignore[assignment]
    tx = Transaction(None, b"GET", b"/", "1.1", [], 1.0, 1)  # type: ignore[arg-type]
    upstream.tx, tx.last_read = tx, 1.0
    upstream.resume_reading()
    assert tx.last_read == 1.0
    upstream.pause_reading()
    upstream.resume_reading()
    assert tx.last_read > 1.0
