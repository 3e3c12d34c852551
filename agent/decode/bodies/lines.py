"""JSON documents, one a line: JSON Lines, also called NDJSON.

Rule: as `text.parse`, for lines. Blank lines are no documents.
"""

from __future__ import annotations

import msgspec

from agent.decode.bodies.text import parse
from agent.decode.payload import MAX_CELLS, Refused
from agent.exchange import JSON_LINES

KINDS = JSON_LINES
"""Media types that are used for it."""

_MARK = b"\xef\xbb\xbf"
"""UTF-8's byte order mark, which Windows' editors write."""
_strict = msgspec.json.Decoder().decode_lines


def documents(raw: bytes) -> list[object]:
    """The documents. Raises Refused: empty, too_large or malformed."""
    if raw.count(b"\n") > MAX_CELLS:
        raise Refused("too_large", f"more than {MAX_CELLS:,} lines")
    raw = raw.removeprefix(_MARK)
    try:
        found = _strict(raw)
    except RecursionError:
        raise Refused("too_large", "it is nested too deep") from None
    except ValueError:
        found = _lenient(raw)
    if not found:
        raise Refused("empty", "there is no line in it")
    return found


def _lenient(raw: bytes) -> list[object]:
    """What Python servers write (NaN): all lines in one go, as one line at a time takes long."""
    lines = [line for line in raw.split(b"\n") if line.strip()]
    found = parse(b"[" + b",".join(lines) + b"]", [])
    if not isinstance(found, list) or len(found) != len(lines):
        raise Refused("malformed", "not a document a line")
    return found
