"""How much is remembered of heads, and that what was remembered is counted like any other."""

from __future__ import annotations

import pytest

from agent.proxy.known import GIVE_UP, MAX_HEAD, MAX_HEADS
from tests.harness import Metrics, eventually
from tests.proxy.repeating import OK, POST, ask, same_thrice
from tests.wire import request, response

COUNT = "http_server_request_duration_seconds_count"


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
        assert more(name.replace("_count", "_sum")) >= 0, name
    decoded = "outrider_decode_total"
    assert more(decoded) == more(decoded, dialect="kserve_v1", outcome="ok") == TIMES
    assert after.value("http_server_active_requests") == 0
    assert more("outrider_requests_failed_total") == 0
