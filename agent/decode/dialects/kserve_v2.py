"""KServe V2, the Open Inference Protocol: a list of named tensors each way.

Source: the Open Inference Protocol's REST specification. A tensor has `name`, `shape`, `datatype`
and `data`, nested or flat in row-major order, or its data is in the bytes after the JSON
(`binary`). Of a raw tensor without JSON only its size is known: `input.bytes`; what it is, the
server's metadata may say (`of_raw`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from agent.decode.bodies.message import NO_JSON, Message
from agent.decode.payload import MAX_NAME, Refused, Side, Value
from agent.decode.shapes import binary
from agent.decode.shapes.tensors import Tensor, Tensors, extents, listed

NAME = "kserve_v2"
USUAL = "inputs are tensors with datatype and shape"
"""The evidence of a request whose tensors are in its JSON."""
RAW = "input.bytes"
"""The column of a raw tensor, whose size alone is known."""


def evidence(asked: Message) -> str:
    """Why a request is of this dialect; empty if it is not."""
    document = NO_JSON if asked.raw[:1].isalnum() else asked.document  # CSV is not parsed
    if not isinstance(document, dict):
        return "a raw tensor: its JSON is 0 bytes long" if binary.is_raw(asked.fields) else ""
    tensors = document.get("inputs")
    if not isinstance(tensors, list) or not tensors or not isinstance(tensors[0], dict):
        return ""
    if "datatype" not in tensors[0] or "shape" not in tensors[0]:
        return ""
    return USUAL if asked.binary is None else f"{USUAL}, binary after the JSON"


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    if binary.is_raw(asked.fields) and not isinstance(asked.document, dict):
        return Side({RAW: (len(asked.raw),)}, 1)
    return _side(asked, "inputs")


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer. Raises Refused."""
    return _side(answer, "outputs")


def of_raw(data: bytes, tensor: Tensor) -> Side:
    """The columns of a body that is this tensor. Raises Refused if it is not."""
    known = prod(extent for extent in tensor.shape if extent != -1)
    unknown = tensor.shape.count(-1)
    if not known or unknown > 1:
        raise Refused("unsupported", "a raw tensor of a shape that is not known")
    rows, rest = 1, 0
    if unknown:
        rows, rest = divmod(len(data), known * binary.width(tensor.datatype))
    if rest:
        raise Refused("malformed", "a raw tensor's bytes do not fit its shape and datatype")
    shape = [rows if extent == -1 else extent for extent in tensor.shape]
    found = Tensors()
    found.add(tensor.name, shape, binary.values(tensor.datatype, prod(shape), data))
    return found.side()


def _side(message: Message, key: str) -> Side:
    document = message.json()
    if not isinstance(document, dict) or not isinstance(document.get(key), list):
        raise Refused("unsupported", f"JSON without a list of {key}")
    found = Tensors()
    tail, at = message.binary, 0
    for tensor in document[key]:
        if not isinstance(tensor, dict):
            raise Refused("malformed", "a tensor that is no object")
        shape = extents(tensor.get("shape"))
        size = None if tail is None else _binary_size(tensor)
        if size is None or tail is None:
            flat = _listed(tensor)
        else:
            flat = binary.values(tensor.get("datatype"), prod(shape), tail[at : at + size])
            at += size
        found.add(_text(tensor, "name"), shape, flat)
    if tail is not None and at != len(tail):
        raise Refused("malformed", "the tensors do not fit the bytes after the JSON")
    return found.side(_text(document, "id"), _text(document, "model_name"))


def _binary_size(tensor: dict[str, object]) -> int | None:
    """Bytes of a tensor's data, where they are not in the JSON."""
    parameters = tensor.get("parameters")
    size = parameters.get(binary.SIZE) if isinstance(parameters, dict) else None
    if size is None:
        return None
    if type(size) is not int or size < 0:
        raise Refused("malformed", "a binary_data_size that is no size")
    return size


def _listed(tensor: dict[str, object]) -> Sequence[Value]:
    data = tensor.get("data")
    if not isinstance(data, list):
        raise Refused("unsupported", "a tensor without data, in shared memory perhaps")
    return listed(data)


def _text(document: dict[str, object], key: str) -> str:
    value = document.get(key)
    return value[:MAX_NAME] if isinstance(value, str) else ""
