"""The standard `OTEL_…` variables, resolved to plain numbers at start.

Rule: as the OpenTelemetry specification says, a bad value is reported and the default taken; an
empty variable is one that is not set. No OpenTelemetry library is imported: the worker samples by
these numbers and must stay small. (Endpoint, headers, TLS and resource are read where the
exporters are made.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

Protocol = Literal["http/protobuf", "grpc"]

_DEFAULT_SAMPLER = "parentbased_always_on"
_SAMPLERS: dict[str, tuple[bool, float | None]] = {
    "always_on": (False, 1.0),
    "always_off": (False, 0.0),
    "traceidratio": (False, None),
    "parentbased_always_on": (True, 1.0),
    "parentbased_always_off": (True, 0.0),
    "parentbased_traceidratio": (True, None),
}
"""Name: (parent based, ratio or None where OTEL_TRACES_SAMPLER_ARG says it)."""


class Telemetry(Struct, frozen=True, kw_only=True):
    """What is exported over OTLP, and which requests get spans."""

    traces: bool = False
    traces_protocol: Protocol = "http/protobuf"
    metrics: bool = False
    """Whether metrics are pushed over OTLP too; `/metrics` is always there."""
    metrics_protocol: Protocol = "http/protobuf"
    parent_based: bool = True
    """Whether a client's own sampling decision is followed."""
    ratio: float = 1.0
    """Part of the traces sampled (of those without a parent, if `parent_based`), 0 to 1."""
    warnings: tuple[str, ...] = ()
    """What was wrong with the variables, to be said once at start."""


def telemetry(env: Mapping[str, str]) -> Telemetry:
    """Reads the `OTEL_…` variables of `env`. Never raises: see `Telemetry.warnings`."""
    warnings: list[str] = []
    endpoint = _value(env, "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    on = not _disabled(env, warnings)
    parent_based, ratio = _sampler(env, warnings)
    return Telemetry(
        traces=on and _exported(env, "TRACES", "otlp" if endpoint else "none", warnings),
        traces_protocol=_protocol(env, "TRACES", warnings),
        metrics=on and _exported(env, "METRICS", "none", warnings),
        metrics_protocol=_protocol(env, "METRICS", warnings),
        parent_based=parent_based,
        ratio=ratio,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _value(env: Mapping[str, str], *names: str) -> str:
    """The first of these variables that is set and not empty."""
    return next((value for name in names if (value := env.get(name, "").strip())), "")


def _disabled(env: Mapping[str, str], warnings: list[str]) -> bool:
    value = _value(env, "OTEL_SDK_DISABLED").lower()
    if value not in ("", "true", "false"):
        warnings.append(f"OTEL_SDK_DISABLED={value}: wanted true or false; taken as false")
    return value == "true"


def _exported(env: Mapping[str, str], signal: str, default: str, warnings: list[str]) -> bool:
    name = f"OTEL_{signal}_EXPORTER"
    exporters = [part.strip() for part in (_value(env, name) or default).split(",")]
    warnings.extend(
        f"{name}={unknown}: this exporter is not known here (otlp, none); ignored"
        for unknown in sorted(set(exporters) - {"otlp", "none", "prometheus"})
    )
    return "otlp" in exporters


def _protocol(env: Mapping[str, str], signal: str, warnings: list[str]) -> Protocol:
    names = (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    value = _value(env, *names)
    known: tuple[Protocol, ...] = get_args(Protocol)
    for protocol in known:
        if value == protocol:
            return protocol
    if value:
        warnings.append(f"{names[1]}={value}: wanted {' or '.join(known)}; {known[0]} is used")
    return known[0]


def _sampler(env: Mapping[str, str], warnings: list[str]) -> tuple[bool, float]:
    name = _value(env, "OTEL_TRACES_SAMPLER").lower() or _DEFAULT_SAMPLER
    if name not in _SAMPLERS:
        warnings.append(
            f"OTEL_TRACES_SAMPLER={name}: wanted one of {', '.join(_SAMPLERS)};"
            f" {_DEFAULT_SAMPLER} is used"
        )
        name = _DEFAULT_SAMPLER
    parent_based, ratio = _SAMPLERS[name]
    if ratio is None:
        ratio = _ratio(_value(env, "OTEL_TRACES_SAMPLER_ARG"), warnings)
    return parent_based, ratio


def _ratio(text: str, warnings: list[str]) -> float:
    try:
        ratio = float(text or "1")
    except ValueError:
        ratio = math.nan
    if 0 <= ratio <= 1:
        return ratio
    warnings.append(f"OTEL_TRACES_SAMPLER_ARG={text}: wanted a number from 0 to 1; 1 is used")
    return 1.0
