"""What a model server says of a model when it is asked: where to ask, and what an answer tells.

Rule: pure functions of bytes, which are a stranger's: any bytes in; `Told`, or NOTHING, out.

Sources: the Open Inference Protocol's model metadata (`GET /v2/models/m`), TensorFlow Serving's
model status (`GET /v1/models/m`), and OpenAPI, which FastAPI, BentoML and LitServe serve. A version
is told only if exactly one is there: which of several answers, the server alone knows. OpenAPI's
`info.version` is that of the interface and says nothing of the model.

Names come from what names each value of a row: the tensors of a V2 model, if each is one value a
row, or the `columns` among the parameters of a wider one; `prefixItems` with titles in a schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from msgspec import Struct

from agent.decode.bodies.text import content, parse
from agent.decode.names import bounded, version_of
from agent.decode.payload import MAX_NAME, MAX_NUMBERED, Refused
from agent.decode.shapes.tensors import Tensor, extents
from agent.exchange import Fields

MAX_ANSWER = 1 << 20
"""Bytes of an answer; a longer one tells nothing."""
MAX_NODES = 20_000
"""Parts of an OpenAPI document's schemas that are looked at."""
MAX_DEPTH = 16

_MODEL = re.compile(rb"(/(v[12])/models/([A-Za-z0-9._~-]{1,128})(?:/versions/[A-Za-z0-9._~-]+)?)")
OPENAPI = (b"/openapi.json", b"/docs.json")
"""FastAPI's and LitServe's place, and BentoML's."""


class Told(Struct, frozen=True):
    """What a server told; empty: not told."""

    version: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    raw: Tensor | None = None
    """How to read a request that is one tensor without JSON."""


NOTHING = Told()


class Question(Struct, frozen=True):
    """Paths to GET, in order, until one tells something."""

    paths: tuple[bytes, ...]
    tells_version: bool


def question(target: bytes) -> Question | None:
    """What to ask about the model that a request's target names; None: there is nobody to ask."""
    path = target.partition(b"?")[0]
    if not path.startswith(b"/"):
        return None
    found = _MODEL.match(path)
    if found is None:
        return Question(OPENAPI, tells_version=False)
    if not found[3].strip(b"."):
        return None
    asked = found[1] if found[2] == b"v2" else b"/v1/models/" + found[3]
    return Question((asked,), tells_version=True)


def told(path: bytes, body: bytes, fields: Fields, target: bytes) -> Told:
    """What the answer to a GET of `path` tells about requests to `target`; `fields`: its head's."""
    try:
        raw = content((body, b"", 0), fields)
        if len(raw) > MAX_ANSWER:
            return NOTHING
        document = parse(raw, fields)
        if not isinstance(document, dict):
            return NOTHING
        if path in OPENAPI:
            return _openapi(document, target.partition(b"?")[0].decode("latin-1"))
        return _v2(document) if path.startswith(b"/v2/") else _tensorflow(document)
    except (Refused, RecursionError):
        return NOTHING


def usable(names: Sequence[object]) -> tuple[str, ...]:
    """Names of columns, if each is one and none stands twice; else none."""
    if not 0 < len(names) <= MAX_NUMBERED:
        return ()
    if not all(isinstance(name, str) and 0 < len(name.strip()) <= MAX_NAME for name in names):
        return ()
    found = tuple(cast(str, name).strip() for name in names)
    return found if len({*found}) == len(found) else ()


# ---- Open Inference Protocol


def _v2(document: dict[str, Any]) -> Told:
    versions = document.get("versions")
    version = ""
    if isinstance(versions, list) and len(versions) == 1:
        version = version_of(versions[0])
    inputs = _tensors(document.get("inputs"))
    only = inputs[0] if len(inputs) == 1 else None
    return Told(version, _columns(inputs), _columns(_tensors(document.get("outputs"))), _raw(only))


def _tensors(found: object) -> list[dict[str, Any]]:
    if not isinstance(found, list) or len(found) > MAX_NUMBERED:
        return []
    return found if all(isinstance(one, dict) for one in found) else []


