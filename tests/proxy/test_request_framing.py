"""How a request's body is framed on its way to the origin."""

from __future__ import annotations

import pytest

from tests.origin import RawOrigin
from tests.wire import Stream, chunked, request, response

KEEP = response(b"next")


def exchange(client: Stream, origin: RawOrigin, sent: bytes):
    """What the origin saw, after checking that the client's connection goes on."""
    client.send(sent)
    seen = origin.serve()
    assert client.response().body == b"ok"
    client.send(request(target=b"/after"))
    assert origin.serve(KEEP).target == b"/after"
    assert client.response().body == b"next"
    return seen


def test_content_length_arrives_as_content_length(client, origin):
    seen = exchange(client, origin, request(b"POST", b"/p", body=b'{"x": 1}'))
    assert (seen.framing, seen.body) == ("length", b'{"x": 1}')
    assert seen.one(b"content-length") == b"8"


def test_zero_content_length_is_kept(client, origin):
    seen = exchange(client, origin, request(b"POST", b"/p", body=b""))
    assert (seen.one(b"content-length"), seen.body) == (b"0", b"")


def test_request_without_body_gets_no_framing_fields(client, origin):
    seen = exchange(client, origin, request())
    assert seen.framing == "none"
    assert not seen.all(b"content-length")
    assert not seen.all(b"transfer-encoding")


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"PUT", b"PATCH", b"OPTIONS"])
def test_body_passes_with_any_method(client, origin, method):
    seen = exchange(client, origin, request(method, b"/p", body=b"abc"))
    assert (seen.method, seen.body) == (method, b"abc")


def test_chunked_arrives_as_chunked(client, origin):
    sent = request(b"POST", b"/p", b"Transfer-Encoding: chunked") + chunked(b"ab", b"c" * 300)
    seen = exchange(client, origin, sent)
    assert (seen.framing, seen.body) == ("chunked", b"ab" + b"c" * 300)


def test_empty_chunked_body(client, origin):
    seen = exchange(
        client, origin, request(b"POST", b"/p", b"Transfer-Encoding: chunked") + chunked()
    )
    assert (seen.framing, seen.body) == ("chunked", b"")


def test_chunk_extensions_and_leading_zeros_do_no_harm(client, origin):
    """RFC 9112 7.1.1: a recipient ignores extensions that it does not know."""
    body = b'0003;a=b;c="d e"\r\nabc\r\n00A;x\r\n0123456789\r\n000\r\n\r\n'
    sent = request(b"POST", b"/p", b"Transfer-Encoding: chunked") + body
    assert exchange(client, origin, sent).body == b"abc0123456789"


def test_transfer_encoding_is_recognised_in_any_case(client, origin):
    sent = request(b"POST", b"/p", b"transfer-encoding: Chunked") + chunked(b"x")
    assert exchange(client, origin, sent).body == b"x"


def test_request_trailers_reach_the_origin(client, origin):
    lines = b"X-Checksum: abc\r\nX-Two: 1\r\nX-Two: 2\r\n"
    sent = request(b"POST", b"/p", b"Transfer-Encoding: chunked", b"Trailer: X-Checksum, X-Two")
    seen = exchange(client, origin, sent + chunked(b"body", trailers=lines))
    assert seen.trailers == [(b"X-Checksum", b"abc"), (b"X-Two", b"1"), (b"X-Two", b"2")]


def test_large_body_arrives_whole(client, origin):
    body = bytes(range(256)) * 4096
    with origin.serving() as seen:
        client.send(request(b"POST", b"/p", body=body))
        assert client.response().body == b"ok"
    assert seen[0].body == body


def test_expect_continue_is_relayed_end_to_end(client, origin):
    """RFC 9110 10.1.1: the origin, not the proxy, says 100, and only then the body is sent."""
    head = request(b"POST", b"/p", b"Expect: 100-continue", b"Content-Length: 5")
    client.send(head)
    stream = origin.take()
    seen = stream.head()
    assert seen.one(b"expect").lower() == b"100-continue"
    assert not client.received
    stream.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert client.head().status == 100
    client.send(b"hello")
    stream.body(seen, default="none")
    assert seen.body == b"hello"
    stream.send(response(b"done"))
    assert client.response().body == b"done"


def test_expect_refused_by_a_final_status(client, origin):
    """The client reads the refusal; its unsent body is never awaited as the next request."""
    client.send(request(b"POST", b"/p", b"Expect: 100-continue", b"Content-Length: 5"))
    stream = origin.take()
    stream.head()
    stream.send(response(b"no", b"Connection: close", status=b"417 Expectation Failed"))
    got = client.response()
    assert (got.status, got.body) == (417, b"no")


def test_client_that_does_not_wait_for_100_is_served(client, origin):
    client.send(request(b"POST", b"/p", b"Expect: 100-continue", body=b"hello"))
    stream = origin.take()
    assert stream.request().body == b"hello"
    stream.send(response(b"done"))
    got = client.response()
    assert (got.status, got.body, got.interim) == (200, b"done", [])


def test_http_1_0_request_is_sent_on_as_1_1(client, origin):
    client.send(b"POST /p HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")
    seen = origin.serve()
    assert seen.start == b"POST /p HTTP/1.1"
    assert seen.body == b"abc"
    assert seen.one(b"host"), "HTTP/1.1 needs a Host, also when an older client sent none"
    assert client.response().body == b"ok"
    assert client.end() == "eof"


def test_empty_lines_before_a_request_are_skipped(client, origin):
    """RFC 9112 2.2: a server ignores at least one empty line before the request line."""
    client.send(b"\r\n", request())
    assert origin.serve().start == b"GET / HTTP/1.1"
    assert client.response().body == b"ok"
