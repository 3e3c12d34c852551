"""What OpenTelemetry's environment variables say about one signal's OTLP exporter.

Rule: the meaning is the specification's, "OpenTelemetry Protocol Exporter"; a signal's own
variable wins over the general one, an empty variable counts as unset.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry.util.re import parse_env_headers

GRPC, HTTP = "grpc", "http/protobuf"

MIN_TIMEOUT_MS = 100
"""Less is taken for a mistake: some SDKs read the variable as seconds."""


class OtlpError(ValueError):
    """A variable that cannot be followed. `variable` is its name, `remedy` what to write."""

    def __init__(self, variable: str, value: str, remedy: str) -> None:
        super().__init__(f"{variable}={value!r}: {remedy}")
        self.variable = variable
        self.value = value
        self.remedy = remedy


class OtlpSettings(NamedTuple):
    """Where and how one signal is sent."""

    protocol: str
    """`GRPC` or `HTTP`."""
    endpoint: str
    """HTTP: the URL as it is posted to. gRPC: host and port."""
    secure: bool
    headers: dict[str, str]
    timeout: float
    """Seconds for one try; the variable is in milliseconds, as specified."""
    gzip: bool
    ca: str | None
    """Files of PEM certificates and the key."""
    cert: str | None
    key: str | None

    def tls(self) -> ssl.SSLContext | None:
        """Made after the fork; None where the endpoint is not `https`. Raises OSError."""
        if not self.secure:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        if self.cert:
            context.load_cert_chain(self.cert, self.key)
        return context


def wanted(env: Mapping[str, str], signal: str) -> bool:
    """Whether this signal ("TRACES" or "METRICS") is to be exported by OTLP.

    OTEL_TRACES_EXPORTER=otlp says so; so does, for traces, an endpoint without that variable.
    """
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    chosen = env.get(f"OTEL_{signal}_EXPORTER", "").strip()
    if chosen:
        return "otlp" in [name.strip() for name in chosen.split(",")]
    return signal == "TRACES" and bool(_first(env, signal, "ENDPOINT"))


def read(env: Mapping[str, str], signal: str) -> OtlpSettings:
    """Settings of one signal. Raises OtlpError naming the variable."""
    protocol = (_first(env, signal, "PROTOCOL") or HTTP).strip().lower()
    if protocol not in (GRPC, HTTP):
        raise OtlpError("OTEL_EXPORTER_OTLP_PROTOCOL", protocol, f"use {GRPC} or {HTTP}")
    endpoint, secure = (_grpc_endpoint if protocol == GRPC else _http_endpoint)(env, signal)
    return OtlpSettings(
        protocol=protocol,
        endpoint=endpoint,
        secure=secure,
        headers=dict(parse_env_headers(_first(env, signal, "HEADERS") or "", liberal=True)),
        timeout=_timeout(_first(env, signal, "TIMEOUT")),
        gzip=_gzip(_first(env, signal, "COMPRESSION")),
        ca=_first(env, signal, "CERTIFICATE"),
        cert=_first(env, signal, "CLIENT_CERTIFICATE"),
        key=_first(env, signal, "CLIENT_KEY"),
    )


def _first(env: Mapping[str, str], signal: str, name: str) -> str | None:
    own, general = f"OTEL_EXPORTER_OTLP_{signal}_{name}", f"OTEL_EXPORTER_OTLP_{name}"
    return env.get(own) or env.get(general) or None


def _http_endpoint(env: Mapping[str, str], signal: str) -> tuple[str, bool]:
    own = env.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    base = env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318"
    url = own or f"{base.removesuffix('/')}/v1/{signal.lower()}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OtlpError("OTEL_EXPORTER_OTLP_ENDPOINT", url, "use http://host:port or https://…")
    return url, parts.scheme == "https"


def _grpc_endpoint(env: Mapping[str, str], signal: str) -> tuple[str, bool]:
    url = _first(env, signal, "ENDPOINT") or "http://localhost:4317"
    parts = urlsplit(url)
    if parts.scheme == "https":
        return parts.netloc, True
    if parts.scheme == "http" and parts.netloc:
        return parts.netloc, False
    insecure = (_first(env, signal, "INSECURE") or "false").strip().lower() == "true"
    return url, not insecure


def _timeout(value: str | None) -> float:
    try:
        milliseconds = float(value or 10_000)
    except ValueError:
        milliseconds = 0.0
    if milliseconds < MIN_TIMEOUT_MS:
        raise OtlpError(
            "OTEL_EXPORTER_OTLP_TIMEOUT", value or "", "it is in milliseconds; use 10000 for 10 s"
        )
    return milliseconds / 1e3


def _gzip(value: str | None) -> bool:
    chosen = (value or "none").strip().lower()
    if chosen not in ("none", "gzip"):
        raise OtlpError("OTEL_EXPORTER_OTLP_COMPRESSION", chosen, "use gzip or none")
    return chosen == "gzip"
