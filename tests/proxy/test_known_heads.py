"""What is remembered of a head is only what its bytes say, and only of a plain message.

Beside `test_repeated_heads.py`: there the usual again and again, here what lies around it, and
all that must not be remembered. Each case is asked three times: the first time it is parsed.
"""

from __future__ import annotations

import socket

import pytest

from tests.proxy.repeating import GET, OK, POST, ask, read_by_now, same_thrice
from tests.wire import DEADLINE, Stream, chunked, request, response

WS = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: a")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


# ---- which request it is


def test_heads_that_differ_in_one_byte_are_each_their_own(client, origin):
    sent = [
        request(b"POST", b"/a", body=b"12"),
        request(b"POST", b"/b", body=b"12"),
        request(b"POST", b"/a", body=b"123"),
        request(b"PUT", b"/a", body=b"12"),
        request(b"POST", b"/a", b"X-A: 1", body=b"12"),
        request(b"POST", b"/a", b"X-A:  1", body=b"12"),
        request(b"POST", b"/a", b"x-a: 1", body=b"12"),
        request(b"GET", b"/a"),
        request(b"GET", b"/a?b"),
    ]
    answers = [response(b"%d" % n, b"X-N: %d" % n) for n in range(len(sent))]
    rounds = [
        [ask(client, origin, one, answer) for one, answer in zip(sent, answers, strict=True)]
        for _ in range(3)
    ]
    assert rounds[1:] == [rounds[0]] * 2
    assert len({str(one) for one in rounds[0]}) == len(sent)


