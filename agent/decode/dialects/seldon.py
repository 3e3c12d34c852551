"""Seldon Core 1: `data` as `ndarray` or `tensor` with `names`, or `jsonData` and `strData`.

Source: Seldon Core's "SeldonMessage" and "External prediction API" pages. A tensor has `shape` and
flat `values`. Answers are of the same form, `meta` beside the data.
"""

from __future__ import annotations

from agent.decode.bodies.message import Message
from agent.decode.payload import MAX_NAME, Refused, Side, from_rows
from agent.decode.shapes import answers
from agent.decode.shapes.answers import OUTPUT
from agent.decode.shapes.frames import is_list_of

NAME = "seldon"

_LONGEST = 10
"""Digits of a size."""
_TENSORS, TEXTS = ("tensor", "tftensor"), ("strData", "binData")
_VALUES = frozenset(("doubleVal", "floatVal", "intVal", "int64Val", "boolVal", "stringVal"))


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = asked.document
    if not isinstance(document, dict):
        return ""
    if _data(document) is not None:
        return "data as ndarray or tensor"
    if asked.path.endswith(b"/predictions"):
        for name in ("jsonData", *TEXTS):
            if name in document:
                return f"{name} at …/predictions"
    return ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    document = asked.json()
    found = _message(document, "input")
    if found is None:
        raise Refused("unsupported", "it has neither data nor jsonData nor strData")
    return found


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer to a request of `rows` rows. Raises Refused."""
    if answer.is_like_json:
        found = _message(answer.document, OUTPUT)
        if found is not None:
            return found
    return answers.read(answer, rows)


def _message(document: object, name: str) -> Side | None:
    if not isinstance(document, dict):
        return None
    data = _data(document)
    if data is not None:
        return _array(data, name)
    if "jsonData" in document:
        value = document["jsonData"]
        return from_rows(value if is_list_of(value, (list, dict)) else [value], name)
    return next((from_rows([document[key]], name) for key in TEXTS if key in document), None)


def _data(document: dict[str, object]) -> dict[str, object] | None:
    data = document.get("data")
    if not isinstance(data, dict):
        return None
    is_one = any(isinstance(data.get(name), dict) for name in _TENSORS)
    return data if is_one or isinstance(data.get("ndarray"), list) else None


def _array(data: dict[str, object], name: str) -> Side:
    found = data.get("ndarray")
    if not isinstance(found, list):
        tensor, proto = map(data.get, _TENSORS)
        found = _tensor(tensor if isinstance(tensor, dict) else _of_proto(proto))
    return _named(from_rows(found, name), data.get("names"))


def _of_proto(proto: object) -> dict[str, object]:
    """A TensorFlow `TensorProto`, as JSON, as such a tensor; its sizes are texts."""
    assert isinstance(proto, dict)
    shape = proto.get("tensorShape")
    dims = shape.get("dim") if isinstance(shape, dict) else None
    sizes = [_size(dim) for dim in dims] if isinstance(dims, list) else []
    return {"shape": sizes, "values": next((proto[key] for key in proto if key in _VALUES), None)}


def _size(dim: object) -> int | None:
    size = dim.get("size") if isinstance(dim, dict) else None
    is_one = isinstance(size, str) and len(size) < _LONGEST and size.isascii() and size.isdigit()
    return int(size) if is_one else None  # type: ignore[arg-type]


def _tensor(tensor: dict[str, object]) -> list[object]:
    """Its rows; the shape must tell the truth about how many there are."""
    shape, values = tensor.get("shape"), tensor.get("values")
    if not isinstance(shape, list) or not isinstance(values, list) or not shape:
        raise Refused("malformed", "a tensor has the lists shape and values")
    rows = shape[0]
    if type(rows) is not int or rows < 1 or len(values) % rows:
        raise Refused("malformed" if values else "empty", "its shape does not fit its values")
    width = len(values) // rows
    if len(shape) == 1:
        return values
    return [values[begin : begin + width] for begin in range(0, len(values), width or 1)]


def _named(side: Side, names: object) -> Side:
    """The side's columns under these names, if there are as many and all are different texts."""
    if not isinstance(names, list) or len(names) != len(side.columns):
        return side
    wanted = {name[:MAX_NAME]: None for name in names if isinstance(name, str)}
    if len(wanted) != len(names):
        return side
    columns = dict(zip(wanted, side.columns.values(), strict=True))
    return Side(columns, side.rows, side.left_out)
