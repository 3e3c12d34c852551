"""The one retry rule: a pooled connection lost before the answer, and never a second execution."""

from __future__ import annotations

import os
import signal

import pytest

from tests.origin import RawOrigin
from tests.wire import Stream, request, response


@pytest.fixture
def pooled(start, own_origin):
    """A proxy of the test's own whose pool holds one connection, and the origin's end of it."""
    proxy = start(own_origin.url, {"timeouts": {"pool": "1h"}})
    with proxy.connect() as client:
        return proxy, own_origin, fill(client, own_origin)


def fill(client: Stream, origin: RawOrigin) -> Stream:
    client.send(request(target=b"/fill"))
    stream = origin.take()
    assert stream.request().target == b"/fill"
    stream.send(response(b"ok"))
    assert client.response().body == b"ok"
    origin.free(stream)
    return stream


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"])
def test_idempotent_request_is_sent_again_once(pooled, method):
    proxy, origin, stream = pooled
    with proxy.connect() as client:
        client.send(request(method, b"/p", body=b"x"))
        assert origin.take() is stream
        first = stream.request()
        stream.reset()
        origin.forget(stream)
        second = origin.serve()
        assert (second.start, second.fields, second.body) == (
            first.start, first.fields, first.body
        )  # fmt: skip
        assert client.response(method).status == 200


def test_the_second_loss_is_a_502(pooled):
    proxy, origin, stream = pooled
    with proxy.connect() as client:
        client.send(request())
        for _ in range(2):
            stream = origin.take()
            assert stream.request().target == b"/"
            stream.reset()
            origin.forget(stream)
        assert client.response().status == 502
        client.send(request(target=b"/after"))
        assert origin.serve().target == b"/after"
        assert client.response().status == 200


@pytest.mark.parametrize("method", [b"POST", b"PATCH"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_what_may_have_been_executed_is_not_sent_again(pooled, method, how):
    proxy, origin, stream = pooled
    with proxy.connect() as client:
        client.send(request(method, b"/once", body=b"pay"))
        assert origin.take() is stream
        assert stream.request().body == b"pay"
        getattr(stream, how)()
        origin.forget(stream)
        assert client.response().status == 502
        client.send(request(target=b"/after"))
        assert origin.serve().target == b"/after", "the next that the origin hears"
        assert client.response().status == 200


def test_nothing_is_sent_again_once_an_answer_has_begun(pooled):
    proxy, origin, stream = pooled
    with proxy.connect() as client:
        client.send(request())
        assert origin.take() is stream
        stream.request()
        stream.send(b"HTTP/1.1 2")
        stream.reset()
        origin.forget(stream)
        assert client.response().status == 502
        client.send(request(target=b"/after"))
        assert origin.serve().target == b"/after"
        assert client.response().status == 200


def test_nothing_is_sent_again_on_a_new_connection(start, own_origin):
    """A fresh connection that is lost says something about the origin, not about the pool."""
    proxy = start(own_origin.url)
    with proxy.connect() as busy, proxy.connect() as client:
        busy.send(request(target=b"/held"))  # on what the readiness probe may have left
        own_origin.take().request()
        client.send(request(target=b"/once"))
        stream = own_origin.take()
        assert stream.request().target == b"/once"
        stream.close()
        assert client.response().status == 502
        assert own_origin.pending() == 0


def test_keep_alive_race_costs_no_request(start, own_origin):
    """The origin has closed while the request was on its way: POSTs too get there, once each.

    The worker is stopped while both happen, so that it finds its pooled connection closed and
    the request waiting in the same moment.
    """
    proxy = start(own_origin.url, {"timeouts": {"pool": "1h"}})
    worker = proxy.pid("worker")
    executed = []
    with proxy.connect() as client:
        for n in range(30):
            stream = fill(client, own_origin)
            os.kill(worker, signal.SIGSTOP)
            try:
                stream.reset() if n % 2 else stream.close()
                own_origin.forget(stream)
                client.send(request(b"POST", b"/%d" % n, body=b"pay"))
            finally:
                os.kill(worker, signal.SIGCONT)
            executed.append(own_origin.serve().target)
            assert client.response().status == 200
    assert executed == [b"/%d" % n for n in range(30)]


def test_a_body_still_being_sent_is_not_made_up(pooled):
    """Not idempotent, lost in the middle of the body: 502, and the rest is no request."""
    proxy, origin, stream = pooled
    with proxy.connect() as client:
        client.send(request(b"POST", b"/p", b"Content-Length: 100"), b"half")
        assert origin.take() is stream
        stream.head()
        stream.exactly(4)
        stream.reset()
        origin.forget(stream)
        got = client.response()
        assert got.status == 502
        assert origin.pending() == 0
