"""A model server that is away: an answer of our own, at once, with its reason counted."""

from __future__ import annotations

import json

import pytest

from tests.harness import Outrider, eventually, free_ports, get
from tests.origin import RawOrigin
from tests.wire import request

COUNT = "http_server_request_duration_seconds_count"


@pytest.fixture(scope="module")
def lonely():
    """An Outrider before nobody."""
    with Outrider(f"http://127.0.0.1:{free_ports(1)[0]}", ready="/healthz") as proxy:
        yield proxy


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_refused_is_502_upstream_connect(lonely, method):
    labels = {"http_response_status_code": "502", "error_type": "upstream_connect"}
    before = lonely.metric(COUNT, **labels)
    with lonely.connect() as client:
        client.send(request(method, b"/p", body=b"abc"))
        got = client.response()
        assert got.status == 502
        assert got.one(b"content-type").startswith(b"application/json")
        assert b"upstream_connect" in got.body
        assert isinstance(json.loads(got.body), dict)
        assert got.one(b"x-request-id")
    eventually(lambda: lonely.metric(COUNT, **labels) == before + 1, "the 502 counted")
    assert lonely.metric("outrider_requests_failed_total", reason="upstream_connect") > 0


def test_answer_to_head_has_no_body(lonely):
    with lonely.connect() as client:
        client.send(request(b"HEAD"), request(b"HEAD"))
        assert [client.response(b"HEAD").status for _ in range(2)] == [502, 502]


def test_the_clients_connection_survives_a_502(lonely):
    with lonely.connect() as client:
        for _ in range(3):
            client.send(request(b"POST", b"/p", body=b"abc"))
            assert client.response().status == 502


def test_not_ready_but_alive(lonely):
    assert get(lonely.health, "/healthz").status == 200
    assert get(lonely.health, "/readyz").status == 503


def test_ready_once_the_model_server_is(start):
    port = free_ports(1)[0]
    proxy = start(f"http://127.0.0.1:{port}", ready="/healthz")
    assert proxy.probe("/readyz") == 503
    with RawOrigin(port=port) as back:
        eventually(lambda: proxy.probe("/readyz") == 200, "ready with its model server")
        with proxy.connect() as client:
            client.send(request())
            back.serve()
            assert client.response().status == 200


def test_a_name_that_does_not_resolve_is_502(start):
    proxy = start("http://no-such-host.invalid:80", ready="/healthz")
    with proxy.connect() as client:
        client.send(request())
        assert client.response().status == 502


def test_origin_that_closes_without_an_answer_is_502_upstream_reset(client, origin, proxy):
    before = proxy.metric("outrider_requests_failed_total", reason="upstream_reset")
    client.send(request(b"POST", b"/p", body=b"abc"))
    stream = origin.take()
    stream.request()
    stream.close()
    got = client.response()
    assert got.status == 502
    assert b"upstream_reset" in got.body
    eventually(
        lambda: (
            proxy.metric("outrider_requests_failed_total", reason="upstream_reset") == before + 1
        ),
        "the reset counted",
    )