def test_each_host_is_said_to_the_origin(client, origin):
    for host in (b"a.test", b"b.test", b"b.test", b"a.test", b"a.test:80"):
        client.send(b"GET /host HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        seen = origin.serve()
        assert (seen.one(b"host"), seen.one(b"x-forwarded-host")) == (host, host)
        client.response()


def test_an_empty_host_is_replaced_by_ours_each_time(client, origin):
    sent = b"GET /host HTTP/1.1\r\nHost:\r\n\r\n"
    ours = origin.url.removeprefix("http://").encode()
    for _ in range(3):
        client.send(sent)
        assert origin.serve().all(b"host") == [ours]
        client.response()


def test_each_client_is_named_by_its_own_address(proxy, origin):
    """What is remembered of a head is not who sent it."""
    for source in ("127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2"):
        sock = socket.create_connection(proxy.address, DEADLINE, source_address=(source, 0))
        with Stream(sock) as client:
            for _ in range(2):
                client.send(request(b"GET", b"/who"))
                assert origin.serve().one(b"x-forwarded-for") == source.encode()
                client.response()


def test_a_claim_of_whom_it_is_for_is_not_remembered(start, own_origin):
    proxy = start(own_origin.url, {"trusted_proxies": ["127.0.0.0/8"]})
    with proxy.connect() as client:
        claim = request(b"GET", b"/", b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-Proto: https")
        for _ in range(3):
            client.send(claim)
            seen = own_origin.serve()
            assert seen.all(b"x-forwarded-for") == [b"6.6.6.6, 127.0.0.1"]
            assert seen.all(b"x-forwarded-proto") == [b"https"]
            client.response()


# ---- where it begins and ends


def test_an_empty_line_before_it_is_skipped_each_time(client, origin):
    for sent in (GET, POST):
        expected = same_thrice(client, origin, sent, OK)
        for empty in (b"\r\n", b"\r\n\r\n"):
            assert same_thrice(client, origin, empty + sent, OK) == expected


def test_empty_lines_alone_are_no_request(client, origin, connect):
    """Even though a request came right behind the same empty lines before."""
    for _ in range(2):
        ask(client, origin, b"\r\n\r\n" + GET, OK)
    for _ in range(2):
        client.send(b"\r\n\r\n")
        read_by_now(connect, origin)
        ask(client, origin, GET, OK)
    assert origin.pending() == 0


def test_a_head_that_came_in_two_parts_is_remembered_as_its_own(client, origin):
    """The first part came behind another whole request, which must not be taken for it."""
    other = request(b"GET", b"/other-get")
    for _ in range(2):
        client.send(GET + other[:20])
        assert origin.serve(OK).target == b"/known-get"
        client.response()
        client.send(other[20:])
        assert origin.serve(OK).target == b"/other-get"
        client.response()
    for sent, target in ((GET, b"/known-get"), (other, b"/other-get")):
        client.send(sent)
        assert origin.serve(OK).target == target
        client.response()


@pytest.mark.parametrize("cut", [1, 3, 20, len(POST) - 6, len(POST) - 5])
def test_one_whose_head_came_in_parts_is_the_same(client, origin, connect, cut):
    expected = same_thrice(client, origin, POST, OK)
    client.send(POST[:cut])
    read_by_now(connect, origin)
    assert ask(client, origin, POST[cut:], OK) == expected
    assert same_thrice(client, origin, POST, OK) == expected


@pytest.mark.parametrize("known", [GET, POST])
def test_its_bytes_inside_another_head_are_no_request(client, origin, connect, known):
    same_thrice(client, origin, known, OK)
    client.send(b"GET /open HTTP/1.1\r\nHost: model.test\r\nX-A: ")
    read_by_now(connect, origin)
    client.send(known)
    assert client.response().status == 400
    assert client.end() == "eof"
    assert origin.pending() == 0


def test_its_bytes_as_a_body_are_a_body(client, origin):
    same_thrice(client, origin, GET, OK)
    client.send(b"POST /carrier HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(GET))
    stream = origin.take()
    stream.head()
    client.send(GET)
    assert stream.exactly(len(GET)) == GET
    stream.send(OK)
    assert client.response().body == b"ok"
    assert stream.unread == b""


@pytest.mark.parametrize("known", [GET, POST])
def test_garbage_behind_it_is_refused_after_its_answer(client, origin, known):
    same_thrice(client, origin, known, OK)
    client.send(known + b"garbage\r\n\r\n")
    assert origin.serve(OK).target == known.split(b" ")[1]
    assert client.response().body == b"ok"
    assert client.response().status == 400
    assert client.end() == "eof"
    assert origin.pending() == 0


@pytest.mark.parametrize(
    ("more", "targets"),
    [
        (POST, [b"/known-post"]),
        (GET, [b"/known-get"]),
        (b"\r\n" + GET, [b"/known-get"]),
        (POST + GET + POST, [b"/known-post", b"/known-get", b"/known-post"]),
    ],
)
@pytest.mark.parametrize("known", [GET, POST])
def test_more_than_its_body_is_the_next_request(client, origin, known, more, targets):
    expected = same_thrice(client, origin, known, OK)
    client.send(known + more)
    for target in [known.split(b" ")[1], *targets]:
        seen = origin.serve(OK)
        assert (seen.target, seen.body) == (target, b"body" if b"post" in target else b"")
        assert client.response().body == b"ok"
    assert same_thrice(client, origin, known, OK) == expected


def test_one_behind_a_request_in_flight_waits(client, origin):
    same_thrice(client, origin, GET, OK)
    client.send(POST)
    first = origin.take()
    assert first.request().target == b"/known-post"
    client.send(GET)
    first.send(response(b"one"))
    origin.free(first)
    assert client.response().body == b"one"
    assert origin.serve(response(b"two")).target == b"/known-get"
    assert client.response().body == b"two"


# ---- requests that are not plain


def test_a_chunked_body_may_follow_its_head_later_each_time(client, origin):
    """Its head alone looks like a whole request without a body."""
    for n in range(3):
        client.send(request(b"POST", b"/later", b"Transfer-Encoding: chunked"))
        stream = origin.take()
        message = stream.head()
        client.send(chunked(b"%d" % n))
        stream.body(message, "none")
        assert (message.framing, message.body) == ("chunked", b"%d" % n)
        stream.send(OK)
        origin.free(stream)
        assert client.response().body == b"ok"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (request(b"GET", b"/c", b"Connection: close"), [b"close"]),
        (b"GET /old HTTP/1.0\r\nHost: a\r\n\r\n", None),
    ],
)
def test_what_a_client_wants_closed_is_closed_each_time(connect, origin, sent, said):
    seen = []
    for _ in range(3):
        client = connect()
        seen.append(ask(client, origin, sent, OK))
        assert client.end() == "eof"
    assert seen[1:] == [seen[0]] * 2
    if said is not None:
        assert (b"connection", said[0]) in seen[0][1][1]


def test_a_1_0_client_that_asks_is_kept_each_time(client, origin):
    sent = b"GET /old HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
    seen, got = same_thrice(client, origin, sent, OK)
    assert (b"connection", b"keep-alive") in got[1]
    assert (b"via", b"1.0 outrider") in seen[1]


def test_a_tunnel_is_opened_each_time(connect, origin):
    for n in range(3):
        client = connect()
        client.send(request(b"GET", b"/chat", *WS))
        stream = origin.take()
        assert stream.request().one(b"upgrade") == b"websocket"
        stream.send(SWITCH)
        assert client.response().status == 101
        client.send(b"%d" % n)
        assert stream.exactly(1) == b"%d" % n


def test_a_refused_tunnel_ends_its_connection_though_the_answer_is_known(connect, origin):
    same_thrice(connect(), origin, GET, OK)
    client = connect()
    client.send(request(b"GET", b"/chat", *WS))
    origin.serve(OK)
    got = client.response()
    assert got.body == b"ok"
    assert b"close" in got.tokens(b"connection")
    assert client.end() == "eof"


def test_options_that_name_a_field_take_it_out_each_time(client, origin):
    sent = request(b"GET", b"/hop", b"Connection: X-Hop", b"X-Hop: 1", b"X-Stays: 2")
    seen, _ = same_thrice(client, origin, sent, OK)
    names = {name.lower() for name, _ in seen[1]}
    assert b"x-hop" not in names
    assert b"x-stays" in names


@pytest.mark.parametrize("state", [b"", b"tracestate: vendor=x"])
def test_a_trace_is_continued_each_time_that_the_same_head_names_it(start, own_origin, state):
    proxy = start(own_origin.url, env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    parent = b"traceparent: 00-%032x-%016x-01" % (7, 8)
    spans = set()
    with proxy.connect() as client:
        for _ in range(3):
            client.send(request(b"GET", b"/traced", parent, *filter(None, [state])))
            seen = own_origin.serve()
            version, trace, span, flags = seen.one(b"traceparent").split(b"-")
            assert (version, trace, flags) == (b"00", b"%032x" % 7, b"01")
            assert seen.one(b"tracestate") == (b"vendor=x" if state else None)
            spans.add(span)
            client.response()
    assert len(spans - {b"%016x" % 8}) == 3
