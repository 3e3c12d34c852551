"""Content codings undone, within bounds: gzip, deflate, br and zstd, also one in another.

Rule: any bytes in; at most `MAX_DECODED` bytes out of each layer, at most `MAX_LAYERS` of them, or
`Refused`. A bomb costs what an honest body of `MAX_DECODED` costs to unpack, and no more memory.

gzip and zstd are known by their first bytes too: clients forget the field, and files are sent as
they lie on disk. br and zstd need cramjam (extra `codings`); without it they are unsupported.

Sources: RFC 9110 section 8.4 (several codings are undone from the last), RFC 1952, RFC 7932,
RFC 8878.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

from agent.decode.payload import Refused
from agent.exchange import Fields

MAX_DECODED = 4 << 20
"""Bytes that a compressed body may unpack to."""
MAX_LAYERS = 3
"""Codings one in another."""

KNOWN = frozenset(("gzip", "deflate", "br", "zstd"))
_MAX_MEMBERS = 128
"""Gzip files in a row; each costs a copy of all that follows it."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_LONGEST = 256
"""Bytes of a field that are looked at, its last: more than `MAX_LAYERS` of names."""
_ALIASES = {"x-gzip": "gzip"}
_FIRST_ROOM = 16
"""Times the coded size: the room that is tried first, as a buffer of MAX_DECODED costs more than to
unpack a usual body."""
_LEAST_ROOM = 4096
_NO_ROOM = "whole buffer"
"""What cramjam's error says when the room is used up; it has no type of its own."""


def named(fields: Fields) -> list[str]:
    """The codings that a head names, in the order in which they were done."""
    found: list[str] = []
    for key, value in fields:
        if len(key) == 16 and key.lower() == b"content-encoding":
            for part in value[-_LONGEST:].decode("latin-1").lower().split(","):
                coding = part.strip()
                if coding and coding != "identity":
                    found.append(_ALIASES.get(coding, coding))
    return found


def undone(raw: bytes, fields: Fields) -> tuple[bytes, tuple[str, ...]]:
    """The bytes without their codings, and which these were, in the order of their undoing.

    Raises Refused: too_large, unsupported or malformed.
    """
    waiting = named(fields)
    done: list[str] = []
    while True:
        coding = _sniffed(raw)
        if waiting:
            said = waiting.pop()
            if coding is None or said == "br":  # the one that nothing can be told by
                coding = said
        if coding is None:
            return raw, tuple(done)
        if len(done) == MAX_LAYERS:
            raise Refused("too_large", f"more than {MAX_LAYERS} content codings, one in another")
        try:
            raw = _undo(raw, coding)
        except Refused:
            if done or raw[:64].lstrip()[:1] not in (b"{", b"["):
                raise
            return raw, ()  # JSON as it is: the head lies
        done.append(coding)
        if not raw:
            return raw, tuple(done)


def _sniffed(raw: bytes) -> str | None:
    if raw[:2] == _GZIP:
        return "gzip"
    return "zstd" if raw[:4] == _ZSTD else None


def _undo(raw: bytes, coding: str) -> bytes:
    if coding == "gzip":
        return _inflated(raw, 31)
    if coding == "deflate":  # with a header, as the standard has it, or without, as many do it
        return _inflated(raw, 15 if raw[0] & 15 == 8 else -15)
    if coding in ("br", "zstd"):
        return _unpacked(raw, coding)
    raise Refused("unsupported", "a content coding other than gzip, deflate, br and zstd")


def _inflated(raw: bytes, window_bits: int) -> bytes:
    parts: list[bytes] = []
    room = MAX_DECODED + 1
    while raw and room > 0:
        if len(parts) == _MAX_MEMBERS:
            raise Refused("too_large", f"more than {_MAX_MEMBERS} gzip files in a row")
        unpack = zlib.decompressobj(window_bits)
        try:
            parts.append(unpack.decompress(raw, room))
        except zlib.error:
            raise Refused("malformed", "the compressed bytes are damaged") from None
        room -= len(parts[-1])
        if room > 0 and not unpack.eof:
            raise Refused("malformed", "the compressed bytes end too soon")
        # A gzip file may be several in a row.
        raw = unpack.unused_data if window_bits == 31 else b""
    if room <= 0:
        raise _bomb()
    return b"".join(parts)


def _unpacked(raw: bytes, coding: str) -> bytes:
    library = _cramjam()
    if library is None:
        why = f"{coding} needs cramjam: pip install 'outrider[codings]'"
        raise Refused("unsupported", why)
    unpack = (library.brotli if coding == "br" else library.zstd).decompress_into
    most = MAX_DECODED + 1
    first = min(max(_FIRST_ROOM * len(raw), _LEAST_ROOM), most)
    for room in (first, most) if first < most else (most,):
        into = bytearray(room)
        try:
            size = unpack(raw, into)
        except library.DecompressionError as error:
            if _NO_ROOM not in str(error):
                why = "the compressed bytes are damaged, or end too soon"
                raise Refused("malformed", why) from None
        else:
            if size <= MAX_DECODED:
                return bytes(memoryview(into)[:size])
    raise _bomb()


def _bomb() -> Refused:
    return Refused("too_large", f"it unpacks to more than {MAX_DECODED >> 20} MiB")


@lru_cache(maxsize=1)
def _cramjam() -> Any:
    """The library, or None; looked for once, as a search costs more than a request."""
    try:
        import cramjam
    except ImportError:
        return None
    return cramjam
