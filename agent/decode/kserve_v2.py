"""KServe V2, the Open Inference Protocol, as JSON: a list of named tensors each way.

Source: the Open Inference Protocol's REST specification. A tensor has `name`, `shape`, `datatype`
and `data`, nested or flat in row-major order; the first dimension is the rows. A tensor of shape
`[n]` or `[n, 1]` is the column `name`, any other is `name-0` to `name-{d-1}`.
"""

from __future__ import annotations

from math import prod

from agent.decode.message import Message
from agent.decode.payload import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_DEPTH,
    MAX_NAME,
    MAX_NUMBERED,
    Columns,
    Refused,
    Side,
    Value,
    cut,
)

NAME = "kserve_v2"


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = asked.document
    if not isinstance(document, dict):
        return ""
    tensors = document.get("inputs")
    if not isinstance(tensors, list) or not tensors or not isinstance(tensors[0], dict):
        return ""
    is_tensor = "datatype" in tensors[0] and "shape" in tensors[0]
    return "inputs are tensors with datatype and shape" if is_tensor else ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    return _side(asked.json(), "inputs")


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer. Raises Refused."""
    return _side(answer.json(), "outputs")


def _side(document: object, key: str) -> Side:
    if not isinstance(document, dict) or not isinstance(document.get(key), list):
        raise Refused("unsupported")
    columns: Columns = {}
    rows = left_out = cells = 0
    for tensor in document[key]:
        if not isinstance(tensor, dict):
            raise Refused("malformed")
        name, shape, flat = _tensor(tensor)
        count = shape[0] if shape else 1
        width = len(flat) // count if count else 0
        rows = max(rows, count)
        most = MAX_NUMBERED if width > 1 else MAX_COLUMNS
        kept = min(width, max(0, most - len(columns)))
        left_out += (width - kept) * count
        cells += kept * count
        if cells > MAX_CELLS:
            raise Refused("too_large")
        if width == 1 and kept == 1:
            columns[name] = flat
        else:
            columns.update((f"{name}-{i}", flat[i::width]) for i in range(kept))
    return Side(columns, rows, left_out, _text(document, "id"), _text(document, "model_name"))


def _tensor(tensor: dict[str, object]) -> tuple[str, list[int], list[Value]]:
    """Name, shape and flat values; the shape must tell the truth about their number."""
    shape, data = tensor.get("shape"), tensor.get("data")
    if not isinstance(data, list):
        raise Refused("unsupported")  # binary tensors carry their data after the JSON
    if not isinstance(shape, list) or len(shape) > MAX_DEPTH:
        raise Refused("malformed")
    if not all(type(extent) is int and 0 <= extent <= 1 << 31 for extent in shape):
        raise Refused("malformed")
    flat = _flat(data)
    if prod(shape) != len(flat):
        raise Refused("malformed")
    return _text(tensor, "name"), shape, flat


def _flat(data: list[object]) -> list[Value]:
    level: list[object] = data
    for _ in range(MAX_DEPTH):
        if not level or type(level[0]) is not list:
            break
        inner: list[object] = []
        for part in level:
            if type(part) is not list:
                raise Refused("malformed")
            inner.extend(part)
        level = inner
    return [_value(value) for value in level]


def _value(value: object) -> Value:
    if isinstance(value, str):
        return cut(value)
    if value is None or isinstance(value, (float, int)):
        return value
    raise Refused("malformed")


def _text(document: dict[str, object], key: str) -> str:
    value = document.get(key)
    return value[:MAX_NAME] if isinstance(value, str) else ""
