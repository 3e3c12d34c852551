"""The Open Inference Protocol's binary tensors: bytes after the JSON, in the order of the tensors.

Source: Triton's "Binary Tensor Data Extension". The field `Inference-Header-Content-Length` says
how many bytes are JSON; a tensor whose `parameters` have `binary_data_size` has its data in the
bytes that follow: little-endian, row-major, without padding. BYTES are texts, each after its length
in 4 bytes. With a field of 0 the body is one raw tensor, of which nothing says type or shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any

import numpy as np

from agent.decode.images.picture import opaque
from agent.decode.payload import Refused, Value, cut
from agent.decode.shapes.cells import Cells
from agent.exchange import Fields, field

FIELD = b"inference-header-content-length"
SIZE = "binary_data_size"
MARK = b'"binary_data_size"'
"""It is in the JSON of each message whose tensors are binary."""
_LIES = "a binary tensor's bytes do not fit its shape and datatype"
_LONGEST = 10
"""Digits of a length."""
_length_at = Struct("<I").unpack_from

_TYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("u1"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "FP16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}


def json_length(fields: Fields, size: int) -> int | None:
    """Bytes of JSON in a body of `size`; None if the field is not there.

    Raises Refused("malformed") if it is no length of this body.
    """
    written = field(fields, FIELD)
    if written is None:
        return None
    written = written.strip()
    if not written.isdigit() or len(written) > _LONGEST or int(written) > size:
        raise Refused("malformed", "Inference-Header-Content-Length is no length in this body")
    return int(written)


def is_raw(fields: Fields) -> bool:
    """Whether the body is one tensor, without JSON."""
    return (field(fields, FIELD) or b"").strip() == b"0"


def width(datatype: str) -> int:
    """Bytes of a value. Raises Refused("unsupported") of one that has no fixed width."""
    kind = _TYPES.get(datatype)
    if kind is None:
        raise Refused("unsupported", "a raw tensor of texts, or of an unknown datatype")
    return kind.itemsize


def values(datatype: object, count: int, data: bytes) -> Sequence[Value]:
    """The values of a tensor of `count` of them, flat.

    Raises Refused: malformed if `data` are not so many, unsupported of an unknown datatype.
    """
    if datatype == "BYTES":
        return texts(data, count)
    kind = _TYPES.get(datatype) if isinstance(datatype, str) else None
    if kind is None:
        raise Refused("unsupported", "a binary tensor of an unknown datatype")
    if count * kind.itemsize != len(data):
        raise Refused("malformed", _LIES)
    array = np.frombuffer(data, kind)
    if datatype == "BOOL":
        return Cells(array != 0)
    if datatype == "BF16":  # the upper half of a float32
        return Cells((array.astype("<u4") << 16).view("<f4"))
    return Cells(array)


def texts(data: bytes, count: int) -> list[Value]:
    """`count` texts, each after its length. Raises Refused("malformed")."""
    found: list[Value] = []
    at, end = 0, len(data)
    for _ in range(count):
        if at + 4 > end:
            raise Refused("malformed", _LIES)
        begin = at + 4
        at = begin + _length_at(data, at)[0]
        if at > end:
            raise Refused("malformed", "a text that is longer than its tensor")
        found.append(text(data[begin:at]))
    if at != end:
        raise Refused("malformed", _LIES)
    return found


def text(data: bytes) -> str:
    """Bytes as a text; those that are none as an image, or as one of as many characters."""
    try:
        return cut(data.decode())
    except UnicodeDecodeError:
        return opaque(data)
