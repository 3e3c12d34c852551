"""Where it listens and where it sends: IPv6, Unix sockets, paths before the path."""

from __future__ import annotations

import pytest

from tests.harness import Outrider, eventually
from tests.origin import RawOrigin
from tests.wire import IncompleteError, request, response


def ask(proxy: Outrider, origin: RawOrigin, target: bytes = b"/x"):
    with proxy.connect() as client:
        client.send(request(b"POST", target, body=b"abc"))
        seen = origin.serve()
        assert client.response().body == b"ok"
    return seen


def test_ipv6_on_both_sides(start):
    with RawOrigin(host="::1") as origin:
        seen = ask(start(origin.url, host="::1"), origin)
    assert seen.one(b"x-forwarded-for").strip(b'"[]') == b"::1"


def test_unix_socket_upstream(start, tmp_path):
    with RawOrigin(path=tmp_path / "model.sock") as origin:
        proxy = start(origin.url)
        for _ in range(2):
            assert ask(proxy, origin).body == b"abc"
        with proxy.connect() as client:
            client.send(request())
            stream = origin.take()
            stream.request()
            stream.send(response(b"cut")[:-1])
            stream.close()
            origin.forget(stream)
            with pytest.raises(IncompleteError):
                client.response()


def test_unix_socket_that_is_not_there_is_502(start, tmp_path):
    proxy = start(f"unix://{tmp_path}/none.sock", ready="/healthz")
    with proxy.connect() as client:
        client.send(request())
        assert client.response().status == 502


@pytest.fixture(scope="module")
def based(module_origin):
    with Outrider(module_origin.url + "/base/path") as proxy:
        yield proxy


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/x", b"/base/path/x"),
        (b"/", b"/base/path/"),
        (b"//x%2F?q=/", b"/base/path//x%2F?q=/"),
        (b"/?q", b"/base/path/?q"),
        (b"http://model.test/x?y", b"http://model.test/base/path/x?y"),
    ],
)
def test_base_path_is_put_before_the_path(based, module_origin, target, expected):
    assert ask(based, module_origin, target).target == expected


def test_base_path_does_not_touch_the_asterisk(based, module_origin):
    with based.connect() as client:
        client.send(request(b"OPTIONS", b"*"))
        assert module_origin.serve().target == b"*"
        assert client.response().status == 200


def test_slash_at_the_end_of_the_base_is_not_doubled(start, own_origin):
    assert ask(start(own_origin.url + "/base/"), own_origin).target == b"/base/x"


def test_localhost_by_name(start, own_origin):
    proxy = start(f"http://localhost:{own_origin.port}")
    assert ask(proxy, own_origin).one(b"host") == b"model.test"


def test_two_workers_share_a_port(start, own_origin):
    proxy = start(own_origin.url, {"workers": 2})
    eventually(lambda: len(proxy.pids()["worker"]) == 2, "both workers")
    for _ in range(20):
        ask(proxy, own_origin)
