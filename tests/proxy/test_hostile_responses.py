"""A model server that means harm: what it says in one answer stays in that answer, and is bounded.

Beside `test_conformance_responses.py`, which holds what is no HTTP: these answers are well-formed.
"""

from __future__ import annotations

import pytest

from agent.proxy.response import MAX_INTERIM
from tests.wire import chunked, request, response

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OLD = b"GET /old HTTP/1.0\r\nHost: model.test\r\n\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def test_trailers_that_a_1_0_client_cannot_get_are_nobodys_fields(connect, origin):
    """They are dropped, not kept for the next answer on that connection to the model server."""
    old = connect()
    old.send(OLD)
    stream = origin.take()
    stream.request()
    stream.send(CHUNKED + chunked(b"x", trailers=b"Set-Cookie: mine=1\r\nX-T: 1\r\n"))
    origin.free(stream)
    assert old.response().body == b"x"
    client = connect()
    for _ in range(2):
        client.send(request())
        assert origin.take() is stream, "the same connection"
        stream.request()
        stream.send(response(b"ok"))
        origin.free(stream)
        got = client.response()
        assert (got.all(b"set-cookie"), got.all(b"x-t"), got.body) == ([], [], b"ok")


def test_trailers_that_frame_or_route_are_dropped(client, origin):
    """RFC 9110 6.5.1. (A Content-Length among them is refused: llhttp takes it for framing.)"""
    bad = b"Transfer-Encoding: gzip\r\nHost: a\r\nTrailer: X\r\nConnection: close\r\n"
    client.send(request())
    origin.serve(CHUNKED + chunked(b"x", trailers=bad + b"X-Sum: 1\r\n"))
    got = client.response()
    assert (got.status, got.body, got.trailers) == (200, b"x", [(b"X-Sum", b"1")])


@pytest.mark.parametrize("asked", [request(), OLD], ids=["1.1", "1.0"])
@pytest.mark.parametrize("apart", [False, True], ids=["at once", "apart"])
def test_interim_answers_without_end_are_502(client, origin, asked, apart):
    """RFC 9110 15.2 lets a server send any number; nobody has to read them all."""
    client.send(asked)
    stream = origin.take()
    stream.request()
    if apart:
        for _ in range(MAX_INTERIM):
            stream.send(HINT)
            if asked is not OLD:
                assert client.head().status == 103
        stream.send(HINT)
    else:
        stream.send(HINT * (MAX_INTERIM + 1))
    got = client.response()
    assert got.status == 502
    assert len(got.interim) <= MAX_INTERIM
    assert stream.end() in ("eof", "reset")


def test_just_as_many_interim_answers_pass(client, origin):
    client.send(request())
    origin.serve(HINT * MAX_INTERIM + response(b"ok"))
    got = client.response()
    assert (got.status, len(got.interim)) == (200, MAX_INTERIM)


@pytest.mark.parametrize("said", [b"9" * 5000, b"-1", b"", b"x", b"1e9", b"0x10", b"99999999999"])
def test_a_keep_alive_of_any_kind_does_no_harm(client, origin, said):
    """RFC 9112 9.3: what it says is a hint. `int()` of 5,000 digits raises."""
    for _ in range(2):
        client.send(request())
        stream = origin.take()
        stream.request()
        stream.send(response(b"ok", b"Keep-Alive: timeout=" + said))
        origin.free(stream)
        got = client.response()
        assert (got.body, got.all(b"keep-alive")) == (b"ok", [])


@pytest.mark.parametrize(
    "named", [b"content-length", b"via", b"x-request-id", b"transfer-encoding"]
)
def test_connection_options_cannot_take_out_what_we_vouch_for(client, origin, named):
    client.send(request())
    origin.serve(response(b"ok", b"Connection: " + named))
    got = client.response()
    assert (got.one(b"content-length"), got.body) == (b"2", b"ok")
    assert got.one(b"via")
    assert got.one(b"x-request-id")


def test_cookies_are_kept_apart_and_in_order(connect, origin):
    """Each Set-Cookie a field of its own, and one client's are never another's."""
    cookies = [b"a=1; Expires=Wed, 01 Jan 2031 00:00:00 GMT", b"b=2", b"a=1", b""]
    first, second = connect(), connect()
    first.send(request())
    origin.serve(response(b"ok", *[b"Set-Cookie: " + one for one in cookies]))
    assert first.response().all(b"set-cookie") == cookies
    second.send(request())
    seen = origin.serve(response(b"ok"))
    assert not seen.all(b"cookie")
    assert not second.response().all(b"set-cookie")


def test_a_1_1_answers_length_of_5000_digits_is_502_without_a_traceback(client, origin):
    client.send(request())
    stream = origin.take()
    stream.request()
    stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"0" * 5000 + b"2\r\n\r\nok")
    assert client.response().status == 502
