from __future__ import annotations

import os
import random
from unittest import mock

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import sampling
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)

from agent.settings.telemetry import Telemetry, telemetry

NAMES = [
    "",
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
    "ParentBased_TraceIdRatio",
    "no_such_sampler",
]
ARGUMENTS = ["", "0", "0.3", "1", "1.5", "-1", "nan", "x"]


@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("name", NAMES)
def test_sampler_decides_as_the_sdk_does(name: str, argument: str) -> None:
    env = {"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument}
    env = {key: value for key, value in env.items() if value}
    with mock.patch.dict(os.environ, env, clear=True):
        sampler = sampling._get_from_env_or_default()
    ours = telemetry(env)
    numbers = random.Random(1)
    for parent in (None, True, False):
        for _ in range(50):
            trace_id = numbers.getrandbits(128) or 1
            theirs = sampler.should_sample(_context(trace_id, parent), trace_id, "name")
            assert _sampled(ours, trace_id, parent) == theirs.decision.is_sampled()


def _sampled(ours: Telemetry, trace_id: int, parent: bool | None) -> bool:
    if ours.parent_based and parent is not None:
        return parent
    return trace_id & (2**64 - 1) < round(ours.ratio * 2**64)


def _context(trace_id: int, sampled: bool | None) -> Context:
    if sampled is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return set_span_in_context(NonRecordingSpan(SpanContext(trace_id, 1, True, flags)), Context())


@pytest.mark.parametrize(
    ("env", "traces", "metrics"),
    [
        ({}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, True, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a"}, True, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "none"}, False, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "prometheus,otlp"}, True, True),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"}, False, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "false"}, True, False),
    ],
)
def test_what_is_exported(env: dict[str, str], traces: bool, metrics: bool) -> None:
    resolved = telemetry(env)
    assert (resolved.traces, resolved.metrics) == (traces, metrics)
    assert resolved.warnings == ()


def test_protocol_of_a_signal_goes_before_the_general_one() -> None:
    general = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    own = {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf"}
    resolved = telemetry(general | own)
    assert (resolved.traces_protocol, resolved.metrics_protocol) == ("grpc", "http/protobuf")
    assert telemetry({}).traces_protocol == "http/protobuf"


@pytest.mark.parametrize(
    "env",
    [
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
        {"OTEL_SDK_DISABLED": "yes"},
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_TRACES_SAMPLER": "jaeger_remote"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"},
    ],
)
def test_bad_value_is_told_and_the_default_taken(env: dict[str, str]) -> None:
    resolved = telemetry(env)
    (warning,) = resolved.warnings
    assert all(text in warning for text in (list(env)[-1], list(env.values())[-1]))
    fields = {name: getattr(resolved, name) for name in resolved.__struct_fields__}
    assert Telemetry(**fields | {"warnings": (), "parent_based": True}) == Telemetry()
