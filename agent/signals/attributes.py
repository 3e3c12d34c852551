"""Span attributes as bytes: a KeyValue in protobuf's wire format, kept by its value.

Rule: every bound is here: a text is cut at `MAX_TEXT` bytes, and of each kind no more than
`MAX_KEPT` encoded values are kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

Value = str | int

_K = TypeVar("_K")
_V = TypeVar("_V")

MAX_TEXT = 1024
MAX_KEPT = 1024

_ATTRIBUTES = b"\x4a"
"""Span's field 9."""
_DOUBLE = struct.Struct("<d").pack


def varint(value: int) -> bytes:
    """An unsigned integer, seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_LENGTHS = [varint(n) for n in range(4096)]


def length(data: bytes) -> bytes:
    """How long `data` is, as it stands before a field's bytes."""
    size = len(data)
    return _LENGTHS[size] if size < 4096 else varint(size)


def block(number: int, data: bytes) -> bytes:
    """A field (number below 16) of a message, a string or bytes."""
    return before(number, len(data)) + data


def before(number: int, size: int) -> bytes:
    """What stands before `size` bytes of such a field."""
    return bytes((number << 3 | 2,)) + varint(size)


def utf8(value: bytes) -> bytes:
    """Bytes of a message head, which are read as latin-1, as a string field holds them."""
    return value if value.isascii() else value.decode("latin-1").encode()


def text_attribute(key: str, value: bytes) -> bytes:
    """A span's attribute; `value` is UTF-8."""
    pair = block(1, key.encode()) + block(2, block(1, value))
    return _ATTRIBUTES + length(pair) + pair


def number_attribute(key: str, value: int) -> bytes:
    """A span's attribute; `value` is not negative."""
    pair = block(1, key.encode()) + block(2, b"\x18" + varint(value))
    return _ATTRIBUTES + length(pair) + pair


def seconds_attribute(key: str, value: float) -> bytes:
    """A span's attribute."""
    pair = block(1, key.encode()) + block(2, b"\x21" + _DOUBLE(value))
    return _ATTRIBUTES + length(pair) + pair


class Kept(dict[_K, _V]):
    """What `make(key)` gives, kept until there are `MAX_KEPT` of them; then begun anew."""

    def __init__(self, make: Callable[[_K], _V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: _K) -> _V:
        if len(self) >= MAX_KEPT:
            self.clear()
        made = self[key] = self._make(key)
        return made


def sizes(key: str) -> Kept[int, bytes]:
    """Attributes of one name by their number."""
    return Kept(lambda value: number_attribute(key, value))


def host_attributes(value: str, scheme: str) -> bytes:
    """`server.address` and `server.port` of a Host field."""
    value = value.rpartition("@")[2]  # a user and a password, which no Host may have
    name, colon, port = value.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or len(port) > 5:
        name, port = value, "443" if scheme == "https" else "80"
    address = name.removeprefix("[").removesuffix("]")
    return text_attribute("server.address", address.encode()) + number_attribute(
        "server.port", int(port)
    )
