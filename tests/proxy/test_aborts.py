"""Peers that leave: a client before its answer, an origin in the middle of its own."""

from __future__ import annotations

import json

import pytest

from tests.harness import eventually
from tests.wire import IncompleteError, Message, Stream, chunked, request, response

LEFT = {"http_response_status_code": "499", "error_type": "client_abort"}
COUNT = "http_server_request_duration_seconds_count"
FAILED = "outrider_requests_failed_total"


@pytest.mark.parametrize("how", ["reset", "close", "half_close"])
@pytest.mark.parametrize("when", ["waiting", "streaming", "uploading"])
def test_client_that_leaves_closes_the_origins_connection(client, origin, proxy, how, when):
    """At once, whatever the moment; and it is counted as 499 client_abort, exactly once."""
    before = proxy.metrics()
    head = b"Content-Length: 10" if when == "uploading" else b"Accept: */*"
    client.send(request(b"POST", b"/p", head))
    stream = origin.take()
    stream.head()
    if when == "streaming":
        stream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        client.until(b"x\r\n")
    getattr(client, how)()
    assert stream.end() in ("eof", "reset")
    assert stream.unread == b""
    eventually(
        lambda: proxy.metric(COUNT, **LEFT) == before.value(COUNT, **LEFT) + 1, "the 499 counted"
    )
    reason = {"reason": "client_abort"}
    assert proxy.metric(FAILED, **reason) == before.value(FAILED, **reason) + 1


def test_client_that_leaves_between_requests_is_no_failure(connect, origin, proxy):
    before = proxy.metrics()
    client = connect()
    client.send(request(target=b"/whole"))
    origin.serve()
    client.response()
    client.close()
    other = connect()
    other.send(request(target=b"/other"))
    origin.serve()
    other.response()
    total = before.value(COUNT) + 2
    eventually(lambda: proxy.metric(COUNT) == total, "both requests counted")
    assert proxy.metric(FAILED) == before.value(FAILED)


def test_half_closed_client_is_answered_where_allowed(start, own_origin):
    """client_eof: half_close."""
    proxy = start(own_origin.url, {"client_eof": "half_close"})
    with proxy.connect() as client:
        client.send(request(b"POST", b"/p", body=b"all"))
        client.half_close()
        stream = own_origin.take()
        assert stream.request().body == b"all"
        stream.send(response(b"here"))
        assert client.response().body == b"here"
        assert client.end() == "eof"
        own_origin.free(stream)
    with proxy.connect() as client:
        client.send(request())
        stream = own_origin.take()
        stream.request()
        client.reset()
        assert stream.end() in ("eof", "reset"), "a reset is a departure also then"
    with proxy.connect() as client:
        client.send(request(b"POST", b"/p", b"Content-Length: 10"), b"half")
        stream = own_origin.take()
        stream.head()
        client.half_close()
        assert stream.end() in ("eof", "reset"), "an end inside a request is one too"


BODY = b"".join(b"data: token %d\n\n" % n for n in range(6))
CUT = {
    "length": response(BODY, b"Content-Type: text/plain"),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
    + chunked(BODY[:50], BODY[50:], trailers=b"X-T: 1\r\n"),
    "events": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
    + chunked(*[event + b"\n\n" for event in BODY.split(b"\n\n")[:-1]]),
}


def whole_or_cut(client: Stream) -> Message | IncompleteError:
    try:
        return client.response()
    except IncompleteError as cut:
        return cut


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("framing", CUT)
def test_response_cut_at_any_byte_is_never_whole(connect, origin, framing, how):
    """The client sees a 502 or an aborted answer, and no byte that the origin did not send."""
    answer = CUT[framing]
    for size in range(len(answer)):
        client = connect()
        client.send(request(b"POST", b"/cut"))
        stream = origin.take()
        stream.request()
        stream.send(answer[:size])
        getattr(stream, how)()
        origin.forget(stream)
        got = whole_or_cut(client)
        if isinstance(got, IncompleteError):
            assert got.message is None or BODY.startswith(got.message.body), size
        else:
            assert got.status == 502, f"a clean {got.status} of {size} bytes of {len(answer)}"
            assert isinstance(json.loads(got.body), dict)
        client.close()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_cut_response_resets_a_1_0_client(connect, origin, how):
    """Where the end of the connection is the end of the body, only a reset says that it is not."""
    answer = CUT["chunked"]
    for size in range(answer.index(b"\r\n\r\n") + 4, len(answer)):
        client = connect()
        client.send(b"GET /cut HTTP/1.0\r\nHost: model.test\r\n\r\n")
        stream = origin.take()
        stream.request()
        stream.send(answer[:size])
        getattr(stream, how)()
        origin.forget(stream)
        got = client.rest()
        assert client.ended == "reset" or b" 502 " in got, size


def test_reset_of_a_close_delimited_response_aborts_the_client(client, origin):
    client.send(request())
    stream = origin.take()
    stream.request()
    stream.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    client.until(b"half")
    stream.reset()
    client.rest()
    assert client.ended == "reset" or not client.received.endswith(b"0\r\n\r\n")


def test_cut_response_is_counted_as_upstream_reset(client, origin, proxy):
    before = proxy.metrics()
    client.send(request())
    stream = origin.take()
    stream.request()
    stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    client.until(b"half")
    stream.close()
    assert client.end() in ("eof", "reset")
    reason = {"reason": "upstream_reset"}
    eventually(
        lambda: proxy.metric(FAILED, **reason) == before.value(FAILED, **reason) + 1, "the reset"
    )
