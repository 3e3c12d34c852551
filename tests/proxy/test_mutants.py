"""Damaged requests: whatever passes is well-formed, and whatever does not is refused politely.

The origin reads with `tests.wire`, which tolerates nothing, so that a malformed byte which gets
through fails the test; a request that was not sent would be one more than the mutant can hold.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import Outrider
from tests.wire import chunked, request, response

SEEDS = (
    request(b"GET", b"/a/b?c=d", b"Accept: */*", b"X-A: 1"),
    request(b"POST", b"/p", b"Content-Type: application/json", body=b'{"x": 1}'),
    request(b"POST", b"/p", b"Transfer-Encoding: chunked") + chunked(b"abc", b"defgh"),
    request(b"POST", b"/p", b"Transfer-Encoding: chunked", b"Trailer: X-T")
    + chunked(b"abc", trailers=b"X-T: 1\r\n"),
    request(b"GET", b"/ws", b"Connection: Upgrade", b"Upgrade: websocket"),
    request(b"HEAD", b"/1") + request(b"POST", b"/2", body=b"two"),
    b"POST /p HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
)
TOKENS = (
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"\x0b", b"\x7f",
    b"\x80", b"\xff", b"0", b"1", b"-", b"+", b"chunked", b"identity", b"Content-Length: 3\r\n",
    b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"0\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: c\r\n\r\n", b"HTTP/1.1", b"HTTP/1.0", b" HTTP/1.1\r\n", b"#", b"%",
)  # fmt: skip
OWN_ERRORS = {501, 505}


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A seed after one to three small accidents."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 6)))
        kind = draw(st.sampled_from(["insert", "replace", "delete", "repeat"]))
        token = draw(st.sampled_from(TOKENS))
        piece = {"insert": token, "replace": token, "delete": b"", "repeat": data[at:end] * 2}[kind]
        data = data[:at] + piece + data[at if kind == "insert" else end :]
    return data


@pytest.fixture(scope="module")
def patient(module_origin):
    """An Outrider that answers a client which has ended its side."""
    with Outrider(module_origin.url, {"client_eof": "half_close"}) as proxy:
        yield proxy


@given(data=mutants())
@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_malformed_passes_and_nothing_breaks(patient, module_origin, data):
    answer = response(b"ok", b"X-Origin: yes")
    with module_origin.serving(answer) as seen:
        with patient.connect() as client, suppress(OSError):
            client.send(data)
            client.half_close()
            client.rest()
        with patient.connect() as canary:
            canary.send(request(target=b"/canary"))
            assert canary.response().status == 200
    assert seen[-1].target == b"/canary"
    assert len(seen) - 1 <= data.count(b"HTTP/1.")
    for line in bytes(client.received).split(b"\r\n"):
        if line.startswith(b"HTTP/1.1 "):
            status = int(line.split(b" ")[1])
            assert status < 500 or status in OWN_ERRORS, line
