"""What OpenTelemetry's environment variables say about one signal's OTLP exporter.

Rule: the meaning is the specification's, "OpenTelemetry Protocol Exporter"; a signal's own
variable wins over the general one, an empty variable counts as unset, and of a bad one the
default is taken and something said.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry.util.re import parse_env_headers

GRPC, HTTP = "grpc", "http/protobuf"

DEFAULT_GRPC, DEFAULT_HTTP = "http://localhost:4317", "http://localhost:4318"

MIN_TIMEOUT_MS = 100
"""Less is taken for a mistake: some SDKs read the variable as seconds."""


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
    warnings: tuple[str, ...] = ()
    """What was wrong with the variables; the default is taken instead, as specified."""

    def tls(self) -> ssl.SSLContext | None:
        """Made after the fork; None where the endpoint is not `https`. Raises OSError."""
        if not self.secure:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        if self.cert:
            context.load_cert_chain(self.cert, self.key)
        return context


def read(env: Mapping[str, str], signal: str, protocol: str) -> OtlpSettings:
    """Settings of one signal ("TRACES" or "METRICS"), sent by `protocol`."""
    warnings: list[str] = []
    endpoint, secure = (_grpc_endpoint if protocol == GRPC else _http_endpoint)(
        env, signal, warnings
    )
    return OtlpSettings(
        protocol=protocol,
        endpoint=endpoint,
        secure=secure,
        headers=dict(parse_env_headers(_first(env, signal, "HEADERS"), liberal=True)),
        timeout=_timeout(_first(env, signal, "TIMEOUT"), warnings),
        gzip=_gzip(_first(env, signal, "COMPRESSION"), warnings),
        ca=_first(env, signal, "CERTIFICATE") or None,
        cert=_first(env, signal, "CLIENT_CERTIFICATE") or None,
        key=_first(env, signal, "CLIENT_KEY") or None,
        warnings=tuple(warnings),
    )


def _first(env: Mapping[str, str], signal: str, name: str) -> str:
    own, general = f"OTEL_EXPORTER_OTLP_{signal}_{name}", f"OTEL_EXPORTER_OTLP_{name}"
    return env.get(own) or env.get(general) or ""


def _http_endpoint(env: Mapping[str, str], signal: str, warnings: list[str]) -> tuple[str, bool]:
    name, own = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", True
    if not env.get(name):
        name, own = "OTEL_EXPORTER_OTLP_ENDPOINT", False
    given = env.get(name) or DEFAULT_HTTP
    if not _scheme(given):
        warnings.append(
            f"{name}={given}: wanted http://host:port or https://host; {DEFAULT_HTTP} is used"
        )
        given, own = DEFAULT_HTTP, False
    url = given if own else f"{given.removesuffix('/')}/v1/{signal.lower()}"
    return url, _scheme(given) == "https"


def _grpc_endpoint(env: Mapping[str, str], signal: str, warnings: list[str]) -> tuple[str, bool]:
    given = _first(env, signal, "ENDPOINT") or DEFAULT_GRPC
    scheme = _scheme(given)
    if scheme:
        return urlsplit(given).netloc, scheme == "https"
    insecure = _first(env, signal, "INSECURE").strip().lower()
    if insecure not in ("", "true", "false"):
        warnings.append(
            f"OTEL_EXPORTER_OTLP_INSECURE={insecure}: wanted true or false; taken as false"
        )
    return given, insecure != "true"


def _scheme(url: str) -> str:
    """ "http" or "https" of a URL of either that names a host; else empty."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return ""
    return parts.scheme if known else ""


def _timeout(value: str, warnings: list[str]) -> float:
    try:
        milliseconds = float(value or 10_000)
    except ValueError:
        milliseconds = 0.0
    if milliseconds >= MIN_TIMEOUT_MS:
        return milliseconds / 1e3
    warnings.append(
        f"OTEL_EXPORTER_OTLP_TIMEOUT={value}: wanted milliseconds, {MIN_TIMEOUT_MS} or more;"
        " 10000 is used"
    )
    return 10.0


def _gzip(value: str, warnings: list[str]) -> bool:
    chosen = value.strip().lower()
    if chosen not in ("", "none", "gzip"):
        warnings.append(
            f"OTEL_EXPORTER_OTLP_COMPRESSION={value}: wanted gzip or none; none is used"
        )
    return chosen == "gzip"
