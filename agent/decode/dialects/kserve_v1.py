"""KServe V1 and TensorFlow Serving's REST form: `instances` or `inputs` in, `predictions` out.

Source: KServe's "V1 inference protocol" and TensorFlow Serving's "RESTful API" pages. `instances`
is a list of rows (at `:classify` and `:regress` these are `examples`); `inputs` maps names to
columns, or is one tensor. An answer has `predictions`
(a list of rows) or `outputs` (columns). MLflow and Vertex AI took the form over: theirs are the
dialects `mlflow` and `vertex`, which read it here.

A tensor, lists in lists, is `name-0` to `name-{d-1}` row-major, whatever its rank. Bytes, written
`{"b64": text}`, are that text, of which the beginning and the length are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import Decoder

from agent.decode.bodies.message import Message
from agent.decode.names import version_of
from agent.decode.payload import (
    MAX_DEPTH,
    MAX_NAME,
    MAX_STRING,
    Refused,
    Side,
    from_columns,
    from_plain_rows,
    from_rows,
)
from agent.decode.shapes import answers
from agent.decode.shapes.tensors import Tensors, listed

NAME = "kserve_v1"


Small = float | int | bool | Annotated[str, Meta(max_length=MAX_STRING)] | None
Name = Annotated[str, Meta(max_length=MAX_NAME)]
Row = Small | list[Small] | dict[Name, Small]
"""A usual row, which msgspec checks while it reads: small plain values, not nested."""


class _Request(Struct, gc=False):
    instances: list[Row]
    # Other dialects', for which the request is read the longer way: Vertex AI, MLflow, SageMaker.
    parameters: None = None
    params: None = None
    configuration: None = None


class _Response(Struct, gc=False):
    predictions: list[Row]
    model_version: str | int | float | None = None
    # Vertex AI's, likewise.
    modelVersionId: None = None  # noqa: N815
    deployedModelId: None = None  # noqa: N815


ASKED, ANSWERED = "instances", "predictions"
USUAL = "a list of instances"
"""The evidence of a usual request."""
_EXAMPLES, _JUDGING = "examples", (b":classify", b":regress")
"""What TensorFlow Serving's two older calls have in the place of instances."""
_EXPLAINING = b":explain"
"""Ends the path of what is answered by reasons and no predictions."""
REQUEST, RESPONSE = b'{"instances"', b'{"predictions"'
"""How the bodies begin whose rows may be read without making a document of them first."""

_BYTES = {"b64"}
_NESTED = frozenset((list, dict))

_request, _response = Decoder(_Request), Decoder(_Response)
_read_request, _read_requests = _request.decode, _request.decode_lines
_read_response, _read_responses = _response.decode, _response.decode_lines


def plain_request(raw: bytes) -> Side | None:
    """The inputs of a usual request, sooner than by way of a document; or None."""
    if not raw.startswith(REQUEST):
        return None
    try:
        rows = _read_request(raw).instances
    except (ValueError, RecursionError):
        return None
    columns = from_plain_rows(rows, ASKED)
    return None if columns is None else Side(columns, len(rows))


def plain_response(raw: bytes) -> Side | None:
    """The outputs of a usual answer, in the same quick way; or None."""
    if not raw.startswith(RESPONSE):
        return None
    try:
        answer = _read_response(raw)
    except (ValueError, RecursionError):
        return None
    rows = answer.predictions
    columns = from_plain_rows(rows, ANSWERED)
    if columns is None:
        return None
    if answer.model_version is None:
        return Side(columns, len(rows))
    return Side(columns, len(rows), version=version_of(answer.model_version))


def rows_of_requests(lines: bytes) -> Sequence[Sequence[object]]:
    """The rows of usual requests, one a line. Raises ValueError or RecursionError."""
    return [one.instances for one in _read_requests(lines)]


def rows_of_responses(lines: bytes) -> tuple[Sequence[Sequence[object]], set[str]]:
    """The same of answers, and the versions that they name; empty is one too."""
    answers = _read_responses(lines)
    versions = {one.model_version for one in answers}
    return [one.predictions for one in answers], {*map(version_of, versions)}


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = asked.document
    if not isinstance(document, dict):
        return ""
    if isinstance(document.get(ASKED), list):
        return USUAL
    if isinstance(document.get(_EXAMPLES), list) and asked.path.endswith(_JUDGING):
        return "examples to classify or regress"
    return "inputs by name" if isinstance(document.get("inputs"), (list, dict)) else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = asked.json()
    if isinstance(document, dict) and ASKED not in document and "inputs" not in document:
        return _side(document, _EXAMPLES, "inputs")
    return _side(document, ASKED, "inputs")


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer, of any form if it has no predictions: Hugging Face's servers are
    asked for `inputs` too. Raises Refused."""
    document = answer.json()
    if isinstance(document, dict) and (ANSWERED in document or "outputs" in document):
        return _side(document, ANSWERED, "outputs")
    is_other = isinstance(document, dict | list) and "error" not in document
    if not is_other or answer.path.endswith(_EXPLAINING):
        raise Refused("unsupported", "it has neither predictions nor outputs")
    return answers.of_document(document, rows)


def _side(document: object, rows: str, columns: str) -> Side:
    if isinstance(document, dict):
        for name in (rows, columns):
            found = document.get(name)
            if isinstance(found, dict):
                return from_columns({key: _plain_column(value) for key, value in found.items()})
            if isinstance(found, list):
                return _of_rows(found, name)
    raise Refused("unsupported")


def _of_rows(rows: list[object], name: str) -> Side:
    tensor = _tensor(rows) if rows and type(rows[0]) is list else None
    if tensor is not None and len(tensor) == len(rows):
        return from_rows([[value] for value in tensor], name)
    if tensor is not None:
        found = Tensors()
        found.add(name, [len(rows), len(tensor) // len(rows)], listed(tensor))
        return found.side()
    plain = [_flat(row) if type(row) is list else _plain_row(row) for row in rows]
    return from_rows(plain, name)


def _tensor(rows: list[object]) -> list[object] | None:
    """The values of rows that are lists of one shape; None if they are not, or have none."""
    level = rows
    for _ in range(MAX_DEPTH):
        if set(map(type, level)) != {list}:
            break
        if len(set(map(len, level))) != 1:  # type: ignore[arg-type]
            return None
        level = [*chain.from_iterable(level)]  # type: ignore[arg-type]
    level = _plain_values(level)
    return level if level and _NESTED.isdisjoint(map(type, level)) else None


def _plain_row(row: object) -> object:
    """A row by names, its tensors flat and its bytes texts."""
    if type(row) is not dict or row.keys() == _BYTES:
        return row  # one of bytes alone is the column `b64`, as in the quick way above
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: object) -> object:
    if type(value) is list:
        return _flat(value)
    if type(value) is dict and value.keys() == _BYTES and type(value["b64"]) is str:
        return value["b64"]
    return value


def _plain_values(values: list[object]) -> list[object]:
    return [*map(_plain_value, values)] if dict in set(map(type, values)) else values


def _plain_column(values: object) -> object:
    if type(values) is not list:
        return _plain_value(values)
    if _NESTED.isdisjoint(map(type, values)):
        return values
    return [_plain_value(value) for value in values]


def _flat(tensor: list[object]) -> list[object]:
    """Its values, row-major; as it is if it is no tensor."""
    level = tensor
    for _ in range(MAX_DEPTH):
        if not level or set(map(type, level)) != {list}:
            break
        level = [*chain.from_iterable(level)]  # type: ignore[arg-type]
    level = _plain_values(level)
    return level if _NESTED.isdisjoint(map(type, level)) else tensor
