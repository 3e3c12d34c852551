"""RFC 9112 7, malformed chunks and trailers of requests: none is ever whole at the origin.

The head may be with the origin before its body is known to be bad; then that connection ends in
the middle of the request, and the client gets its 4xx, or an abort.
"""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from tests.harness import eventually
from tests.wire import IncompleteError, MalformedError, request, response

HEAD = b"POST / HTTP/1.1\r\nHost: model.test\r\nTransfer-Encoding: chunked\r\n\r\n"
SOON = b"GET /smuggled HTTP/1.1\r\nHost: model.test\r\n\r\n"

BAD_BODIES = {
    "9112 7.1: size not hex": b"g\r\nabc\r\n",
    "9112 7.1: size with 0x": b"0x3\r\nabc\r\n",
    "9112 7.1: negative size": b"-3\r\nabc\r\n",
    "9112 7.1: signed size": b"+3\r\nabc\r\n",
    "9112 7.1: empty size": b"\r\nabc\r\n",
    "9112 7.1: space before size": b" 3\r\nabc\r\n",
    "9112 7.1: underscore in size": b"0_3\r\nabc\r\n",
    "9112 7.1: size of 17 digits": b"10000000000000003\r\nabc\r\n",
    "9112 7.1: size with a fraction": b"3.0\r\nabc\r\n",
    "9112 7.1: tab behind a size": b"3\t\r\nabc\r\n0\r\n\r\n",
    "9112 7.1: size line with bare LF": b"3\nabc\r\n",
    "9112 7.1.1: bare CR in extension": b"3;a\rb\r\nabc\r\n",
    "9112 7.1.1: bare LF in extension": b"3;a\nb\r\nabc\r\n",
    "9112 7.1.1: NUL in extension": b"3;a=\0\r\nabc\r\n",
    "9112 7.1: data without CRLF": b"3\r\nabcX\r\n",
    "9112 7.1: data with bare LF": b"3\r\nabc\n",
    "9112 7.1: last chunk with bare LF": b"3\r\nabc\r\n0\n\n",
    "9112 7.1.2: end with bare LF": b"3\r\nabc\r\n0\r\n\n",
    "9112 7.1.2: trailer without colon": b"3\r\nabc\r\n0\r\nbad\r\n\r\n",
    "9112 7.1.2: trailer with space before colon": b"3\r\nabc\r\n0\r\nX : 1\r\n\r\n",
    "9112 7.1.2: trailer with NUL": b"3\r\nabc\r\n0\r\nX: \0\r\n\r\n",
    # RFC 9110 6.5.1: what frames or routes a message has no place in its trailers
    "9110 6.5.1: Content-Length as trailer": b"3\r\nabc\r\n0\r\nContent-Length: 30\r\n\r\n",
    "9110 6.5.1: Transfer-Encoding as trailer": b"3\r\nabc\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n",
    "9110 6.5.1: Authorization as trailer": b"3\r\nabc\r\n0\r\nAuthorization: a\r\n\r\n",
    "9110 6.5.1: Connection as trailer": b"3\r\nabc\r\n0\r\nConnection: close\r\n\r\n",
    "9110 6.5.1: Host as trailer": b"3\r\nabc\r\n0\r\nHost: evil\r\n\r\n",
    "9112 7.1.2: trailer folded": b"3\r\nabc\r\n0\r\nX: 1\r\n 2\r\n\r\n",
    "9112 7.1.2: trailers without end": b"3\r\nabc\r\n0\r\n" + b"X: v\r\n" * 50_000,
    "9112 7.1.2: 600 trailers in one read": b"3\r\nabc\r\n0\r\n" + b"X:\r\n" * 600 + b"\r\n",
    "9112 7.1.2: one trailer of 70 kB": b"3\r\nabc\r\n0\r\nX: " + b"v" * 70_000 + b"\r\n\r\n",
    "9112 7.1.1: extension of 70 kB": b"3;" + b"v" * 70_000 + b"\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_request_with_a_malformed_body_is_never_whole_at_the_origin(client, connect, origin, case):
    """The head may have gone out already; the request must not be taken for complete."""
    with suppress(OSError):  # it may close while we still send
        client.send(HEAD + BAD_BODIES[case], SOON)
    assert client.rest().startswith((b"HTTP/1.1 4", b"")), "a 4xx if anything"
    canary = connect()
    canary.send(request(target=b"/canary"))
    stream = origin.take()
    try:
        seen = stream.request()
    except (IncompleteError, MalformedError):
        stream = origin.take()
        seen = stream.request()
    assert seen.target == b"/canary"
    stream.send(response(b"ok"))
    assert canary.response().body == b"ok"


def test_each_is_answered_400_and_is_one_count_and_one_line(start, own_origin):
    """Where the head has gone out and its answer has not begun: the origin is slow."""
    proxy = start(own_origin.url)
    failed = "outrider_requests_failed_total"
    ids = []
    for case, body in BAD_BODIES.items():
        with proxy.connect() as client:
            client.send(HEAD)
            stream = own_origin.take()
            message = stream.head()
            with suppress(OSError):  # it may close while we still send
                client.send(body)
            got = client.response()
            assert got.status == 400, case
            assert client.rest() == b""
            ids.append(json.loads(got.body)["error"]["request_id"])
            with pytest.raises((IncompleteError, MalformedError)):
                stream.body(message, default="none")
            own_origin.forget(stream)
            stream.close()
    reason = {"reason": "client_protocol"}
    eventually(lambda: proxy.metric(failed, **reason) == len(BAD_BODIES), "all counted")
    assert proxy.metric(failed) == len(BAD_BODIES)
    eventually(lambda: proxy.stdout().count("\n") == len(BAD_BODIES), "a line for each")
    lines = [json.loads(line) for line in proxy.stdout().splitlines()]
    assert sorted(line["request_id"] for line in lines) == sorted(ids)
    assert {line["error.type"] for line in lines} == {"client_protocol"}
