"""Attributes are what protobuf's own encoder makes, and what is kept has a bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agent.signals.attributes import (
    MAX_KEPT,
    Kept,
    host_attributes,
    number_attribute,
    text_attribute,
)


def shown(data: bytes) -> dict[str, str | int]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "")
        for pair in Span.FromString(data).attributes
    }


@given(st.text(max_size=40), st.text(max_size=400), st.integers(0, 2**63 - 1))
def test_protobuf_reads_them(key: str, text: str, number: int) -> None:
    assert shown(text_attribute(key, text.encode())) == {key: text}
    assert shown(number_attribute(key, number)) == {key: number}


def test_what_is_kept_is_bounded_and_begun_anew() -> None:
    made: list[int] = []
    kept: Kept[int, int] = Kept(lambda key: made.append(key) or key)
    for n in range(3 * MAX_KEPT):
        assert kept[n] == n
        assert kept[n] == n
        assert len(kept) <= MAX_KEPT
    assert made == list(range(3 * MAX_KEPT))


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        ("model.example:8900", "model.example", 8900),
        ("model.example", "model.example", 443),
        ("[::1]:9", "::1", 9),
        ("[::1]", "::1", 443),
        ("a:b", "a:b", 443),
        ("a:٣", "a:٣", 443),
        ("a:999999999", "a:999999999", 443),
    ],
)
def test_host(host: str, address: str, port: int) -> None:
    expected = {"server.address": address, "server.port": port}
    assert shown(host_attributes(host, "https")) == expected
