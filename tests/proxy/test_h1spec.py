"""The 33 questions of h1spec (uNetworking), asked anew and answered in full.

h1spec looks at what one read brings, and calls half a second of silence waiting. Here an answer
is read to its end, and a server has waited if it said nothing though it read what was sent, and
answers once the rest has come.
"""

from __future__ import annotations

import pytest

from tests.origin import RawOrigin
from tests.proxy.repeating import read_by_now
from tests.wire import Stream, chunked, response

WHOLE = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
CUTS = {
    "in the method": b"G",
    "before the target": b"GET ",
    "in the target": b"GET /hello",
    "behind the target": b"GET /hello ",
    "in the version": b"GET /hello HTTP",
    "behind the version": b"GET /hello HTTP/1.1",
    "in the line's end": b"GET /hello HTTP/1.1\r",
    "behind the line": b"GET /hello HTTP/1.1\r\n",
    "in a name": b"GET /hello HTTP/1.1\r\nHos",
    "behind a colon": b"GET /hello HTTP/1.1\r\nHost:",
    "before a value": b"GET /hello HTTP/1.1\r\nHost: ",
    "behind a value": b"GET /hello HTTP/1.1\r\nHost: localhost",
    "in a field's end": b"GET /hello HTTP/1.1\r\nHost: localhost\r",
    "behind a field": b"GET /hello HTTP/1.1\r\nHost: localhost\r\n",
    "in the head's end": b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r",
}
HOST = b"Host: example.test\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
TEXT = b"twelve bytes"
GOOD = {
    "a GET": (GET + b"\r\n", b""),
    "odd case, a tab, an empty value": (b"GET / HTTP/1.1\r\nhOsT:\tm\r\nnothing:\r\n\r\n", b""),
    "an empty value behind a space": (GET + b"X-Nothing: \r\n\r\n", b""),
    "an expectation and no body": (GET + b"Expect: 100-continue\r\n\r\n", b""),
    "a body by its length": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nthose", b"those"
    ),
    "a body in chunks": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(TEXT), TEXT
    ),
}  # fmt: skip
BAD = {
    "no version": (b"GET / \r\n\r\n", range(400, 600)),
    "brackets in a name": (GET + b"X[0]: 1\r\n\r\n", range(400, 500)),
    "no Host": (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", range(400, 500)),
    "two Hosts": (GET + b"Host: example.other\r\n\r\n", range(400, 500)),
    "a very negative length": (GET + b"Content-Length: -" + b"1234567890" * 3 + b"\r\n\r\n",
                               range(400, 500)),
    "a negative length": (GET + b"Content-Length: -99\r\n\r\n", range(400, 500)),
    "letters for a length": (GET + b"Content-Length: five\r\n\r\n", range(400, 500)),
    "a bell in a value": (GET + b"X-A: ding\x07\r\n\r\n", range(400, 500)),
    "an unknown version": (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", range(400, 600)),
    "words before the method": (b"Some words, GET / HTTP/1.1\r\n" + HOST + b"\r\n",
                                range(400, 600)),
    "a bare CR": (GET + b"\rX-A: 1\r\n\r\n", range(400, 500)),
    "length and chunks": (
        b"POST / HTTP/1.1\r\n" + HOST + b"content-lengTH: 5\r\ntransfer-ENCODING: chunked\r\n\r\n"
        + chunked(TEXT), range(400, 500)
    ),
}  # fmt: skip


def echo(client: Stream, origin: RawOrigin) -> bytes:
    """The origin sends back what it got; gives what the client then has."""
    stream = origin.take()
    stream.send(response(stream.request().body))
    origin.free(stream)
    got = client.response()
    assert got.status == 200
    return got.body


def test_these_are_all_33():
    assert len(CUTS) + len(GOOD) + len(BAD) == 33


@pytest.mark.parametrize("cut", CUTS)
def test_the_rest_of_a_request_is_waited_for(client, connect, origin, cut):
    client.send(CUTS[cut])
    read_by_now(connect, origin)
    assert client.received == b""
    client.send(WHOLE.removeprefix(CUTS[cut]))
    assert echo(client, origin) == b""


@pytest.mark.parametrize("case", GOOD)
def test_a_good_request_is_answered(client, origin, case):
    sent, body = GOOD[case]
    client.send(sent)
    assert echo(client, origin) == body


@pytest.mark.parametrize("case", BAD)
def test_a_bad_request_is_refused(client, origin, case):
    sent, statuses = BAD[case]
    client.send(sent)
    assert client.response().status in statuses
    assert client.rest() == b""
    assert origin.pending() == 0
