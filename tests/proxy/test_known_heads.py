"""What is remembered of a head is only what its bytes say, and only of a plain message.

Beside `test_repeated_heads.py`: there the usual again and again, here what lies around it, and
all that must not be remembered. Each case is asked three times: the first time it is parsed.
"""

from __future__ import annotations

import socket
from itertools import cycle

import pytest

from agent.proxy.known import GIVE_UP, MAX_HEAD, MAX_HEADS
from tests.harness import Metrics, eventually
from tests.wire import DEADLINE, Message, Stream, chunked, request, response

CHANGING = {b"x-request-id", b"date"}
COUNT = "http_server_request_duration_seconds_count"
WS = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: a")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def plain(message: Message) -> tuple[object, ...]:
    """What must be the same each time."""
    fields = [(k, v) for k, v in message.fields if k.lower() not in CHANGING]
    interim = [plain(one) for one in message.interim]
    return message.start, fields, message.body, message.trailers, message.framing, interim


def ask(client: Stream, origin, sent: bytes, answer: bytes) -> tuple[object, ...]:
    """One exchange as both ends saw it."""
    client.send(sent)
    seen = origin.serve(answer)
    return plain(seen), plain(client.response(seen.method))


def same_thrice(client: Stream, origin, sent: bytes, answer: bytes) -> tuple[object, ...]:
    first, *others = [ask(client, origin, sent, answer) for _ in range(3)]
    assert others == [first, first]
    return first


@pytest.fixture
def read_by_now(connect, origin):
    """Returns once the worker has read all that was sent to it before.

    It is one thread: what came on another connection and was answered came later.
    """
    other = connect()

    def wait() -> None:
        other.send(request(b"GET", b"/read-by-now"))
        assert origin.serve().target == b"/read-by-now"
        assert other.response().status == 200

    return wait


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

GET = request(b"GET", b"/known-get")
POST = request(b"POST", b"/known-post", body=b"body")
OK = response(b"ok", b"X-Known: 1")


def test_an_empty_line_before_it_is_skipped_each_time(client, origin):
    for sent in (GET, POST):
        expected = same_thrice(client, origin, sent, OK)
        for empty in (b"\r\n", b"\r\n\r\n"):
            assert same_thrice(client, origin, empty + sent, OK) == expected


def test_empty_lines_alone_are_no_request(client, origin, read_by_now):
    """Even though a request came right behind the same empty lines before."""
    for _ in range(2):
        ask(client, origin, b"\r\n\r\n" + GET, OK)
    for _ in range(2):
        client.send(b"\r\n\r\n")
        read_by_now()
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
def test_one_whose_head_came_in_parts_is_the_same(client, origin, read_by_now, cut):
    expected = same_thrice(client, origin, POST, OK)
    client.send(POST[:cut])
    read_by_now()
    assert ask(client, origin, POST[cut:], OK) == expected
    assert same_thrice(client, origin, POST, OK) == expected


@pytest.mark.parametrize("known", [GET, POST])
def test_its_bytes_inside_another_head_are_no_request(client, origin, read_by_now, known):
    same_thrice(client, origin, known, OK)
    client.send(b"GET /open HTTP/1.1\r\nHost: model.test\r\nX-A: ")
    read_by_now()
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


# ---- answers that are not plain

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
def test_a_known_answer_in_two_parts_is_the_same(client, origin, read_by_now, behind):
    answer = response(b"0123456789", b"X-K: parts")
    expected = same_thrice(client, origin, GET, behind + answer)
    for cut in range(1, len(answer)):
        client.send(GET)
        stream = origin.take()
        seen = plain(stream.request())
        stream.send(behind + answer[:cut])
        read_by_now()
        stream.send(answer[cut:])
        origin.free(stream)
        assert (seen, plain(client.response())) == expected


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


# ---- how much is remembered


def test_more_heads_than_are_remembered(client, origin):
    """Twice over, so that the memory starts anew in the middle of both rounds."""
    for _ in range(2):
        for n in range(MAX_HEADS + 20):
            body = b"%d" % n
            client.send(request(b"POST", b"/many", b"X-N: %d" % n, body=body))
            stream = origin.take()
            seen = stream.request()
            stream.send(response(b"r" + body, b"X-N: %d" % n))
            origin.free(stream)
            assert (seen.one(b"x-n"), seen.body) == (body, body)
            got = client.response()
            assert (got.one(b"x-n"), got.body) == (body, b"r" + body)


def test_heads_with_ids_of_their_own_pass_and_so_do_those_after_them(client, origin):
    expected = same_thrice(client, origin, POST, OK)
    for n in range(2 * GIVE_UP):
        client.send(request(b"POST", b"/ids", b"X-Trace: %032x" % n, body=b"%d" % n))
        seen = origin.serve(response(b"%d" % n, b"X-Answer: %032x" % n))
        assert (seen.one(b"x-trace"), seen.body) == (b"%032x" % n, b"%d" % n)
        assert client.response().one(b"x-answer") == b"%032x" % n
    assert same_thrice(client, origin, POST, OK) == expected


@pytest.mark.parametrize("size", [MAX_HEAD - 1, MAX_HEAD, MAX_HEAD + 1])
def test_heads_about_the_longest_that_is_remembered(client, origin, size):
    short = len(request(b"GET", b"/long", b"X-Long: "))
    sent = request(b"GET", b"/long", b"X-Long: " + b"v" * (size - short))
    assert len(sent) == size
    same_thrice(client, origin, sent, OK)


# ---- what is counted

PREDICT = request(
    b"POST", b"/v1/models/known:predict", body=b'{"instances": [{"age": 39, "plan": "a"}]}'
)
TIMES = 6
ANSWER = response(b'{"predictions": [0.25]}', b"Content-Type: application/json")


def test_a_repeated_request_is_counted_and_recorded_as_the_first_was(client, origin, proxy):
    """By /metrics, and by what the observer finds in the bodies that were captured."""
    labels = {"http_route": "/v1/models/{model}:predict", "model": "known"}
    records = "outrider_records_total"

    def settled() -> Metrics | None:
        got = proxy.metrics()
        made, finished = (got.value(records, stage=stage) for stage in ("observed", "finished"))
        return got if made == finished else None

    before = eventually(settled, "what other tests left behind")
    for _ in range(TIMES):
        ask(client, origin, PREDICT, ANSWER)
    eventually(lambda: proxy.metrics().value(COUNT) >= before.value(COUNT) + TIMES, "all counted")
    after = eventually(settled, "all recorded")

    def more(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    ok = {"http_request_method": "POST", "http_response_status_code": "200", "error_type": ""}
    assert more(COUNT) == more(COUNT, **ok, **labels) == TIMES
    for side, size in (("request", 41), ("response", 23)):
        name = f"http_server_{side}_body_size_bytes"
        assert more(f"{name}_sum", **labels) == TIMES * size
        assert more(f"{name}_count", **labels) == TIMES
    for name in ("upstream_duration", "response_stream", "overhead"):
        name = f"outrider_{name}_seconds_count"
        assert more(name) == more(name, http_route=labels["http_route"]) == TIMES, name
    decoded = "outrider_decode_total"
    assert more(decoded) == more(decoded, dialect="kserve_v1", outcome="ok") == TIMES
    assert after.value("http_server_active_requests") == 0
    assert more("outrider_requests_failed_total") == 0


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
