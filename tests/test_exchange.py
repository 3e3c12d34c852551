"""The record's wire form: what is encoded comes back, what is not ours raises."""

from __future__ import annotations

import marshal
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.exchange import FRAME, Exchange, decode, encode, field
from tests.signals.factory import USUAL

small = st.binary(max_size=40)
floats = st.floats(allow_nan=False)
sizes = st.integers(0, (1 << 63) - 1)
fields = st.lists(st.tuples(small, small), max_size=4)
bodies = st.none() | st.tuples(small, small, sizes)
exchanges = st.builds(
    Exchange,
    start_ns=st.integers(0, 1 << 70),
    request_id=small,
    method=small,
    target=small,
    version=st.sampled_from(["1.1", "1.0"]),
    route=st.text(max_size=20),
    model=st.text(max_size=20),
    status=st.integers(0, 999),
    error=st.text(max_size=20),
    duration=floats,
    sent=floats,
    connect=floats,
    upstream=floats,
    stream=floats,
    overhead=floats,
    request_size=sizes,
    response_size=sizes,
    pieces=sizes,
    largest_gap=floats,
    first_piece=floats,
    streamed=st.booleans(),
    client=st.text(max_size=20),
    upstream_reused=st.booleans(),
    resent=st.booleans(),
    upgrade=st.text(max_size=20),
    trace=st.none() | st.tuples(small, small, small, small, small),
    request_fields=fields,
    response_fields=fields,
    capture=st.text(max_size=20),
    request_body=bodies,
    response_body=bodies,
)


def payload(frame: bytes) -> bytes:
    return frame[FRAME.size :]


@given(batch=st.lists(exchanges, max_size=4), worker=st.integers(0, 1000), first=sizes)
@settings(max_examples=50)
def test_what_is_encoded_comes_back(batch, worker, first):
    frame = encode(worker, first, 5, [tuple(exchange) for exchange in batch])
    assert decode(payload(frame)) == (first, batch)
    assert all(type(exchange) is Exchange for exchange in decode(payload(frame))[1])


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_buffer_is_read(kind):
    frame = encode(0, 7, 5, [tuple(USUAL)])
    assert decode(kind(payload(frame))) == (7, [USUAL])


@pytest.mark.parametrize("worker", [0, 1, 255, 256, 70_000])
@pytest.mark.parametrize("records", [0, 1, 300])
def test_a_frame_begins_with_its_length_worker_and_time_little_endian(worker, records):
    frame = encode(worker, 0, 5, [tuple(USUAL)] * records)
    assert FRAME.size == 16
    assert frame[:16] == struct.pack("<IIQ", len(frame) - 16, worker, 5)


def test_the_same_batch_shares_no_state_between_frames():
    once = encode(0, 0, 5, [tuple(USUAL)])
    assert encode(0, 0, 5, [tuple(USUAL)]) == once


WHOLE = payload(encode(3, 9, 5, [tuple(USUAL), tuple(USUAL._replace(status=500))]))


def test_every_truncation_raises():
    for size in range(len(WHOLE)):
        with pytest.raises(ValueError, match="damaged"):
            decode(WHOLE[:size])


def test_every_damaged_bit_raises():
    """Never what `marshal` would make of it: memory for as many items as a damaged count says."""
    for at in range(len(WHOLE) * 8):
        damaged = bytearray(WHOLE)
        damaged[at >> 3] ^= 1 << (at & 7)
        with pytest.raises(ValueError, match="damaged"):
            decode(damaged)


@given(st.binary(max_size=300))
def test_any_bytes_raise(junk):
    with pytest.raises(ValueError, match="damaged"):
        decode(junk)


SHAPES = {
    "no pair": 1,
    "one too many": (1, [], 2),
    "no list": (1, 2),
    "a record that is no sequence": (1, [5]),
    "too few fields": (1, [tuple(USUAL)[:-1]]),
    "too many fields": (1, [(*USUAL, None)]),
    "a text": "ab!",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_another_shape_raises(shape):
    data = marshal.dumps(SHAPES[shape])
    with pytest.raises((ValueError, TypeError), match=r"unpack|fields|iterable|len"):
        decode(zlib.crc32(data).to_bytes(4, "little") + data)


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"host", b"model.example:8900"), (b"content-length", b"160"), (b"hos", None), (b"", None)],
)
def test_a_field_is_found_in_any_case_by_its_whole_name(name, value):
    assert field(USUAL.request_fields, name) == value


def test_the_first_of_several_fields_counts():
    assert field([(b"X-A", b"1"), (b"x-a", b"2")], b"x-a") == b"1"
