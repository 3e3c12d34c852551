"""How a response is framed on its way to the client."""

from __future__ import annotations

import pytest

from tests.origin import OK, RawOrigin
from tests.wire import Message, Stream, chunked, request, response

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(client: Stream, origin: RawOrigin, answer: bytes, sent: bytes = request()) -> Message:
    client.send(sent)
    origin.serve(answer)
    return client.response(sent.split(b" ")[0])


def still_open(client: Stream, origin: RawOrigin) -> None:
    """The next request on the connection gets its own answer."""
    got = ask(client, origin, response(b"canary"), request(target=b"/canary"))
    assert (got.status, got.body) == (200, b"canary")


def test_content_length(client, origin):
    got = ask(client, origin, response(b"hello"))
    assert (got.framing, got.body) == ("length", b"hello")
    still_open(client, origin)


def test_empty_body(client, origin):
    got = ask(client, origin, response(b""))
    assert (got.one(b"content-length"), got.body) == (b"0", b"")
    still_open(client, origin)


def test_chunked_of_many_pieces(client, origin):
    got = ask(client, origin, CHUNKED + chunked(b"ab", b"c" * 5000))
    assert (got.framing, got.body) == ("chunked", b"ab" + b"c" * 5000)
    still_open(client, origin)


def test_chunk_extensions_in_a_response(client, origin):
    got = ask(client, origin, CHUNKED + b"2;x=y\r\nab\r\n0;z\r\n\r\n")
    assert got.body == b"ab"
    still_open(client, origin)


def test_response_trailers_reach_the_client(client, origin):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    got = ask(client, origin, head + chunked(b"body", trailers=b"X-Sum: 1\r\nx-b: \xe9\r\n"))
    assert got.trailers == [(b"X-Sum", b"1"), (b"x-b", b"\xe9")]
    still_open(client, origin)


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5",
        b"Transfer-Encoding: chunked",
        b"X-None: 1",
    ],
    ids=["length", "chunked", "neither"],
)
def test_head_is_complete_at_its_head(client, origin, fields):
    """RFC 9112 6.3: whatever the fields of an answer to HEAD say, no body follows."""
    answer = b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n"
    got = ask(client, origin, answer, request(b"HEAD"))
    assert got.status == 200
    if fields.startswith(b"Content-Length"):
        assert got.one(b"content-length") == b"5"
    still_open(client, origin)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_statuses_without_a_body(client, origin, status):
    got = ask(client, origin, response(b"", b"ETag: x", status=status, length=False))
    assert got.start == b"HTTP/1.1 " + status
    assert not got.all(b"content-length")
    assert not got.all(b"transfer-encoding")
    still_open(client, origin)


def test_304_keeps_the_length_that_it_describes(client, origin):
    """RFC 9110 8.6: it says what a 200 would have had; no body follows."""
    answer = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n"
    assert ask(client, origin, answer).one(b"content-length") == b"77"
    still_open(client, origin)


def test_204_never_carries_framing(client, origin):
    """RFC 9110 8.6 and RFC 9112 6.1 forbid both fields in a 204."""
    got = ask(client, origin, b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
    assert got.status == 204
    assert not got.all(b"content-length")
    still_open(client, origin)


def test_early_hints_are_relayed_at_once(client, origin):
    client.send(request())
    stream = origin.take()
    stream.request()
    stream.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    hints = client.head()
    assert (hints.status, hints.one(b"link")) == (103, b"</a.css>; rel=preload")
    assert not hints.all(b"content-length")
    stream.send(b"HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\n", OK)
    origin.free(stream)
    got = client.response()
    assert [m.one(b"link") for m in got.interim] == [b"</b.css>"]
    assert got.body == b"ok"
    still_open(client, origin)


def test_interim_responses_are_kept_from_http_1_0_clients(client, origin):
    """RFC 9110 15.2: a server sends no 1xx to an HTTP/1.0 client."""
    client.send(b"GET / HTTP/1.0\r\nHost: model.test\r\n\r\n")
    origin.serve(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)
    got = client.response()
    assert (got.interim, got.body) == ([], b"ok")


def test_close_delimited_response_reaches_a_1_1_client_whole(client, origin):
    client.send(request())
    stream = origin.take()
    stream.request()
    stream.send(b"HTTP/1.1 200 OK\r\n\r\nall ", b"of it")
    stream.close()
    got = client.response()
    assert got.body == b"all of it"
    assert got.framing in ("chunked", "close")


def test_close_delimited_response_reaches_a_1_0_client_whole(client, origin):
    client.send(b"GET / HTTP/1.0\r\nHost: model.test\r\n\r\n")
    stream = origin.take()
    stream.request()
    stream.send(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    stream.close()
    got = client.response()
    assert (got.framing, got.body) == ("close", b"all of it")


def test_chunked_response_is_unwrapped_for_a_1_0_client(client, origin):
    """RFC 9112 6.1: no Transfer-Encoding to a client that did not speak 1.1."""
    client.send(b"GET / HTTP/1.0\r\nHost: model.test\r\n\r\n")
    origin.serve(CHUNKED + chunked(b"ab", b"cd"))
    got = client.response()
    assert (got.framing, got.body) == ("close", b"abcd")


def test_1_0_client_is_closed_after_the_answer(client, origin):
    client.send(b"GET / HTTP/1.0\r\nHost: model.test\r\n\r\n")
    origin.serve()
    got = client.response()
    assert got.body == b"ok"
    assert b"keep-alive" not in got.tokens(b"connection")
    assert client.end() == "eof"


def test_1_0_client_that_asks_is_kept_alive(client, origin):
    """RFC 9112 9.3: and it is told so, since it would not know otherwise."""
    ping = b"GET / HTTP/1.0\r\nHost: model.test\r\nConnection: keep-alive\r\n\r\n"
    for _ in range(2):
        client.send(ping)
        origin.serve()
        got = client.response()
        assert got.body == b"ok"
        assert b"keep-alive" in got.tokens(b"connection")


def test_connection_close_is_honoured_and_said(client, origin):
    got = ask(client, origin, OK, request(b"GET", b"/", b"Connection: close"))
    assert b"close" in got.tokens(b"connection")
    assert client.end() == "eof"


def test_origins_close_is_not_the_clients(client, origin):
    """Connection is hop by hop: the origin may close its side and the client goes on."""
    client.send(request())
    stream = origin.take()
    stream.request()
    stream.send(response(b"ok", b"Connection: close"))
    stream.close()
    got = client.response()
    assert got.body == b"ok"
    still_open(client, origin)


def test_http_1_0_origin(client, origin):
    client.send(request())
    stream = origin.take()
    stream.request()
    stream.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
    got = client.response()
    assert got.start == b"HTTP/1.1 200 OK"
    assert got.body == b"ok"
    assert stream.end() == "eof", "a 1.0 origin that did not say keep-alive is not kept"
    still_open(client, origin)


def test_large_response_arrives_whole(client, origin):
    body = bytes(range(256)) * 8192
    client.send(request())
    with origin.serving(response(body)):
        assert client.response().body == body
