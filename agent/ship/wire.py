"""Protobuf's wire format, as far as Loki's messages need it.

Rule: only what is written, nothing is read; a field is `number << 3 | type`, then its value. Field
numbers are below 16, so that a tag is one byte.
"""

from __future__ import annotations


def varint(value: int) -> bytes:
    """An unsigned integer, seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SMALL = [varint(n) for n in range(1024)]
_TAGS = [bytes((number << 3 | 2,)) for number in range(16)]


def varint_field(number: int, value: int) -> bytes:
    """A field of an integer that is not negative."""
    return _SMALL[number << 3] + varint(value)


def message(number: int, data: bytes) -> bytes:
    """A field of a message, or of bytes."""
    size = len(data)
    return _TAGS[number] + (_SMALL[size] if size < 1024 else varint(size)) + data


def text(number: int, value: str) -> bytes:
    """A field of a string."""
    return message(number, value.encode("utf-8", "replace"))
