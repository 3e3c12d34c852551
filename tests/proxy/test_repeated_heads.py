"""The same head again and again, as clients send it: each message is still one of its own."""

from __future__ import annotations

import signal

import pytest

from tests.harness import eventually
from tests.wire import request, response

HEAD = b"POST /predict HTTP/1.1\r\nHost: model.test\r\nContent-Length: 4\r\n\r\n"
OK4 = b"HTTP/1.1 200 OK\r\nX-Model: 1\r\nContent-Length: 4\r\n\r\n"


def again(client, origin, sent: bytes = HEAD + b"warm", answer: bytes = OK4 + b"warm") -> None:
    for _ in range(3):
        client.send(sent)
        origin.serve(answer)
        assert client.response().status == 200


def test_bodies_are_their_own(client, origin):
    for n in range(10):
        client.send(HEAD, b"%04d" % n)
        seen = origin.serve(OK4 + b"%04d" % (9 - n))
        assert seen.body == b"%04d" % n
        assert client.response().body == b"%04d" % (9 - n)


def test_the_body_may_come_apart(client, origin):
    again(client, origin)
    client.send(HEAD + b"ab")
    stream = origin.take()
    message = stream.head()
    assert stream.exactly(2) == b"ab"
    client.send(b"cd")
    assert stream.exactly(2) == b"cd"
    assert message.one(b"content-length") == b"4"
    stream.send(OK4, b"12")
    client.until(b"\r\n\r\n12")
    stream.send(b"34")
    origin.free(stream)
    assert client.exactly(2) == b"34"
    again(client, origin)


def test_two_in_one_segment(client, origin):
    again(client, origin)
    client.send((HEAD + b"one.") + (HEAD + b"two."))
    assert origin.serve(OK4 + b"1111").body == b"one."
    assert origin.serve(OK4 + b"2222").body == b"two."
    assert [client.response().body for _ in range(2)] == [b"1111", b"2222"]


def test_request_ids_are_new_each_time(client, origin):
    made = set()
    for _ in range(5):
        client.send(HEAD + b"body")
        seen = origin.serve(OK4 + b"body").one(b"x-request-id")
        assert client.response().one(b"x-request-id") == seen
        made.add(seen)
    assert len(made) == 5


def test_a_given_request_id_is_not_remembered(connect, origin):
    client, other = connect(), connect()
    mine = b"X-Request-Id: mine\r\n\r\n"
    for _ in range(3):
        client.send(HEAD[:-2] + mine + b"body")
        assert origin.serve(OK4 + b"body").one(b"x-request-id") == b"mine"
        client.response()
    other.send(HEAD + b"body")
    assert origin.serve(OK4 + b"body").one(b"x-request-id") != b"mine"
    other.response()


def test_head_and_get_with_the_same_answer(client, origin):
    """The head of the answer is the same to the byte, only one has a body."""
    for method in (b"GET", b"HEAD", b"GET", b"GET", b"HEAD", b"HEAD", b"GET"):
        client.send(request(method, b"/x"))
        origin.serve(OK4 + (b"" if method == b"HEAD" else b"body"))
        got = client.response(method)
        assert got.body == (b"" if method == b"HEAD" else b"body")
        assert got.one(b"content-length") == b"4"
    assert client.unread == b""


def test_304_with_a_length(client, origin):
    answer = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n"
    for _ in range(3):
        client.send(request(b"GET", b"/x"))
        origin.serve(answer)
        got = client.response()
        assert (got.status, got.one(b"content-length")) == (304, b"4")
    again(client, origin)


def test_what_the_client_asked_of_its_connection_holds_for_a_repeated_answer(connect, origin):
    again(connect(), origin)
    client = connect()
    client.send(HEAD[:-2] + b"Connection: close\r\n\r\nbody")
    origin.serve(OK4 + b"body")
    got = client.response()
    assert got.body == b"body"
    assert b"close" in got.tokens(b"connection")
    assert client.end() == "eof"
    old = connect()
    old.send(HEAD.replace(b"1.1", b"1.0") + b"body")
    origin.serve(OK4 + b"body")
    assert old.response().body == b"body"
    assert old.end() == "eof"


def test_a_repeated_answer_with_too_much_behind_it_is_not_trusted(connect, origin):
    client = connect()
    again(client, origin)
    client.send(HEAD + b"body")
    stream = origin.take()
    stream.request()
    stream.send(OK4 + b"bodyHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    client.response()
    other = connect()
    other.send(request(target=b"/other"))
    second = origin.take()
    second.request()
    second.send(response(b"mine"))
    assert other.response().body == b"mine"


def test_a_repeated_answer_cut_short_is_an_abort(connect, origin):
    again(connect(), origin)
    for size in range(len(OK4) + 1, len(OK4) + 4):
        client = connect()
        client.send(HEAD + b"body")
        stream = origin.take()
        stream.request()
        stream.send((OK4 + b"body")[:size])
        stream.close()
        origin.forget(stream)
        client.until(b"\r\n\r\n")
        assert b"body".startswith(client.rest())
        assert client.ended == "reset" or len(client.received) < len(OK4) + 200


def test_an_answer_before_the_request_is_whole(connect, origin):
    """A known head of an answer, but the request it answers is still being sent."""
    again(connect(), origin)
    client = connect()
    client.send(HEAD + b"ab")
    stream = origin.take()
    stream.head()
    stream.send(OK4 + b"soon")
    assert client.response().body == b"soon"
    other = connect()
    other.send(request(target=b"/other"))
    second = origin.take()
    assert second.request().target == b"/other"
    second.send(response(b"mine"))
    assert other.response().body == b"mine"


@pytest.mark.slow
def test_a_drain_is_said_in_repeated_answers_too(start, own_origin):
    proxy = start(own_origin.url, {"drain": {"delay": "2s", "grace": "5s", "flush": "1s"}})
    with proxy.connect() as client:
        again(client, own_origin)
        proxy.signal(signal.SIGTERM)
        eventually(lambda: proxy.probe("/readyz") == 503, "not ready")
        client.send(HEAD + b"body")
        own_origin.serve(OK4 + b"body")
        got = client.response()
        assert got.body == b"body"
        assert b"close" in got.tokens(b"connection")
        assert client.end() == "eof"


def test_trace_contexts_are_not_remembered(start, own_origin):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    proxy = start(own_origin.url, env=env)
    with proxy.connect() as client:
        seen = []
        for n in range(6):
            parent = b"traceparent: 00-%032x-%016x-01\r\n\r\n" % (n + 1, n + 1)
            client.send(HEAD[:-2] + (parent if n % 2 else b"\r\n") + b"body")
            seen.append(own_origin.serve(OK4 + b"body").one(b"traceparent"))
            client.response()
    traces = [one.split(b"-")[1] for one in seen]
    assert len(set(traces)) == 6
    assert traces[1::2] == [b"%032x" % (n + 1) for n in (1, 3, 5)]
