"""NumPy's files as bodies: one array (`.npy`), or a zip of them by name (`.npz`).

Rule: nothing is evaluated or unpickled. The header, a Python literal, is read by a pattern for the
few forms that it has; an array of objects is refused; what a zip unpacks to is bounded.

Source: NumPy's "NPY format", versions 1 to 3. A request's array of one dimension is one row, as a
list of numbers is in JSON; an answer's, if it is as long as the request has rows, a value a row.
An array of records (`descr` a list) is columns by name. An answer may be JSON instead.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from math import prod
from struct import error as StructError  # noqa: N812

import numpy as np

from agent.decode.bodies.codings import MAX_DECODED
from agent.decode.bodies.message import Message
from agent.decode.payload import MAX_COLUMNS, MAX_DEPTH, Refused, Side, Value, cut
from agent.decode.shapes import answers
from agent.decode.shapes.binary import text
from agent.decode.shapes.cells import Array, Cells
from agent.decode.shapes.tensors import LIES, MAX_EXTENT, Tensors

NAME = "numpy"
MAGIC, ZIP = b"\x93NUMPY", b"PK\x03\x04"
MAX_HEADER = 10_000
"""Bytes; NumPy itself reads no longer one."""
MAX_MEMBERS = 256
"""Arrays of a zip."""
_SURROGATES, _NO_POINT = 0xD800 >> 11, 0x110000
"""What no Unicode text has: halves of pairs, and numbers from here on."""
_ENTRY = b"PK\x01\x02"
"""Begins each entry of a zip's directory."""
_NUMBER = r"[<>|=]?(?:b1|[iu][1248]|f[248])"
_TEXT = r"[<>|=]?[SU]\d{1,9}"
_kind = re.compile(rf"{_NUMBER}|{_TEXT}").fullmatch
_descr = re.compile(r"'descr': ?(?:'([^'\\]{1,32})'|\[([^\[\]]*)\])")
_order = re.compile(r"'fortran_order': ?(True|False)")
_shape = re.compile(r"'shape': ?\(((?:\d{1,10}, ?)*\d{0,10}),?\)")
_record = re.compile(rf"\('([^'\\]{{1,256}})', ?'({_NUMBER})'\),? ?")
_header = re.compile(
    rf"\{{(?:(?:{_descr.pattern}|{_order.pattern}|{_shape.pattern}),? ?){{3}}\}} *\n?"
)
_Named = dict[str, Sequence[Value]]
"""Of an array of records each one's values; of another the values under the empty name."""
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # encrypted; NotImplementedError is one too
    LookupError,
    OverflowError,
    StructError,
)


def evidence(asked: Message) -> str:
    """Why a body is of this dialect; empty if it is not."""
    raw = asked.raw
    if raw.startswith(MAGIC):
        return "begins as a NumPy file does"
    if raw.startswith(ZIP) and raw[30 : 30 + int.from_bytes(raw[26:28], "little")].endswith(
        b".npy"
    ):
        return "a zip of NumPy files"
    return ""


def request(asked: Message) -> Side:
    """Named inputs of a request that matches. Raises Refused."""
    return _side(asked.raw, "input", -1)


def response(answer: Message, rows: int) -> Side:
    """Named outputs of an answer. Raises Refused."""
    if evidence(answer):
        return _side(answer.raw, "output", rows)
    return answers.read(answer, rows)


def _side(raw: bytes, name: str, rows: int) -> Side:
    found = Tensors()
    if raw.startswith(MAGIC):
        shape, columns = _array(raw)
        if len(shape) == 1 and shape[0] != rows and "" in columns:
            shape = [1, *shape]
        _add(found, name, shape, columns)
    else:
        for member, data in _members(raw):
            _add(found, member, *_array(data))
    return found.side()


def _add(found: Tensors, name: str, shape: list[int], columns: _Named) -> None:
    for own, flat in columns.items():
        found.add(own or name, shape, flat)


def _array(raw: bytes) -> tuple[list[int], _Named]:
    """Shape and flat values. Raises Refused."""
    header, data = _parts(raw)
    if _header.fullmatch(header) is None:
        raise Refused("malformed", "its header is none of NumPy's")
    descr, order, written = _descr.search(header), _order.search(header), _shape.search(header)
    if descr is None or order is None or written is None:
        raise Refused("malformed", "its header lacks type, order or shape")
    shape = [int(extent) for extent in written[1].split(",") if extent.strip()]
    if len(shape) > MAX_DEPTH or any(extent > MAX_EXTENT for extent in shape):
        raise Refused("malformed", "no such shape")
    by_column = order[1] == "True"
    if descr[1] is None:
        return shape, _records(descr[2], shape, data, by_column)
    if _kind(descr[1]) is None:
        raise Refused("unsupported", "an array of objects, times or complex numbers")
    return shape, {"": _values(descr[1], shape, data, by_column)}


