"""The variables mean what the specification says, and a bad one is said and passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ship.otlp_settings import GRPC, HTTP, read


@pytest.mark.parametrize(
    ("env", "endpoint", "secure"),
    [
        ({}, "localhost:4317", False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c:4317"}, "c:4317", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"}, "c:4317", True),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317", "OTEL_EXPORTER_OTLP_INSECURE": "TRUE"},
            "c:4317",
            False,
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c", "OTEL_EXPORTER_OTLP_INSECURE": "true"},
            "c",
            True,
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "unix:///c.sock",
                "OTEL_EXPORTER_OTLP_INSECURE": "true",
            },
            "unix:///c.sock",
            False,
        ),
    ],
)
def test_grpc_endpoint(env: dict[str, str], endpoint: str, secure: bool) -> None:
    settings = read(env, "TRACES", GRPC)
    assert (settings.endpoint, settings.secure, settings.warnings) == (endpoint, secure, ())


def test_http_endpoint_of_another_signal() -> None:
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/x",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t",
    }
    assert read(env, "METRICS", HTTP).endpoint == "https://c/x/v1/metrics"
    assert read({}, "TRACES", HTTP).endpoint == "http://localhost:4318/v1/traces"


def test_timeout_is_in_milliseconds() -> None:
    assert read({}, "TRACES", HTTP).timeout == 10.0
    assert read({"OTEL_EXPORTER_OTLP_TIMEOUT": "2500"}, "TRACES", HTTP).timeout == 2.5


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "ten"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "nan"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1"),
    ],
)
def test_a_bad_value_is_said_and_the_default_taken(variable: str, value: str) -> None:
    settings = read({variable: value}, "TRACES", HTTP)
    assert len(settings.warnings) == 1
    assert settings.warnings[0].startswith(f"{variable}={value}: wanted ")
    assert settings._replace(warnings=()) == read({}, "TRACES", HTTP)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "OTEL_EXPORTER_OTLP_HEADERS",
                "OTEL_EXPORTER_OTLP_TIMEOUT",
                "OTEL_EXPORTER_OTLP_COMPRESSION",
                "OTEL_EXPORTER_OTLP_INSECURE",
            ]
        ),
        st.text(max_size=30),
    ),
    st.sampled_from([GRPC, HTTP]),
)
def test_any_values_give_settings(env: dict[str, str], protocol: str) -> None:
    settings = read(env, "TRACES", protocol)
    assert settings.endpoint
    assert settings.timeout > 0
