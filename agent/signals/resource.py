"""Who we are, as OpenTelemetry's SDK makes it of OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.

Rule: imported only where spans or metrics are exported by OTLP.
"""

from __future__ import annotations

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.sdk.resources import SERVICE_NAME, Resource

DEFAULT_SERVICE = "outrider"


def make(version: str) -> Resource:
    """The SDK's resource, from this process's environment."""
    resource = Resource.create(
        {"telemetry.distro.name": "outrider"} | {"telemetry.distro.version": version}
    )
    name = str(resource.attributes.get(SERVICE_NAME, ""))
    if name.startswith("unknown_service"):
        return resource.merge(Resource({SERVICE_NAME: DEFAULT_SERVICE}))
    return resource


def serialize(resource: Resource) -> bytes:
    """The resource as an OTLP message."""
    pairs = [KeyValue(key=k, value=_value(v)) for k, v in resource.attributes.items()]
    return bytes(ResourceMessage(attributes=pairs).SerializeToString())


def _value(value: object) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=str(value))
