"""Protocol Buffers' wire form, read without a schema.

Rule: pure. Bytes that are none of it are a `WireError`. Source: "Encoding" in protobuf's
documentation; groups, which nothing here uses, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_VARINT = 10
"""Bytes."""


class WireError(ValueError):
    """Bytes that are not in this form."""


def varint(data: bytes, place: int) -> tuple[int, int]:
    """An unsigned integer that begins at `place`, and where it ends."""
    number = 0
    for i in range(MAX_VARINT):
        if place + i >= len(data):
            raise WireError(f"ends within a number at byte {place}")
        byte = data[place + i]
        number |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return number, place + i + 1
    raise WireError(f"has no number at byte {place}")


def delimited(data: bytes, place: int) -> tuple[bytes, int]:
    """Bytes with their length before them, and where they end."""
    length, begin = varint(data, place)
    if begin + length > len(data):
        raise WireError(f"ends within {length} bytes that begin at byte {begin}")
    return data[begin : begin + length], begin + length


def fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """A message's fields: its number, its value if that is an integer, else its bytes."""
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        kind = key & 7
        if kind == 0:
            number, place = varint(data, place)
            yield key >> 3, number, b""
        elif kind == 2:
            value, place = delimited(data, place)
            yield key >> 3, 0, value
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            if place + size > len(data):
                raise WireError(f"ends within {size} bytes that begin at byte {place}")
            yield key >> 3, 0, data[place : place + size]
            place += size
        else:
            raise WireError(f"has a field of unknown kind {kind} at byte {place}")


def entries(data: bytes, number: int) -> Iterator[tuple[int, bytes, bytes]]:
    """A map field's entries: the key as an integer and as bytes, and the value's bytes."""
    for found, _, entry in fields(data):
        if found == number:
            key, name, value = 0, b"", b""
            for part, whole, content in fields(entry):
                if part == 1:
                    key, name = whole, content
                elif part == 2:
                    value = content
            yield key, name, value
