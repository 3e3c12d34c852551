"""What is too much is refused with a 4xx or 5xx, and counted as `limit`."""

from __future__ import annotations

import json

import pytest

from tests.harness import Outrider, eventually
from tests.wire import IncompleteError, chunked, request, response

FAILED = "outrider_requests_failed_total"


@pytest.fixture(scope="module")
def narrow(module_origin):
    limits = {"head_bytes": "1KiB", "fields": 10, "body_bytes": "1000B", "connections": 4}
    with Outrider(module_origin.url, {"limits": limits}) as proxy:
        yield proxy


def refused(got, status: int) -> None:
    assert got.status == status
    assert isinstance(json.loads(got.body), dict)
    assert b"close" in got.tokens(b"connection")


def test_a_body_too_long_by_its_length_is_413_at_once(narrow, module_origin):
    before = narrow.metric(FAILED, reason="limit")
    with narrow.connect() as client:
        client.send(request(b"POST", b"/p", b"Content-Length: 1001"))
        refused(client.response(), 413)
    assert module_origin.pending() == 0
    eventually(lambda: narrow.metric(FAILED, reason="limit") == before + 1, "the 413 counted")


def test_a_body_of_just_the_limit_passes(narrow, module_origin):
    with narrow.connect() as client:
        client.send(request(b"POST", b"/p", body=bytes(1000)))
        assert len(module_origin.serve().body) == 1000
        assert client.response().status == 200


def test_a_chunked_body_too_long_is_413_and_never_whole_at_the_origin(narrow, module_origin):
    with narrow.connect() as client:
        client.send(request(b"POST", b"/p", b"Transfer-Encoding: chunked"), chunked(bytes(900)))
        assert len(module_origin.serve().body) == 900
        client.response()
        client.send(request(b"POST", b"/p", b"Transfer-Encoding: chunked"))
        stream = module_origin.take()
        stream.head()
        client.send(chunked(bytes(600))[:-5])
        assert len(stream.chunk()) == 600
        client.send(chunked(bytes(600)))
        with pytest.raises(IncompleteError):
            stream.chunk()
        refused(client.response(), 413)
    module_origin.reset()


def test_head_bytes(narrow, module_origin):
    with narrow.connect() as client:
        client.send(request(b"GET", b"/", b"X-A: " + b"a" * 900))
        module_origin.serve()
        assert client.response().status == 200
        client.send(request(b"GET", b"/", b"X-A: " + b"a" * 1100))
        refused(client.response(), 431)
    with narrow.connect() as client:
        client.send(request(b"GET", b"/" + b"a" * 1100))
        refused(client.response(), 414)


def test_fields(narrow, module_origin):
    nine = [b"X-%d: 1" % n for n in range(9)]
    with narrow.connect() as client:
        client.send(request(b"GET", b"/", *nine))
        module_origin.serve()
        assert client.response().status == 200
        client.send(request(b"GET", b"/", *nine, b"X-One-More: 1"))
        refused(client.response(), 431)


def test_connections(narrow, module_origin):
    """One too many is told so, those within the limit go on, and room is made again."""
    before = narrow.metric(FAILED, reason="limit")
    clients = [narrow.connect() for _ in range(4)]
    for client in clients:
        client.send(request())
        module_origin.serve()
        assert client.response().status == 200
    with narrow.connect() as fifth:
        refused(fifth.response(), 503)
        assert fifth.rest() == b""
    eventually(lambda: narrow.metric(FAILED, reason="limit") == before + 1, "the fifth counted")
    clients.pop().close()

    def room() -> bool:
        with narrow.connect() as client:
            client.send(request(target=b"/room"))
            try:
                module_origin.take(deadline=0.2).send(response(b"room"))
            except AssertionError:
                return False
            return client.response().body == b"room"

    eventually(room, "room for another")
    module_origin.reset()
    for client in clients:
        client.close()
