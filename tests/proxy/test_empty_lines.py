"""An empty line between requests begins none: the connection is as idle as it was before."""

from __future__ import annotations

import pytest

from tests.wire import request

SHORT = {"timeouts": {"head": "200ms", "idle": "600ms"}}


@pytest.mark.parametrize("line", [b"\r\n", b"\r\n\r\n"])
def test_after_an_empty_line_the_connection_is_closed_when_idle_and_without_a_word(
    start, own_origin, line
):
    proxy = start(own_origin.url, SHORT)
    with proxy.connect() as client:
        client.send(request(b"POST", b"/", body=b"abc"))
        own_origin.serve()
        client.response()
        client.send(line)
        assert client.rest() == b""
        assert client.ended == "eof"
    assert proxy.metric("outrider_requests_failed_total") == 0


def test_a_head_that_has_begun_behind_one_is_held_to_its_time(start, own_origin):
    proxy = start(own_origin.url, {"timeouts": {"head": "200ms", "idle": "1h"}})
    with proxy.connect() as client:
        client.send(b"\r\nGET / HTTP/1.1\r\n")
        assert client.response().status == 408
