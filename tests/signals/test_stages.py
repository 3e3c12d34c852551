"""Points in time from durations: in order, and within the request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.exchange import ABSENT
from agent.signals import stages
from agent.signals.stages import ServerTiming
from tests.signals.factory import USUAL

durations = st.floats(0, 1e6) | st.just(ABSENT)


@given(st.floats(0, 1e6), durations, durations, durations, durations)
def test_every_time_lies_within_the_request(
    duration: float, sent: float, connect: float, upstream: float, stream: float
) -> None:
    x = USUAL._replace(
        duration=duration, sent=sent, connect=connect, upstream=upstream, stream=stream
    )
    times = stages.of(x)
    for at in (times.received, times.first_byte, times.client_start, times.end):
        assert at is None or x.start_ns <= at <= times.end
    assert times.first_byte is None or times.received <= times.first_byte


def test_times_of_a_usual_request() -> None:
    times = stages.of(USUAL._replace(connect=0.0002))
    start = USUAL.start_ns
    assert times.end - start == 12_500_000
    assert times.first_byte == start + 11_500_000
    assert times.received == start + 1_500_000
    assert times.client_start == start + 300_000
    assert times.answered


def test_times_of_a_stream_whose_head_came_before_its_first_event() -> None:
    stream = USUAL._replace(
        streamed=True, duration=0.5, upstream=0.125, first_piece=0.25, stream=0.25
    )
    times = stages.of(stream)
    start = USUAL.start_ns
    assert times.first_byte == start + 250_000_000
    assert times.first_event == start + 375_000_000
    assert stages.of(stream._replace(streamed=False)).first_event is None


def test_first_byte_of_an_answer_that_was_cut_off_is_not_its_end() -> None:
    left = USUAL._replace(status=499, error="client_abort", stream=ABSENT, duration=60.0)
    times = stages.of(left)
    assert times.received == USUAL.start_ns + 500_000
    assert times.first_byte == USUAL.start_ns + 10_500_000


@pytest.mark.parametrize(
    ("status", "error", "answered"),
    [
        (200, "", True),
        (502, "upstream_connect", True),
        (499, "client_abort", False),
        (200, "upstream_reset", False),
        (413, "limit", True),
    ],
)
def test_answered_is_what_the_client_got_whole(status: int, error: str, answered: bool) -> None:
    assert stages.of(USUAL._replace(status=status, error=error)).answered is answered


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"preprocessing;dur=3.25", ServerTiming(0.00325, None)),
        (b'a;desc="x", postprocessing; dur=2, db;dur=9', ServerTiming(None, 0.002)),
        (b'PreProcessing;desc=b;dur="1",postprocessing;dur=1', ServerTiming(0.001, 0.001)),
        (b"preprocessing", None),
        (b"mypreprocessing;dur=1", None),
        (b"preprocessing;dur=-1", None),
        (b"total;dur=12", None),
    ],
)
def test_server_timing(value: bytes, expected: ServerTiming | None) -> None:
    assert stages.server_timing([(b"Server-Timing", value)]) == expected


@given(st.binary(max_size=200))
def test_server_timing_of_any_bytes(value: bytes) -> None:
    stages.server_timing([(b"server-timing", b"preprocessing;dur=" + value)])


def test_stages_do_not_leave_the_wait_for_the_response() -> None:
    times = stages.of(USUAL)
    found = list(stages.spans(times, ServerTiming(99.0, 99.0)))
    assert found == [
        ("preprocessing", times.received, times.first_byte),
        ("postprocessing", times.received, times.first_byte),
    ]
