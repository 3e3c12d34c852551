"""Exchanges for tests: one that is as usual, to be changed by `_replace`."""

from __future__ import annotations

from agent.exchange import ABSENT, Exchange

TRACE = (bytes(range(1, 17)), bytes(range(8, 16)), bytes(range(16, 24)), bytes(range(24, 32)), b"")

USUAL = Exchange(
    start_ns=1_800_000_000_123_456_789,
    request_id=b"01JD-4e6d.7:x",
    method=b"POST",
    target=b"/v1/models/iris:predict",
    version="1.1",
    route="/v1/models/{model}:predict",
    model="iris",
    status=200,
    error="",
    duration=0.0125,
    sent=0.0005,
    connect=ABSENT,
    upstream=0.010,
    stream=0.001,
    overhead=0.0004,
    request_size=160,
    response_size=64,
    pieces=1,
    largest_gap=0.0,
    first_piece=0.010,
    streamed=False,
    client="10.1.2.3",
    upstream_reused=True,
    resent=False,
    upgrade="",
    trace=TRACE,
    request_fields=[
        (b"Host", b"model.example:8900"),
        (b"User-Agent", b"wrk/4.2"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"160"),
    ],
    response_fields=[
        (b"server", b"uvicorn"),
        (b"content-type", b"application/json"),
        (b"content-length", b"64"),
        (b"date", b"Mon, 24 Nov 2026 23:00:00 GMT"),
    ],
    capture="full",
    request_body=None,
    response_body=None,
)
