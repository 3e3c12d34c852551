"""Protobuf's wire format, as far as Loki's messages need it.

Rule: only what is written, nothing is read; a field is `number << 3 | type`, then its value.
"""

from __future__ import annotations


def varint(value: int) -> bytes:
    """An unsigned integer, seven bits a byte, the lowest first."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint_field(number: int, value: int) -> bytes:
    """A field of an integer that is not negative."""
    return varint(number << 3) + varint(value)


def message(number: int, data: bytes) -> bytes:
    """A field of a message, or of bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def text(number: int, value: str) -> bytes:
    """A field of a string."""
    return message(number, value.encode("utf-8", "replace"))
