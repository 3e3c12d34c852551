"""A captured body to a parsed JSON document, within bounds.

Rule: any bytes in; a document out, or `Refused` with the outcome.

msgspec reads strict JSON at half a microsecond. What Python servers really write is wider (NaN,
Infinity, 1e400, lone surrogates, UTF-16 or a byte order mark): the standard library reads that,
only after msgspec said no.
"""

from __future__ import annotations

import json
import re
import zlib

import msgspec

from agent.decode.payload import Refused
from agent.exchange import Fields, field

MAX_DECODED = 4 << 20
"""Bytes that a compressed body may unpack to."""
_LONG_INTEGER = 300
"""Digits; a longer integer is read as a float, which may be infinite."""

_strict = msgspec.json.Decoder().decode
_LONE = re.compile(
    r"\\[^u]"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def content(body: tuple[bytes, bytes, int] | None, fields: Fields) -> bytes:
    """The bytes of a captured body, its content coding undone; `fields` are its head's.

    Raises Refused: empty, too_large, unsupported or malformed.
    """
    if body is None:
        raise Refused("empty")
    head, tail, skipped = body
    if skipped:
        raise Refused("too_large")
    raw = head + tail if tail else head
    if not raw:
        raise Refused("empty")
    if raw[0] in b"{[":
        return raw
    coding = (field(fields, b"content-encoding") or b"identity").strip().lower()
    if raw[:2] == b"\x1f\x8b" or coding in (b"gzip", b"x-gzip"):
        return _inflated(raw, 31)
    if coding == b"deflate":
        return _inflated(raw, 15 if raw[0] & 15 == 8 else -15)
    if coding != b"identity":
        raise Refused("unsupported")
    return raw


def parse(raw: bytes, fields: Fields) -> object:
    """The JSON document in `raw`.

    Raises Refused: too_large (nested too deep), unsupported (not JSON by its content type) or
    malformed.
    """
    try:
        return _strict(raw)
    except RecursionError:
        raise Refused("too_large") from None
    except ValueError:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return _lenient(raw, fields)


def _inflated(raw: bytes, window_bits: int) -> bytes:
    parts: list[bytes] = []
    room = MAX_DECODED + 1
    while raw and room > 0:
        unpack = zlib.decompressobj(window_bits)
        try:
            parts.append(unpack.decompress(raw, room))
        except zlib.error:
            raise Refused("malformed") from None
        room -= len(parts[-1])
        if room > 0 and not unpack.eof:
            raise Refused("malformed")
        # A gzip file may be several in a row; each needs at least its 18 bytes of frame.
        raw = unpack.unused_data if window_bits == 31 else b""
    if room <= 0:
        raise Refused("too_large")
    return b"".join(parts)


def _lenient(raw: bytes, fields: Fields) -> object:
    try:
        # Decoded here and not by `json`, which lets lone surrogates through.
        text = raw.decode(json.detect_encoding(raw))
        if "\\u" in text:
            text = _LONE.sub(lambda found: r"\ufffd" if found[1] else found[0], text)
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        raise Refused("too_large") from None
    except ValueError:
        kind = field(fields, b"content-type") or b""
        is_json = not kind or (b"json" in kind and b"ndjson" not in kind and b"lines" not in kind)
        raise Refused("malformed" if is_json else "unsupported") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONG_INTEGER else float(digits)