def _parts(raw: bytes) -> tuple[str, bytes]:
    """Header and data of a file of any version."""
    if not raw.startswith(MAGIC) or len(raw) < 12 or raw[6] not in (1, 2, 3):
        raise Refused("malformed", "no NumPy file of version 1 to 3")
    begin = 10 if raw[6] == 1 else 12
    length = int.from_bytes(raw[8:begin], "little")
    end = begin + length
    if length > MAX_HEADER or end > len(raw):
        raise Refused("malformed", "its header is too long or cut short")
    return raw[begin:end].decode("utf-8" if raw[6] == 3 else "latin-1", "replace"), raw[end:]


def _values(kind: str, shape: list[int], data: bytes, by_column: bool) -> Sequence[Value]:
    letters = kind.lstrip("<>|=")
    count = prod(shape)
    size = int(letters[1:]) * (4 if letters[0] == "U" else 1)
    if count * size != len(data):
        raise Refused("malformed", LIES)
    if letters[0] in "SU":
        if not size or (by_column and len(shape) > 1):
            raise Refused("unsupported", "texts of no length, or in columns")
        return _texts(kind, size, data)
    return Cells(_flat(_plain(np.frombuffer(data, _as_written(kind)), kind), shape, by_column))


def _texts(kind: str, size: int, data: bytes) -> list[Value]:
    """Texts of `size` bytes each, without the zeros that fill them up."""
    if kind.lstrip("<>|=")[0] == "S":
        return [text(piece) for piece in np.frombuffer(data, f"S{size}").tolist()]
    order = ">" if kind[0] == ">" else "<"
    points = np.frombuffer(data, f"{order}u4")
    if ((points >> 11 != _SURROGATES) & (points < _NO_POINT)).all():
        return [cut(piece) for piece in np.frombuffer(data, f"{order}U{size // 4}").tolist()]
    coding = "utf-32-be" if order == ">" else "utf-32-le"
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return [cut(piece.decode(coding, "replace").rstrip("\0")) for piece in pieces]


def _records(fields: str, shape: list[int], data: bytes, by_column: bool) -> _Named:
    """The columns of an array of records."""
    found = _record.findall(fields)
    if "".join(whole[0] for whole in _record.finditer(fields)) != fields or not found:
        raise Refused("unsupported", "records of other values than numbers")
    kinds = dict(found)
    if len(kinds) != len(found) or len(found) > MAX_COLUMNS:
        raise Refused("malformed", "records with a name twice, or of too many values")
    dtype = np.dtype([(name, _as_written(kind)) for name, kind in found])
    if prod(shape) * dtype.itemsize != len(data):
        raise Refused("malformed", LIES)
    array = np.frombuffer(data, dtype)
    return {
        name: Cells(_flat(_plain(array[name], kind), shape, by_column))
        for name, kind in kinds.items()
    }


def _as_written(kind: str) -> np.dtype[np.generic]:
    """Of booleans the bytes, which may be others than 0 and 1."""
    return np.dtype("u1" if kind.endswith("b1") else kind)


def _plain(array: Array, kind: str) -> Array:
    return array != 0 if kind.endswith("b1") else array


def _flat(array: Array, shape: list[int], by_column: bool) -> Array:
    if not by_column or len(shape) < 2 or not len(array):
        return array
    return array.reshape(shape, order="F").reshape(-1)


def _members(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each array of a zip; MAX_DECODED bytes together. Raises Refused."""
    if raw.count(_ENTRY) > MAX_MEMBERS:
        raise Refused("too_large", f"a zip of more than {MAX_MEMBERS} arrays")
    room = MAX_DECODED
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as whole:
            for member in whole.infolist():
                if not member.filename.endswith(".npy"):
                    raise Refused("unsupported", "a zip of other files too")
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise Refused("unsupported", "a zip compressed in another way than deflate")
                with whole.open(member) as file:
                    data = file.read(room + 1)
                room -= len(data)
                if room < 0:
                    why = f"it unpacks to more than {MAX_DECODED >> 20} MiB"
                    raise Refused("too_large", why)
                yield member.filename.removesuffix(".npy"), data
    except _DAMAGED:
        raise Refused("malformed", "a damaged zip") from None
