"""The benchmark's counts are those of the real formats."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.receivers import Counter, loki_lines, spans


@given(some.lists(some.lists(some.integers(0, 5), max_size=3), max_size=3))
def test_spans_of_all_resources_and_scopes_are_counted(shape: list[list[int]]) -> None:
    request = ExportTraceServiceRequest()
    for scopes in shape:
        resource = request.resource_spans.add()
        for count in scopes:
            scope = resource.scope_spans.add()
            for _ in range(count):
                scope.spans.add(name="POST")
    assert spans(request.SerializeToString()) == sum(map(sum, shape))


def test_lines_of_a_json_push_are_counted() -> None:
    streams = [{"stream": {}, "values": [["1", "a"], ["2", "b"]]}, {"stream": {}, "values": []}]
    assert loki_lines(json.dumps({"streams": streams}).encode()) == 2


def test_lines_of_a_snappy_push_are_counted() -> None:
    cramjam = pytest.importorskip("cramjam")
    entry = b"\x12\x05\x12\x03abc"
    stream = b"\x0a\x02{}" + entry * 3
    push = b"\x0a" + bytes([len(stream)]) + stream
    assert loki_lines(bytes(cramjam.snappy.compress_raw(push))) == 3


def test_a_counter_adds_up_over_several_askings() -> None:
    counter = Counter(len)
    counter.add(b"abc")
    assert counter.count() == 3
    counter.add(b"de")
    assert (counter.count(), counter.pushes) == (5, 2)
