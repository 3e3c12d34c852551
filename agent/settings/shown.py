"""Settings as people see them: as they would write them, secrets hidden; and their JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from agent import config as declared
from agent.settings import alerting
from agent.settings.redaction import RedactRule
from agent.settings.units import Duration, Secret, Share, Size

HIDDEN = "***"


def shown(value: Any) -> Any:
    """Plain data that could stand in the file: units as they are written, secrets as `***`."""
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__
        named = {name: shown(getattr(value, name)) for name in value.__struct_fields__}
        return {tag.tag_field: tag.tag, **named} if tag.tag_field else named
    if isinstance(value, dict):
        return {str(key): shown(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [shown(item) for item in value]
    if isinstance(value, Secret):
        return HIDDEN
    return str(value) if isinstance(value, Duration | Share | Size | str) else value


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """A field's default; `msgspec.NODEFAULT` if it has none."""
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def schema() -> dict[str, Any]:
    """JSON Schema of the configuration file, for editors."""
    schema = msgspec.json.schema(declared.Config, schema_hook=_unit)
    for cls in structs():
        properties = schema["$defs"][cls.__name__]["properties"]
        for field in msgspec.structs.fields(cls):
            default = default_of(field)
            if default is not msgspec.NODEFAULT and not isinstance(default, msgspec.Struct):
                properties[field.name]["default"] = shown(default)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def structs() -> Iterable[type[msgspec.Struct]]:
    """All parts of the configuration's declaration."""
    for item in (*vars(declared).values(), *vars(alerting).values(), RedactRule):
        if isinstance(item, type) and issubclass(item, msgspec.Struct) and item.__struct_fields__:
            yield item


def _unit(type_: type) -> dict[str, Any]:
    if issubclass(type_, Duration | Share):
        return {"type": ["string", "number"]}
    return {"type": ["string", "integer"] if issubclass(type_, Size) else "string"}