def _columns(tensors: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """A name for each value of a row; none if one has none of its own."""
    names: list[object] = []
    for tensor in tensors:
        parameters = tensor.get("parameters")
        columns = parameters.get("columns") if isinstance(parameters, dict) else None
        if isinstance(columns, list):
            names += columns
        elif _is_one_value(tensor.get("shape")) and len(tensors) > 1:
            names.append(tensor.get("name"))
        else:
            return ()
    return usable(names)


def _is_one_value(shape: object) -> bool:
    """Whether a tensor has one value a row: [n] or [n, 1]."""
    return isinstance(shape, list) and (len(shape) == 1 or shape[1:] == [1])


def _raw(tensor: dict[str, Any] | None) -> Tensor | None:
    if tensor is None:
        return None
    name, datatype, shape = tensor.get("name"), tensor.get("datatype"), tensor.get("shape")
    if not isinstance(name, str) or not isinstance(datatype, str) or not isinstance(shape, list):
        return None
    known = [extent for extent in shape if extent != -1]
    try:
        extents(known)
    except Refused:
        return None
    return Tensor(name[:MAX_NAME], datatype[:MAX_NAME], tuple(shape))


# ---- TensorFlow Serving


def _tensorflow(document: dict[str, Any]) -> Told:
    found = document.get("model_version_status")
    if not isinstance(found, list):
        return NOTHING
    serving = [
        version_of(one.get("version"))
        for one in found
        if isinstance(one, dict) and one.get("state") == "AVAILABLE"
    ]
    return Told(bounded(serving[0])) if len(serving) == 1 else NOTHING


# ---- OpenAPI


def _openapi(document: dict[str, Any], path: str) -> Told:
    operation = _operation(document.get("paths"), path)
    if operation is None:
        return NOTHING
    asked = _schema(operation.get("requestBody"))
    answers = operation.get("responses")
    answered = _schema(answers.get("200")) if isinstance(answers, dict) else None
    walk = _Walk(document)
    return Told(inputs=walk.names(asked), outputs=walk.names(answered))


def _operation(paths: object, path: str) -> dict[str, Any] | None:
    """How a path is posted to; one that is written out goes before a template."""
    if not isinstance(paths, dict):
        return None
    item = paths.get(path)
    if item is None:
        parts = path.split("/")
        item = next((item for name, item in paths.items() if _fits(name, parts)), None)
    operation = item.get("post") if isinstance(item, dict) else None
    return operation if isinstance(operation, dict) else None


def _fits(template: str, parts: Sequence[str]) -> bool:
    known = template.split("/")
    return len(known) == len(parts) and all(
        a == b or (a[:1] == "{" and b != "") for a, b in zip(known, parts, strict=True)
    )


def _schema(body: object) -> object:
    """The schema of a request's or an answer's JSON."""
    kinds = body.get("content") if isinstance(body, dict) else None
    kind = kinds.get("application/json") if isinstance(kinds, dict) else None
    return kind.get("schema") if isinstance(kind, dict) else None


class _Walk:
    """Looks for the one list of named values in a schema."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._left = MAX_NODES

    def names(self, schema: object) -> tuple[str, ...]:
        """Of its values; none if there is no such list, or more than one."""
        found = {*self._lists(schema, 0)}
        return found.pop() if len(found) == 1 else ()

    def _lists(self, schema: object, depth: int) -> Iterator[tuple[str, ...]]:
        self._left -= 1
        schema = self._resolved(schema)
        if not isinstance(schema, dict) or depth > MAX_DEPTH or self._left < 0:
            return
        # A list of schemas under `items` is how JSON Schema wrote it before 2020-12.
        items = schema.get("prefixItems") or schema.get("items")
        if isinstance(items, list):
            if names := usable([self._title(item) for item in items[: MAX_NUMBERED + 1]]):
                yield names
            return
        yield from self._lists(items, depth + 1)
        properties = schema.get("properties")
        inner = [*properties.values()] if isinstance(properties, dict) else []
        for key in ("anyOf", "oneOf", "allOf"):
            more = schema.get(key)
            inner += more if isinstance(more, list) else []
        for part in inner:
            if self._left < 0:
                return
            yield from self._lists(part, depth + 1)

    def _title(self, schema: object) -> object:
        self._left -= 1
        return schema.get("title") if isinstance(schema, dict) else None

    def _resolved(self, schema: object) -> object:
        """What a reference within the document refers to."""
        for _ in range(MAX_DEPTH):
            reference = schema.get("$ref") if isinstance(schema, dict) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return schema
            schema = self._document
            for part in reference[2:].split("/")[:MAX_DEPTH]:
                schema = schema.get(part) if isinstance(schema, dict) else None
        return None
