"""What one request adds to /metrics: once each, when it is over, under bounded labels."""

from __future__ import annotations

import pytest

from tests.harness import Metrics, eventually
from tests.wire import chunked, request, response

COUNT = "http_server_request_duration_seconds_count"
PREDICT = b"/v1/models/churn:predict"
ROUTE = {"http_route": "/v1/models/{model}:predict", "model": "churn"}


class Difference:
    """What a scrape says more than the one before."""

    def __init__(self, proxy) -> None:
        self.proxy, self.before = proxy, proxy.metrics()

    def value(self, name: str, **labels: str) -> float:
        return self.proxy.metrics().value(name, **labels) - self.before.value(name, **labels)

    def requests(self, expected: int) -> Metrics:
        eventually(lambda: self.value(COUNT) >= expected, f"{expected} requests counted")
        assert self.value(COUNT) == expected
        return self.proxy.metrics()


@pytest.fixture
def difference(proxy) -> Difference:
    return Difference(proxy)


def test_a_prediction(client, origin, difference):
    client.send(request(b"POST", PREDICT, body=b"x" * 1000))
    origin.serve(response(b"y" * 100))
    client.response()
    difference.requests(1)
    labels = {
        "http_request_method": "POST", "http_response_status_code": "200", "error_type": "", **ROUTE
    }  # fmt: skip
    assert difference.value(COUNT, **labels) == 1
    assert difference.value("http_server_request_body_size_bytes_sum", **ROUTE) == 1000
    assert difference.value("http_server_response_body_size_bytes_sum", **ROUTE) == 100
    route = {"http_route": ROUTE["http_route"]}
    for name in ("upstream_duration", "response_stream", "overhead"):
        assert difference.value(f"outrider_{name}_seconds_count", **route) == 1, name
    assert difference.value("outrider_requests_failed_total") == 0


def test_sizes_are_of_the_body_and_not_of_its_framing(client, origin, difference):
    client.send(request(b"POST", PREDICT, b"Transfer-Encoding: chunked"), chunked(b"abc", b"de"))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    origin.serve(head + chunked(b"0123456", b"789"))
    client.response()
    difference.requests(1)
    assert difference.value("http_server_request_body_size_bytes_sum", **ROUTE) == 5
    assert difference.value("http_server_response_body_size_bytes_sum", **ROUTE) == 10


@pytest.mark.parametrize("status", [b"201 Created", b"400 Bad Request", b"500 Oh", b"503 Busy"])
def test_the_models_own_status_is_no_error_of_ours(client, origin, difference, status):
    client.send(request(b"POST", PREDICT, body=b"x"))
    origin.serve(response(b"ok", status=status))
    client.response()
    difference.requests(1)
    labels = {"http_response_status_code": status[:3].decode(), "error_type": ""}
    assert difference.value(COUNT, **labels, **ROUTE) == 1
    assert difference.value("outrider_requests_failed_total") == 0


def test_a_request_is_active_until_it_is_over_and_counted_only_then(client, origin, proxy):
    client.send(request(b"POST", PREDICT, body=b"x"))  # a route is known by its first answer
    origin.serve()
    client.response()
    eventually(lambda: proxy.metric(COUNT, **ROUTE) > 0, "the route known")
    difference = Difference(proxy)
    client.send(request(b"POST", PREDICT, body=b"x"))
    stream = origin.take()
    stream.request()
    active = "http_server_active_requests"
    assert difference.value(active, **ROUTE) == 1
    assert difference.value(COUNT) == 0
    stream.send(response(b"ok"))
    client.response()
    difference.requests(1)
    assert difference.value(active, **ROUTE) == 0


def test_paths_that_are_not_found_earn_no_route(client, origin, difference):
    """A scanner must not make series: 404 and 405 go to `other`."""
    for n in range(20):
        client.send(request(b"GET", b"/scan/%d/x" % n))
        status = b"404 Not Found" if n % 2 else b"405 Method Not Allowed"
        origin.serve(response(b"", status=status))
        client.response()
    scrape = difference.requests(20)
    assert difference.value(COUNT, http_route="other") == 20
    assert "/scan" not in scrape.text


def test_ids_in_a_path_make_one_route(client, origin, difference):
    for n in (1, 22, 333):
        client.send(request(b"GET", b"/items/%d/detail?q=%d" % (n, n)))
        origin.serve()
        client.response()
    scrape = difference.requests(3)
    assert difference.value(COUNT, http_route="/items/{id}/detail") == 3
    assert "/items/333" not in scrape.text


def test_strange_methods_make_no_series(client, origin, difference):
    """OpenTelemetry: methods that are not well known are `_OTHER`."""
    for method in (b"PROPFIND", b"MKCOL", b"REPORT"):
        client.send(request(method, PREDICT))
        origin.serve()
        client.response()
    difference.requests(3)
    assert difference.value(COUNT, http_request_method="_OTHER") == 3


def test_pipelined_requests_are_counted_each(client, origin, difference):
    client.send(*[request(b"POST", PREDICT, body=b"x")] * 10)
    for _ in range(10):
        origin.serve()
        client.response()
    difference.requests(10)


def test_an_unparsed_head_is_a_failure_and_no_request(client, origin, difference):
    client.send(b"BAD\r\n\r\n")
    client.rest()
    eventually(
        lambda: difference.value("outrider_requests_failed_total", reason="client_protocol") == 1,
        "the failure counted",
    )
    assert difference.value(COUNT) == 0


@pytest.mark.parametrize("observe", ["off", "signals", "all"])
def test_counts_are_the_same_however_much_is_observed(start, own_origin, observe):
    proxy = start(own_origin.url, {"observe": observe})
    with proxy.connect() as client:
        for _ in range(5):
            client.send(request(b"POST", PREDICT, body=b'{"instances": [[1, 2]]}'))
            own_origin.serve(response(b'{"predictions": [1]}'))
            assert client.response().body == b'{"predictions": [1]}'
    eventually(lambda: proxy.metric(COUNT, **ROUTE) == 5, "five counted")


def test_server_timing_is_added_where_asked(start, own_origin):
    """What is known at the head, beside what the model server says itself."""
    proxy = start(own_origin.url, {"server_timing": True})
    with proxy.connect() as client:
        client.send(request(b"POST", PREDICT, body=b"x"))
        own_origin.serve(response(b"ok", b"Server-Timing: inference;dur=3"))
        timing = b",".join(client.response().all(b"server-timing"))
    assert timing.startswith(b"inference;dur=3")
    assert timing.count(b"dur=") > 1


def test_server_timing_is_not_added_unasked(client, origin):
    client.send(request())
    origin.serve()
    assert not client.response().all(b"server-timing")
