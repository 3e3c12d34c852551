"""What is remembered of an answer's head is only what its bytes say, and only of a plain one."""

from __future__ import annotations

from itertools import cycle

import pytest

from agent.proxy.known import MAX_HEAD
from tests.harness import eventually
from tests.proxy.repeating import GET, OK, POST, ask, plain, read_by_now, same_thrice
from tests.wire import chunked, request, response

ANSWERS = {
    "chunked": b"HTTP/1.1 200 OK\r\nX-K: c\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"ab"),
    "chunked and empty": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(),
    "204": b"HTTP/1.1 204 No Content\r\nX-K: n\r\n\r\n",
    "304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
    "empty": b"HTTP/1.1 200 OK\r\nX-K: z\r\nContent-Length: 0\r\n\r\n",
    "error": response(b"sorry", status=b"503 Busy"),
    "odd reason": response(b"", status=b"299 \xffodd thing"),
    "no reason": response(b"x", status=b"200 "),
    "100 first": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "103 first": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + response(b"x", b"X-K: h"),
    "large head": response(b"x", b"X-Large: " + b"v" * 2 * MAX_HEAD),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_of_any_framing_is_the_same_each_time(client, origin, kind):
    same_thrice(client, origin, GET, ANSWERS[kind])
    same_thrice(client, origin, GET, OK)


def test_an_interim_answer_is_not_taken_for_the_final_one_behind_it(client, origin):
    """The two came in one read before; now the interim one comes alone."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </alone>\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nX-K: alone\r\nContent-Length: 0\r\n\r\n"
    expected = same_thrice(client, origin, GET, early + final)
    client.send(GET)
    stream = origin.take()
    stream.request()
    stream.send(early)
    assert client.head().status == 103
    stream.send(final)
    origin.free(stream)
    assert client.head().status == 200
    assert ask(client, origin, GET, early + final) == expected


@pytest.mark.parametrize("behind", [b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"])
def test_a_known_answer_in_two_parts_is_the_same(client, origin, connect, behind):
    answer = response(b"0123456789", b"X-K: parts")
    expected = same_thrice(client, origin, GET, behind + answer)
    for cut in range(1, len(answer)):
        client.send(GET)
        stream = origin.take()
        seen = plain(stream.request())
        stream.send(behind + answer[:cut])
        read_by_now(connect, origin)
        stream.send(answer[cut:])
        origin.free(stream)
        assert (seen, plain(client.response())) == expected


def test_the_bytes_of_a_head_inside_another_are_not_remembered_as_one(client, origin, connect):
    inner = response(b"ok", b"X-K: inner")
    client.send(GET)
    stream = origin.take()
    stream.request()
    stream.send(b"HTTP/1.1 200 OK\r\nX-Outer: ")
    read_by_now(connect, origin)
    stream.send(inner)
    origin.free(stream)
    assert client.response().one(b"x-outer") == b"HTTP/1.1 200 OK"
    _, got = same_thrice(client, origin, GET, inner)
    assert b"X-Outer" not in dict(got[1])


def test_the_connection_of_a_known_answer_carries_the_next_request(client, origin):
    client.send(GET)
    stream = origin.take()
    for _ in range(5):
        stream.request()
        stream.send(OK)
        origin.free(stream)
        assert client.response().body == b"ok"
        client.send(GET)
        assert origin.take() is stream


def test_an_answer_to_head_with_a_body_is_no_answer_to_the_next(connect, origin):
    """The head is known, and so is the body's length; but HEAD has none."""
    client = connect()
    same_thrice(client, origin, GET, OK)
    client.send(request(b"HEAD", b"/known-get"))
    stream = origin.take()
    stream.request()
    stream.send(OK)
    assert client.response(b"HEAD").one(b"content-length") == b"2"
    client.send(GET)
    fresh = origin.take()
    assert fresh is not stream
    fresh.request()
    fresh.send(response(b"mine"))
    assert client.response().body == b"mine"


def test_the_origins_own_request_id_stays_each_time(client, origin):
    for _ in range(3):
        client.send(GET)
        origin.serve(response(b"ok", b"X-Request-Id: theirs"))
        assert client.response().all(b"x-request-id") == [b"theirs"]


@pytest.mark.parametrize(
    "answer",
    [
        response(b"ok", b"Connection: close"),
        response(b"ok", b"X-K: 1.0").replace(b"1.1", b"1.0", 1),
    ],
)
def test_a_connection_that_the_origin_closes_is_not_used_again(client, origin, answer):
    """It stays open here: whoever used it would find out."""
    used = []
    for _ in range(3):
        client.send(request(b"POST", b"/once", body=b"x"))
        stream = origin.take()
        stream.request()
        stream.send(answer)
        assert client.response().body == b"ok"
        assert stream not in used
        used.append(stream)


def test_the_origins_keep_alive_time_is_heeded_each_time(start, own_origin):
    """Where it keeps a connection for no time, neither does the proxy."""
    proxy = start(own_origin.url, {"timeouts": {"pool": "1h"}})
    with proxy.connect() as client:
        for _ in range(3):
            client.send(GET)
            stream = own_origin.take()
            stream.request()
            stream.send(response(b"ok", b"Keep-Alive: timeout=0"))
            own_origin.free(stream)
            client.response()
            gone = stream.sock
            eventually(lambda: not own_origin.pending() and gone.fileno() < 0, "an end")  # noqa: B023


def test_server_timing_is_added_each_time(start, own_origin):
    proxy = start(own_origin.url, {"server_timing": True})
    with proxy.connect() as client:
        for _ in range(3):
            client.send(GET)
            own_origin.serve(OK)
            assert b"upstream;dur=" in client.response().one(b"server-timing")


def test_what_is_remembered_of_an_answer_is_not_whose_it_was(connect, origin):
    """Two clients and two requests take turns with one answer's head."""
    one, other = connect(), connect()
    made = set()
    for client, sent in zip(cycle((one, other)), (GET, POST, GET, POST, POST, GET), strict=False):
        client.send(sent)
        seen = origin.serve(OK)
        got = client.response()
        assert got.one(b"x-request-id") == seen.one(b"x-request-id")
        made.add(got.one(b"x-request-id"))
    assert len(made) == 6
