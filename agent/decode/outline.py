"""The names of a document's first keys, of its beginning alone: what it is, without what it says.

Rule: never a value. Grammar is followed strictly, and at the first byte that is not JSON it ends,
so that a quote too few does not make a name of a value. A name that does not look like one (an
address as a key, say) is shown as a mark.
"""

from __future__ import annotations

import re

SEEN = 2048
"""Bytes that are looked at."""
MAX_KEYS = 12
UNSHOWN = "…"

TOKEN = re.compile(rb'[ \t\r\n]*("(?:[^"\\]|\\.)*"|[{}\[\],:]|[-+.\w]+)')
_SIGNS = (b"}", b"]", b",", b":")
_NAME = re.compile(rb"[A-Za-z_][A-Za-z_0-9.-]{0,39}")
_DIGITS = re.compile(rb"\d{5}")
"""An id, not a column."""


def first_keys(begin: bytes) -> list[str]:
    """Of the object at the top, or of the first of a list of objects; empty if there is none."""
    begin = begin[:SEEN]
    names: list[str] = []
    opened: list[bytes] = []
    wanted, at, top, name = "value", 0, 1, b""
    while len(names) < MAX_KEYS and (found := TOKEN.match(begin, at)):
        token, at = found[1], found.end()
        if wanted == "key" and token.startswith(b'"'):
            name, wanted = token[1:-1], "colon"
        elif wanted == "colon" and token == b":":
            wanted = "value"
            if len(opened) == top:
                names.append(shown_name(name))
        elif wanted in ("value", "item") and token in (b"{", b"["):
            if not opened and token == b"[":
                top = 2
            opened.append(token)
            wanted = "key" if token == b"{" else "item"
        elif wanted in ("value", "item") and token not in _SIGNS:
            wanted = "next"
        elif wanted == "next" and token == b"," and opened:
            wanted = "key" if opened[-1] == b"{" else "value"
        elif _closes(opened, token, wanted):
            opened.pop()
            wanted = "next"
            if len(opened) < top:
                break
        else:
            break
    return names


def _closes(opened: list[bytes], token: bytes, wanted: str) -> bool:
    """Whether what was opened last may end here."""
    if not opened or opened[-1] + token not in (b"{}", b"[]"):
        return False
    return wanted == "next" or wanted == ("key" if token == b"}" else "item")


def shown_name(name: bytes) -> str:
    """A key as it may be shown."""
    is_name = _NAME.fullmatch(name) and not _DIGITS.search(name)
    return name.decode() if is_name else UNSHOWN
