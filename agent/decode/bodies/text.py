"""A captured body to a parsed JSON document, within bounds.

Rule: any bytes in; a document out, or `Refused` with the outcome.

msgspec reads strict JSON at half a microsecond. What Python servers really write is wider (NaN,
Infinity, 1e400, lone surrogates, UTF-16 or a byte order mark): the standard library reads that,
only after msgspec said no.
"""

from __future__ import annotations

import json
import re

import msgspec

from agent.decode.bodies.codings import undone
from agent.decode.payload import Refused
from agent.exchange import Fields, field

_LONG_INTEGER = 300
"""Digits; a longer integer is read as a float, which may be infinite."""

_strict = msgspec.json.Decoder().decode
_LONE = re.compile(
    r"\\[^u]"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def content(body: tuple[bytes, bytes, int] | None, fields: Fields) -> bytes:
    """The bytes of a captured body, its content codings undone; `fields` are its head's.

    Raises Refused: empty, too_large, unsupported or malformed.
    """
    # Most bodies; no coding of a text begins with a brace.
    if body is not None and body[0].startswith(b"{") and not body[1] and not body[2]:
        return body[0]
    return undone(whole(body), fields)[0]


def whole(body: tuple[bytes, bytes, int] | None) -> bytes:
    """The bytes of a captured body as they were sent. Raises Refused: empty or too_large."""
    if body is None:
        raise Refused("empty", "there is no body")
    head, tail, skipped = body
    if skipped:
        raise Refused("too_large", "it is longer than capture.max_body_bytes")
    raw = head + tail if tail else head
    if not raw:
        raise Refused("empty", "there is no body")
    return raw


def parse(raw: bytes, fields: Fields) -> object:
    """The JSON document in `raw`.

    Raises Refused: too_large (nested too deep), unsupported (not JSON by its content type) or
    malformed.
    """
    try:
        return _strict(raw)
    except RecursionError:
        raise Refused("too_large", "it is nested too deep") from None
    except ValueError:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return _lenient(raw, fields)


def _lenient(raw: bytes, fields: Fields) -> object:
    try:
        # Decoded here and not by `json`, which lets lone surrogates through.
        text = raw.decode(json.detect_encoding(raw))
        if "\\u" in text:
            text = _LONE.sub(lambda found: r"\ufffd" if found[1] else found[0], text)
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        raise Refused("too_large", "it is nested too deep") from None
    except ValueError:
        kind = field(fields, b"content-type") or b""
        is_json = not kind or (b"json" in kind and b"ndjson" not in kind and b"lines" not in kind)
        why = "it is not JSON, nor text that reads as JSON"
        raise Refused("malformed" if is_json else "unsupported", why) from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONG_INTEGER else float(digits)
