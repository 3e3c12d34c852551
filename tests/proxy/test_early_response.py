"""An origin that answers before it has read the request."""

from __future__ import annotations

import threading

from tests.wire import IncompleteError, chunked, request, response


def test_413_is_readable_while_the_body_is_still_being_sent(client, origin):
    client.send(request(b"POST", b"/p", b"Content-Length: 1000000"), bytes(1000))
    stream = origin.take()
    stream.head()
    stream.send(response(b"too large", b"Connection: close", status=b"413 Content Too Large"))
    got = client.response()
    assert (got.status, got.body) == (413, b"too large")


def test_413_reaches_a_client_that_never_stops_sending(client, origin):
    """The rest of the body neither blocks the answer nor becomes the next request."""
    total = 50_000_000
    client.send(request(b"POST", b"/p", b"Content-Length: %d" % total))

    def send() -> None:
        try:
            for _ in range(total // 100_000):
                client.send(bytes(100_000))
        except OSError:
            pass

    thread = threading.Thread(target=send)
    thread.start()
    stream = origin.take()
    stream.head()
    stream.send(response(b"too large", b"Connection: close", status=b"413 Content Too Large"))
    stream.close()
    got = client.response()
    assert got.status == 413
    assert got.body == b"too large"
    client.rest()
    thread.join()
    assert origin.pending() == 0


def test_answer_before_the_end_of_a_short_body_keeps_the_connection_in_step(client, origin):
    """Whether the client's connection is kept or closed, the body is no request."""
    client.send(request(b"POST", b"/p", b"Content-Length: 26"))
    stream = origin.take()
    stream.head()
    stream.send(response(b"early"))
    assert client.response().body == b"early"
    try:
        client.send(b"GET /smuggled HTTP/1.1\r\n\r\n", request(target=b"/after"))
        after = origin.take(deadline=2).request()
        assert after.target == b"/after"
    except (AssertionError, OSError):
        assert client.end() in ("eof", "reset")


def test_unread_request_body_is_never_the_origins_next_request(client, connect, origin):
    """CVE-2025-4366: the origin's connection is not reused while a body is owed on it."""
    client.send(request(b"POST", b"/p", b"Transfer-Encoding: chunked"))
    stream = origin.take()
    stream.head()
    stream.send(response(b"early"))
    assert client.response().body == b"early"
    other = connect()
    other.send(request(target=b"/other"))
    taken = origin.take()
    assert taken.request().target == b"/other"
    taken.send(response(b"other"))
    assert other.response().body == b"other"


def test_origin_that_reads_on_after_its_early_answer(client, origin):
    """A whole answer first, then the rest of the request: the origin may yet get all of it."""
    client.send(request(b"POST", b"/p", b"Transfer-Encoding: chunked"), chunked(b"part")[:-5])
    stream = origin.take()
    message = stream.head()
    assert stream.chunk() == b"part"
    stream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(b"a")[:-5])
    client.until(b"a\r\n")
    client.send(chunked(b"rest"))
    try:
        stream.body(message, default="none")
    except IncompleteError as cut:
        raise AssertionError("the request was cut though its answer still ran") from cut
    assert message.body == b"rest"
    stream.send(b"0\r\n\r\n")
    client.until(b"0\r\n\r\n")
